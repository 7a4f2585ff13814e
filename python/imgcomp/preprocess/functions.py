"""Preprocessing as plain functions, for those who need no pipeline."""

from __future__ import annotations

from typing import NamedTuple

import torch

from imgcomp import _core
from imgcomp._checks import choice
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike
from imgcomp.preprocess.pipeline import Pipeline, checked_images
from imgcomp.preprocess.steps import PoolSpline, Size, Standardize

_PER = ("pixel", "channel")


class Statistics(NamedTuple):
    """Means and population standard deviations of a set of images, in their units.

    Both are float64, (C, H, W), or (C, 1, 1) where they are per channel.
    """

    mean: torch.Tensor
    std: torch.Tensor


def pool_spline(
    images: ArrayLike, window: int, step: int, size: Size = 28, order: int = 1
) -> torch.Tensor:
    """Average pooling, then spline interpolation.

    Equal to ``torch.nn.functional.avg_pool2d`` followed by
    ``scipy.interpolate.RectBivariateSpline(kx=order, ky=order, s=0)`` from and to evenly spaced
    points whose corners coincide; order 0 is nearest sampling on the same grid.

    Args:
        images: uint8, float32 or float64 (N, C, H, W).
        window: side of the pooled windows, at most that of the images; 1 pools nothing.
        step: from one window to the next.
        size: height and width of the result, or one number for both; at least 2.
        order: 0, 1, 3 or 5; needs at least ``order + 1`` pooled pixels along each axis.

    Returns:
        float32 (N, C, height, width) in the images' units. Splines of order 3 and 5 overshoot at
        edges; nothing is clipped.

    Raises:
        UsageError: images or settings that make no sense.
    """
    return Pipeline([PoolSpline(window, step, size, order)])(images)


def statistics(images: ArrayLike, *, per: str = "pixel") -> Statistics:
    """Mean and standard deviation over all images, in one pass.

    Sums over bytes are exact whole numbers, those over floats are float64.

    Args:
        images: uint8, float32 or float64 (N, C, H, W).
        per: ``"pixel"``: each pixel of each channel apart; ``"channel"``: each channel as a whole.

    Returns:
        The mean and the population standard deviation; exactly 0 for what never changes.

    Raises:
        UsageError: no images, another type, or values that are not finite.
    """
    per_channel = choice("per", per, _PER) == "channel"
    return Statistics(*_core.image_statistics(checked_images(images), per_channel))


_statistics = statistics  # for standardize, which has an argument of that name


def standardize(
    images: ArrayLike, statistics: Statistics | None = None, *, per: str = "pixel"
) -> torch.Tensor:
    """(image − mean) / std; where std is 0 only the mean is subtracted.

    Args:
        images: uint8, float32 or float64 (N, C, H, W).
        statistics: those of the images themselves where they are not given.
        per: how those are taken: ``"pixel"`` or ``"channel"``.

    Returns:
        float32 (N, C, H, W).

    Raises:
        UsageError: images or statistics that make no sense.
    """
    choice("per", per, _PER)
    if statistics is None:
        statistics = _statistics(images, per=per)
    elif not isinstance(statistics, tuple) or len(statistics) != 2:
        raise UsageError(f"statistics are (mean, std), not {statistics!r}")
    return Pipeline([Standardize.from_statistics(statistics)])(images)
