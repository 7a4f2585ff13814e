"""A codec's file: the model file of its network, with the code's tensors and a description."""

from __future__ import annotations

from typing import TypeAlias

from imgcomp._checks import whole_number
from imgcomp.codec.codes import BinaryCode, StaticCode
from imgcomp.codec.context_code import ContextCode
from imgcomp.errors import UsageError
from imgcomp.models.model import Autoencoder
from imgcomp.training.checkpoint import ModelFile
from imgcomp.training.stored_weights import compact

Code: TypeAlias = StaticCode | BinaryCode | ContextCode
_KINDS: dict[str, type[Code]] = {
    "static": StaticCode,
    "binary": BinaryCode,
    "context": ContextCode,
}


def content_of(name: str, model: Autoencoder, code: Code) -> ModelFile:
    """What the file of a codec holds."""
    described, tensors = code.parts()
    weights = model.state_dict()
    if isinstance(code, ContextCode):  # has the entropy model in whole numbers
        weights = compact(model.spec, weights)
    return ModelFile(model.spec, weights, code=tensors, codec={"name": name, **described})


def code_from(content: ModelFile) -> Code:
    """The code of a codec's file.

    Raises:
        UsageError, KeyError, TypeError, ValueError: it is none.
    """
    described = content.codec or {}
    kind = _KINDS.get(described["kind"])
    if kind is None:
        raise UsageError(f"there are {', '.join(_KINDS)} codes, not {described['kind']!r}")
    for side in described["shape"]:
        whole_number("each side of the code's shape", side)
    return kind.from_parts(described, content.code)
