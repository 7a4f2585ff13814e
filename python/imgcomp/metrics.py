"""Measures of image quality and of classification, on tensors or arrays."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch

from imgcomp import _core
from imgcomp._checks import choice, real_number, whole_number
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor

__all__ = ["PrecisionRecallF1", "confusion_matrix", "mse", "precision_recall_f1", "psnr", "ssim"]

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
