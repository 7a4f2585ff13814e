"""All images of a set as one picture, so that they share one file's headers and its context."""

from __future__ import annotations

import math

import torch

from imgcomp.errors import UsageError

_NARROW = 2.0
"""How many times as wide as high a mosaic may be."""


def mosaic_grid(count: int) -> tuple[int, int]:
    """Rows and columns for so many images: the fewest empty places, then the squarest.

    Raises:
        UsageError: there are no images.
    """
    if count < 1:
        raise UsageError(f"a mosaic needs at least one image, not {count}")
    side = math.ceil(math.sqrt(count))
    best, least = (side, side), (math.inf, math.inf)
    for columns in range(side, math.ceil(side * math.sqrt(_NARROW)) + 1):
        rows = math.ceil(count / columns)
        if columns > max(side, _NARROW * rows):
            break
        if (rank := (rows * columns - count, columns - rows)) < least:
            best, least = (rows, columns), rank
    return best


def tiled(images: torch.Tensor) -> torch.Tensor:
    """Images side by side, row by row; places that are left over repeat the last one.

    Args:
        images: uint8 (N, C, H, W), N at least 1.

    Returns:
        uint8 (C, rows · H, columns · W).
    """
    count, channels, height, width = images.shape
    rows, columns = mosaic_grid(count)
    spare = images[-1:].expand(rows * columns - count, -1, -1, -1)
    laid = torch.cat([images, spare]).view(rows, columns, channels, height, width)
    return laid.permute(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)


def untiled(picture: torch.Tensor, count: int) -> torch.Tensor:
    """The images of a mosaic.

    Args:
        picture: uint8 (C, rows · H, columns · W).
        count: of images in it.

    Returns:
        uint8 (count, C, H, W).
    """
    rows, columns = mosaic_grid(count)
    channels = picture.shape[0]
    height, width = picture.shape[1] // rows, picture.shape[2] // columns
    cut = picture.view(channels, rows, height, columns, width).permute(1, 3, 0, 2, 4)
    return cut.reshape(rows * columns, channels, height, width)[:count].contiguous()
