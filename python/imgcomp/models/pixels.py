"""8-bit images and what networks take and give: the way in and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

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


def codes_of(model: Autoencoder, images: torch.Tensor, batch_size: int = 500) -> torch.Tensor:
    """Codes ``(N, *code_shape)`` of 8-bit images (N, C, H, W), at most so many at a time."""
    with torch.no_grad():
        parts = [
            model.encode(scaled(some, model.data_range))
            for some in _parts(model, images, batch_size)
        ]
    return torch.cat(parts) if parts else torch.zeros(0, *model.code_shape)


def images_of(model: Autoencoder, codes: torch.Tensor, batch_size: int = 500) -> torch.Tensor:
    """8-bit images (N, C, H, W) of codes, at most so many at a time."""
    with torch.no_grad():
        parts = [
            scaled_back(model.decode(_channels_last(some)), model.data_range)
            for some in _parts(model, codes, batch_size)
        ]
    return torch.cat(parts) if parts else torch.zeros(0, *model.input_shape, dtype=torch.uint8)


_VALUES_AT_ONCE = 2**26
"""Of all layers together: what large networks or images are taken fewer at a time for."""


def split(rows: torch.Tensor, sizes: int | Sequence[int]) -> Sequence[torch.Tensor]:
    """Rows in parts of a size, or of these sizes, without copies."""
    return torch.split(rows, sizes if isinstance(sizes, int) else list(sizes))


def _parts(model: Autoencoder, rows: torch.Tensor, batch_size: int) -> Sequence[torch.Tensor]:
    if not len(rows):
        return ()
    return split(rows, min(batch_size, max(1, _VALUES_AT_ONCE // model.activations)))


def _channels_last(codes: torch.Tensor) -> torch.Tensor:
    """Codes with height and width in the order in which convolutions are several times as fast."""
    return codes.contiguous(memory_format=torch.channels_last) if codes.dim() == 4 else codes
