"""8-bit images and what networks take and give: the way in, the way back, bits of codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

PSNR_LIMIT = 99.0
"""Decibels that an image without any error counts as."""


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


def bit_entropy(bits: torch.Tensor) -> torch.Tensor:
    """Entropy of every bit of a code over images, in bits.

    Args:
        bits: bool (N, …).

    Returns:
        float64 (…), in 0 … 1.
    """
    ones = bits.to(torch.float64).mean(dim=0)
    shares = torch.stack([ones, 1 - ones])
    return -(shares * shares.clamp(min=1e-300).log2()).sum(dim=0)
