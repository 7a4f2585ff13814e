"""Measures of quality as curves are compared over them: means over images, on a scale that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from imgcomp.papers.measures import PSNR_LIMIT

Values = npt.NDArray[np.float64]


def decibels(similarities: Values) -> Values:
    """Similarities on a scale of decibels: −10 · log10(1 − s), at most `PSNR_LIMIT`.

    0.9 is 10 dB, 0.99 is 20 dB: near 1, where similarities of different codecs hardly differ, it
    tells them apart as PSNR does.

    Args:
        similarities: SSIM or MS-SSIM, at most 1.
    """
    least = 10 ** (-PSNR_LIMIT / 10)
    found: Values = -10 * np.log10(np.maximum(1.0 - similarities, least))
    return found


def _as_is(values: Values) -> Values:
    return values


def _per_cent(values: Values) -> Values:
    return 100 * values


@dataclass(frozen=True)
class Scale:
    """One measure as the quality of a curve.

    Attributes:
        title: for people.
        unit: of the scale.
        tensor: of a stage's artifact: one value for each image.
        levels: at which rates are told, on `scaled`'s scale; of the accuracy, points below that
            of the originals; empty: every 2 dB.
        scaled: means over images on the scale.
    """

    title: str
    unit: str
    tensor: str
    levels: tuple[float, ...] = ()
    scaled: Callable[[Values], Values] = field(default=_as_is, repr=False)


MAIN = "psnr"
"""What comparisons go by first."""
ACCURACY = "accuracy"
SIMILARITIES = (0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""At which rates are told."""
LOST = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Points of accuracy, likewise."""
_LEVELS = tuple(float(level) for level in decibels(np.array(SIMILARITIES)))

SCALES = {
    MAIN: Scale("PSNR", "dB", "psnr"),
    "ssim": Scale("SSIM", "dB", "ssim", _LEVELS, decibels),
    "ms_ssim": Scale("MS-SSIM", "dB", "ms_ssim", _LEVELS, decibels),
    ACCURACY: Scale("accuracy", "%", "correct", LOST, _per_cent),
}
"""By the names in ``results.json``; the accuracy is that of a classifier trained on originals."""

_VARIANTS = {"-ms-ssim": "ms_ssim", "-classifier": ACCURACY}
"""Endings of the names of the package's codecs."""


def trained_for(name: str) -> str:
    """Which of `SCALES` a codec of the package is for, by its name, whatever the effort."""
    codec = name.partition("@")[0]
    for ending, measure in _VARIANTS.items():
        if codec.endswith(ending):
            return measure
    return MAIN
