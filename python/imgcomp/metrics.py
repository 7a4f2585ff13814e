"""Measures of image quality on batches of tensors or arrays."""

from __future__ import annotations

import torch

from imgcomp import _core
from imgcomp._checks import real_number
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor

__all__ = ["mse", "psnr"]


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


def _real(x: ArrayLike, what: str) -> torch.Tensor:
    tensor = as_tensor(x, what)
    if tensor.is_complex():
        raise UsageError(f"{what} must be real, not {tensor.dtype}")
    return tensor
