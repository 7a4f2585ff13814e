"""8-bit images and what networks take and give: the way in and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from imgcomp import _core

if TYPE_CHECKING:
    from imgcomp.models.model import Autoencoder


def as_bytes(values: torch.Tensor) -> torch.Tensor:
    """Values in bytes' units, rounded and clamped to uint8."""
    return values.round().clamp(0, 255).to(torch.uint8)


def scaled(images: torch.Tensor, data_range: Sequence[float]) -> torch.Tensor:
    """8-bit images as float32 in a data range."""
    low, high = data_range
    return low + images.to(torch.float32) * ((high - low) / 255.0)


def scaled_back(outputs: torch.Tensor, data_range: Sequence[float]) -> torch.Tensor:
    """What a network gives in its data range, as uint8."""
    low, high = data_range
    return as_bytes((outputs - low) * (255.0 / (high - low)))


def codes_of(
    model: Autoencoder,
    images: torch.Tensor,
    batch_size: int = 500,
    level: float | None = None,
    rounds: bool = True,
) -> torch.Tensor:
    """Codes ``(N, *code_shape)`` of 8-bit images (N, C, H, W), at most so many at a time.

    ``level`` is a network's place between its lambdas, 0 … how many they are − 1. Without
    ``rounds`` an ``entropy_model`` leaves the code as it is.
    """
    if not len(images):
        return torch.zeros(0, *model.code_shape)
    return _core.encode_images(model._core, images.contiguous(), batch_size, level, rounds)


def images_of(
    model: Autoencoder, codes: torch.Tensor, batch_size: int = 500, level: float | None = None
) -> torch.Tensor:
    """8-bit images (N, C, H, W) of codes, at most so many at a time; see :func:`codes_of`."""
    if not len(codes):
        return torch.zeros(0, *model.input_shape, dtype=torch.uint8)
    return _core.decode_codes(model._core, codes.detach(), batch_size, level)


def split(rows: torch.Tensor, sizes: int | Sequence[int]) -> Sequence[torch.Tensor]:
    """Rows in parts of a size, or of these sizes, without copies."""
    return torch.split(rows, sizes if isinstance(sizes, int) else list(sizes))
