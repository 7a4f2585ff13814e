"""What papers measure images and codes by."""

from __future__ import annotations

import io

import torch

from imgcomp.datasets._image_file import as_picture

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


def png_bytes(images: torch.Tensor) -> float | None:
    """Mean size of the PNG files of images, each at Pillow's most thorough.

    Args:
        images: uint8 (N, C, H, W), N at least 1.

    Returns:
        Bytes of a whole file; None for images that have neither 1 nor 3 channels.
    """
    if images.shape[1] not in (1, 3):
        return None
    total = 0
    for image in images.permute(0, 2, 3, 1).contiguous().numpy():
        buffer = io.BytesIO()
        as_picture(image).save(buffer, format="png", optimize=True)
        total += buffer.tell()
    return total / len(images)
