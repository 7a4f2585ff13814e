"""Turns the embedded 8x8 digits into MNIST's form by exact integer arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["enlarge", "split_indices"]

_SMALL, _INNER, _FRAME = 8, 20, 4
_MAX = 16


def _axis() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of 20 places the two neighbours among 8 pixels and the second one's tenths."""
    # Centre of pixel i of 20 on the grid of 8: (i + 1/2) * 8/20 - 1/2 = (4 i - 3) / 10.
    tenths = np.clip(4 * np.arange(_INNER, dtype=np.int64) - 3, 0, 10 * (_SMALL - 1))
    low = np.minimum(tenths // 10, _SMALL - 2)
    return low, low + 1, tenths - 10 * low


def enlarge(small: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Enlarge 8x8 digits with values 0 to 16 to 28x28 with values 0 to 255.

    Bilinear interpolation at pixel centres to 20x20 (edges repeated), scaling by 255/16 with
    halves rounded up, and a black frame of 4 pixels. All in integers, so the same everywhere.

    Args:
        small: uint8 (N, 8, 8).

    Returns:
        uint8 (N, 28, 28).
    """
    low, high, tenths = _axis()
    values = small.astype(np.int64)
    rows = values[:, low] * (10 - tenths)[:, None] + values[:, high] * tenths[:, None]
    inner = rows[:, :, low] * (10 - tenths) + rows[:, :, high] * tenths  # 100 times the value
    scaled = (inner * 255 + 50 * _MAX) // (100 * _MAX)
    return np.pad(scaled, ((0, 0), (_FRAME, _FRAME), (_FRAME, _FRAME))).astype(np.uint8)


def split_indices(
    labels: npt.NDArray[np.uint8], test: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions of training and test images: a stratified choice without chance.

    The images are put in order of class, then of place in the file; of this list of N images the
    test set takes those at which ``floor(i * test / N)`` steps up, evenly spread.

    Args:
        labels: (N,) class of each image.
        test: Number of test images.

    Returns:
        Training positions (N - test,) and test positions (test,), both ascending.
    """
    order = np.argsort(labels, kind="stable")
    steps = np.arange(len(labels) + 1, dtype=np.int64) * test // len(labels)
    chosen = np.diff(steps) > 0
    return np.sort(order[~chosen]), np.sort(order[chosen])
