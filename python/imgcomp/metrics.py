"""Measures of image quality and of classification, on tensors or arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import numpy as np
import torch

from imgcomp import _core
from imgcomp._checks import choice, real_number, whole_number
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor

__all__ = [
    "PrecisionRecallF1",
    "auc_over_rate",
    "confusion_matrix",
    "ms_ssim",
    "mse",
    "precision_recall_f1",
    "psnr",
    "ssim",
]

_MAX_CLASSES = 10_000


class PrecisionRecallF1(NamedTuple):
    """Scores in 0 … 1: floats, or float64 tensors (K,) where they are asked for class by class."""

    precision: float | torch.Tensor
    recall: float | torch.Tensor
    f1: float | torch.Tensor


def mse(x: ArrayLike, y: ArrayLike) -> torch.Tensor:
    """Mean squared error of each image.

    Args:
        x: (N, …), any real dtype.
        y: of the same shape.

    Returns:
        float64 (N,), in squared units of the input.

    Raises:
        UsageError: the shapes differ, or there is no batch axis.
    """
    return _core.mse_per_image(_real(x, "x"), _real(y, "y"))


def psnr(x: ArrayLike, y: ArrayLike, *, data_range: float = 255.0) -> torch.Tensor:
    """Peak signal-to-noise ratio of each image: 10 · log10(data_range² / MSE).

    Args:
        x: (N, …), any real dtype.
        y: of the same shape.
        data_range: the distance between black and white; 255 for bytes.

    Returns:
        float64 (N,), in dB; infinite for equal images.

    Raises:
        UsageError: the shapes differ, there is no batch axis, or ``data_range`` is not positive.
    """
    peak = real_number("data_range", data_range, above=True)
    return _core.psnr_from_mse(mse(x, y), peak)


def ssim(x: ArrayLike, y: ArrayLike, *, data_range: float = 255.0) -> torch.Tensor:
    """Structural similarity of each image (Wang et al., 2004).

    A Gaussian window of 11×11 pixels with σ = 1.5, only where it lies inside the image; K₁ = 0.01,
    K₂ = 0.03; the mean over positions and colour planes. Equal to scikit-image's
    ``structural_similarity`` with ``gaussian_weights=True`` and ``use_sample_covariance=False``.

    Args:
        x: (N, C, H, W), any real dtype, sides of at least 11 pixels.
        y: of the same shape.
        data_range: the distance between black and white; 255 for bytes.

    Returns:
        float64 (N,), at most 1, which only equal images reach. Gradients flow to floating-point
        inputs.

    Raises:
        UsageError: the shapes differ or are too small, or ``data_range`` is not positive.
    """
    span = real_number("data_range", data_range, above=True)
    return _core.ssim(_real(x, "x"), _real(y, "y"), span)


def ms_ssim(
    x: ArrayLike,
    y: ArrayLike,
    variant: str = "adaptive",
    *,
    window: int | None = None,
    scales: int | None = None,
    data_range: float = 255.0,
) -> torch.Tensor:
    """Multi-scale structural similarity of each image (Wang et al., 2003).

    For each colour plane, contrast–structure at every scale but the coarsest and SSIM there, each
    raised to the scale's exponent and multiplied; then the mean over planes. Between scales the
    mean over 2×2 pixels is taken, where the last row or column of an odd side counts twice.
    Factors below 0 count as 0.

    Small images need a variant, and its name belongs to every number:

    - ``"adaptive"``: five scales, each with a window of 11 pixels or of the whole scale where that
      is smaller, and σ = 1.5 · side / 11. It takes images of any size, and is what the tool of
      Toderici et al. (2017) computes.
    - ``"renormalised"``: fewer scales and a smaller window of σ = 1.5; the first exponents divided
      by their sum.
    - ``"standard"``: five scales and windows of 11 pixels; sides of at least 161 pixels.

    Args:
        x: (N, C, H, W), any real dtype.
        y: of the same shape.
        variant: see above.
        window: side of the window, of the renormalised variant alone; 7.
        scales: 1 … 5, of the renormalised variant alone; 3. Sides must have at least
            (window − 1) · 2^(scales − 1) + 1 pixels.
        data_range: the distance between black and white; 255 for bytes.

    Returns:
        float64 (N,) in 0 … 1. Gradients flow to floating-point inputs; there is none in a plane
        one of whose factors is below 0.

    Raises:
        UsageError: the shapes differ or are too small for the variant, or an argument does not fit.
    """
    span = real_number("data_range", data_range, above=True)
    choice("variant", variant, ("adaptive", "renormalised", "standard"))
    if window is not None:
        window = whole_number("window", window, 2)
    if scales is not None:
        scales = whole_number("scales", scales, 1, 5)
    if variant != "renormalised" and (window is not None or scales is not None):
        raise UsageError(f"window and scales are of the renormalised variant, not of '{variant}'")
    return _core.ms_ssim(_real(x, "x"), _real(y, "y"), variant, window, scales, span)


def auc_over_rate(
    rates: ArrayLike | Sequence[float],
    values: ArrayLike | Sequence[float],
    *,
    between: tuple[float, float] | None = None,
) -> float:
    """Area under a curve of quality over the rate, by trapezoids (Toderici et al., 2017).

    Only areas over the same range compare. For MS-SSIM, whose largest value is 1, the area is at
    most the width of the range.

    Args:
        rates: (K,), at least two different ones, in any order; bits per pixel for one.
        values: (K,), the quality at each rate, such as the mean MS-SSIM or PSNR.
        between: lowest and highest rate of the range, inside that of ``rates``; the curve is
            straight between its points. None: the whole curve.

    Returns:
        The area, in units of rate times units of quality.

    Raises:
        UsageError: shapes do not fit, a number is not finite, a rate occurs twice, or the range
            goes beyond the curve, which is not prolonged.
    """
    x, y = _curve(rates, "rates"), _curve(values, "values")
    if x.shape != y.shape or x.dim() != 1 or len(x) < 2:
        raise UsageError(
            "rates and values must be two lists of one length of at least 2, not of shapes "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    if not bool(x.isfinite().all() and y.isfinite().all()):
        raise UsageError("rates and values must be finite, but have NaN or infinity")
    x, order = x.sort()
    y = y[order]
    if bool((x.diff() == 0).any()):
        raise UsageError(f"rates must be different, not {x.tolist()}")
    if between is None:
        return float(torch.trapezoid(y, x))
    if not isinstance(between, Sequence) or len(between) != 2:
        raise UsageError(f"between must be the lowest and the highest rate, not {between!r}")
    low, high = (real_number(f"between[{i}]", end) for i, end in enumerate(between))
    if not x[0] <= low < high <= x[-1]:
        raise UsageError(
            f"between must be a range inside {x[0]:g} … {x[-1]:g}, where the curve is, not "
            f"{low:g} … {high:g}"
        )
    inside = (x > low) & (x < high)
    ends = np.interp([low, high], x.numpy(), y.numpy())
    points = torch.cat([x.new_tensor([low]), x[inside], x.new_tensor([high])])
    heights = torch.cat([y.new_tensor(ends[:1]), y[inside], y.new_tensor(ends[1:])])
    return float(torch.trapezoid(heights, points))


def confusion_matrix(target: ArrayLike, prediction: ArrayLike, *, num_classes: int) -> torch.Tensor:
    """How often each class was taken for each.

    Args:
        target: whole numbers (N,) in 0 … ``num_classes`` − 1.
        prediction: the same.
        num_classes: K, at least 2.

    Returns:
        int64 (K, K): row = target, column = prediction.

    Raises:
        UsageError: other shapes, dtypes or values, or nothing to count.
    """
    classes = whole_number("num_classes", num_classes, 2, _MAX_CLASSES)
    return _core.confusion_matrix(
        as_tensor(target, "target"), as_tensor(prediction, "prediction"), classes
    )


def precision_recall_f1(
    target: ArrayLike,
    prediction: ArrayLike,
    *,
    num_classes: int,
    average: Literal["macro", "micro", "weighted"] | None = "macro",
) -> PrecisionRecallF1:
    """Precision, recall and F1 of predicted classes, as scikit-learn defines them.

    Args:
        target: whole numbers (N,) in 0 … ``num_classes`` − 1.
        prediction: the same.
        num_classes: K, at least 2.
        average: ``"macro"``: the mean over all K classes, also those that do not occur;
            ``"micro"``: all decisions pooled; ``"weighted"``: the mean weighted by how often each
            class is the target; None: class by class.

    Returns:
        Scores in 0 … 1. What is not defined (a class never predicted, or never a target) is 0.

    Raises:
        UsageError: other shapes, dtypes or values, or nothing to score.
    """
    name = "none" if average is None else choice("average", average, ("macro", "micro", "weighted"))
    confusion = confusion_matrix(target, prediction, num_classes=num_classes)
    scores = _core.precision_recall_f1(confusion, name)
    if average is None:
        return PrecisionRecallF1(*scores)
    return PrecisionRecallF1(*(score.item() for score in scores))


def _curve(numbers: ArrayLike | Sequence[float], what: str) -> torch.Tensor:
    given = np.asarray(numbers, dtype=np.float64) if isinstance(numbers, (list, tuple)) else numbers
    return _real(cast(ArrayLike, given), what).detach().to("cpu", torch.float64)


def _real(x: ArrayLike, what: str) -> torch.Tensor:
    tensor = as_tensor(x, what)
    if tensor.is_complex():
        raise UsageError(f"{what} must be real, not {tensor.dtype}")
    return tensor
