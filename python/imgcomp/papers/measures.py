"""What papers measure images and codes by."""

from __future__ import annotations

import torch

PSNR_LIMIT = 99.0
"""Decibels that an image without any error counts as."""


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
