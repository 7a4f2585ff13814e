"""Measures of image quality and of classification, on tensors or arrays."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch

from imgcomp import _core
from imgcomp._checks import choice, real_number, whole_number
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor

__all__ = [
    "PrecisionRecallF1",
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


def _real(x: ArrayLike, what: str) -> torch.Tensor:
    tensor = as_tensor(x, what)
    if tensor.is_complex():
        raise UsageError(f"{what} must be real, not {tensor.dtype}")
    return tensor
