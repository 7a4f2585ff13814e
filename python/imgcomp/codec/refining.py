"""Codes of images moved to where they cost less and give more back, by an encoder that takes time.

The network and the format stay as they are: what is found is a better code for each image, and any
decoder reads it (Yang, Bamler and Mandt 2020, "Improving Inference for Neural Image Compression",
section 3.2). Better is what the network was trained for: squared errors, MS-SSIM, or what a
classifier makes of the images.
"""

from __future__ import annotations

from pathlib import Path

import torch

from imgcomp import _core
from imgcomp._checks import whole_number
from imgcomp.codec.context_code import ContextCode
from imgcomp.errors import UsageError
from imgcomp.models.model import Autoencoder, Classifier
from imgcomp.models.pixels import images_of
from imgcomp.training.judge import core_of, frozen, load_judge

MOST_EFFORT = 6
_JUDGES = Path(__file__).parent / "recipes"
_SUFFIX = ".judge.safetensors"
_RATE, _JUDGE = "rate", "judge"


def rounds(effort: int) -> int:
    """How many times codes are moved at an effort, 0 … `MOST_EFFORT`."""
    return 25 << effort if effort else 0


def checked_judge(
    effort: int, code: object, name: str, judge: Classifier | None = None
) -> Classifier | None:
    """The classifier for which a code of a codec is refined at an effort; None where for none.

    Args:
        effort: 0 … `MOST_EFFORT`.
        code: of the codec.
        name: of the codec: those of the package that were trained for a classifier have it there.
        judge: a classifier to be taken in its place.

    Raises:
        UsageError: there is no such effort, the code cannot be refined, or the judge does not fit.
    """
    if not whole_number("effort", effort, 0, MOST_EFFORT):
        if judge is not None:
            raise UsageError("a judge has a say in codes at an effort of 1 or more, not at 0")
        return None
    objective = (code.objective if isinstance(code, ContextCode) else None) or ""
    if _RATE not in objective.split("+"):
        raise UsageError(
            f"the codec {name!r} has no effort to choose: only codes of several rates are refined, "
            "whose file says for what rate and distortion they were trained"
        )
    if judge is None:
        return _judge_of(name) if asks_a_judge(code) else None
    if not asks_a_judge(code):
        raise UsageError(
            f"the codec {name!r} was trained for {objective!r}: no judge has a say in that"
        )
    return frozen(judge)


def asks_a_judge(code: object) -> bool:
    """Whether it is for a classifier that a codec's code is refined at an effort."""
    return isinstance(code, ContextCode) and _JUDGE in (code.objective or "")


def _judge_of(name: str) -> Classifier | None:
    known = {path.name.removesuffix(_SUFFIX): path for path in _JUDGES.glob(f"*{_SUFFIX}")}
    if name not in known:
        raise UsageError(
            f"the codec {name!r} was trained for a classifier to recognise its images: give that "
            "one, or another, as the judge"
        )
    return frozen(load_judge(known[name]))


def refined(
    model: Autoencoder,
    code: ContextCode,
    images: torch.Tensor,
    codes: torch.Tensor,
    effort: int,
    judge: Classifier | None = None,
) -> torch.Tensor:
    """Better codes of images, each by itself; where none was found, the one that was given.

    Args:
        model: whose decoder gives the images back.
        code: that counts the bits, at its quality, and says what is better.
        images: uint8 (N, C, H, W).
        codes: of the encoder, ``(N, *code.shape)``, float32, not rounded.
        effort: 1 … `MOST_EFFORT`.
        judge: of `checked_judge`.

    Raises:
        UsageError: the judge sees images of another size.
    """
    steps = _core.refine_steps(
        model._core,
        images.contiguous(),
        code.steps(codes),
        code.level,
        str(code.objective),
        rounds(effort),
        core_of(judge),
    )
    moved = code.values(steps)
    better = costs(model, code, images, moved, judge) < costs(model, code, images, codes, judge)
    return torch.where(better[:, None, None, None], moved, codes)


def costs(
    model: Autoencoder,
    code: ContextCode,
    images: torch.Tensor,
    codes: torch.Tensor,
    judge: Classifier | None = None,
) -> torch.Tensor:
    """What was trained for, of each image, float64 (N,), with real tables and 8-bit images.

    Args:
        model: whose decoder gives the images back.
        code: that counts the bits, at its quality, with an objective.
        images: uint8 (N, C, H, W).
        codes: ``(N, *code.shape)``, floating point.
        judge: of `checked_judge`.
    """
    back = images_of(model, code.values(code.symbols(codes)), level=code.level)
    lost = _core.distortions(
        model._core,
        images,
        back,
        code.level,
        str(code.objective),
        core_of(judge),
    )
    return code.bits_of_each(codes) / images[0, 0].numel() + lost
