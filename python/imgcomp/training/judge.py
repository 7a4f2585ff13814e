"""The classifier of the objective ``judge``: checked, frozen, fingerprinted, read from a file."""

from __future__ import annotations

from pathlib import Path

from imgcomp import _core
from imgcomp.errors import UsageError
from imgcomp.models.model import Classifier
from imgcomp.training.checkpoint import ModelFile, load


def frozen(judge: Classifier | None) -> Classifier | None:
    """A copy of a classifier of which no gradients are wanted; None of None.

    Raises:
        UsageError: it is no classifier.
    """
    if judge is None:
        return None
    twin = _checked(judge).copy()
    for tensor in twin.parameters():
        tensor.requires_grad_(False)
    return _checked(twin)


def core_of(judge: Classifier | None) -> _core.Model | None:
    """What the core asks; None for none.

    Raises:
        UsageError: it is no classifier.
    """
    return None if judge is None else _checked(judge)._core


def digest_of(judge: Classifier) -> str:
    """64 hexadecimal digits that stand for its spec and weights."""
    return ModelFile(judge.spec, judge.state_dict()).digest()


def load_judge(path: str | Path, given_as: str = "judge") -> Classifier:
    """The classifier in a file of :func:`imgcomp.save`.

    Args:
        path: of the file.
        given_as: what the reader of a message knows the file as.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is damaged.
        UsageError: it holds no classifier.
    """
    found = load(path)
    if not isinstance(found, Classifier):
        raise UsageError(f"{given_as}: {path} holds no classifier")
    return found


def _checked(judge: object) -> Classifier:
    if not isinstance(judge, Classifier):
        raise UsageError(f"judge must be a Classifier, not {type(judge).__name__}")
    return judge
