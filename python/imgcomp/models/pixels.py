"""8-bit images and what networks take and give: the way in and the way back."""

from __future__ import annotations

from collections.abc import Sequence

import torch


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
