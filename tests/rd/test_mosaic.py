"""All images as one picture, and back."""

from __future__ import annotations

import pytest
import torch

from imgcomp.errors import UsageError
from imgcomp.rd.mosaic import mosaic_grid, tiled, untiled


@pytest.mark.parametrize(
    ("count", "grid"),
    [(1, (1, 1)), (2, (1, 2)), (4, (2, 2)), (12, (3, 4)), (1000, (25, 40)), (10_000, (100, 100))],
)
def test_grids_without_empty_places(count, grid):
    assert mosaic_grid(count) == grid


@pytest.mark.parametrize("count", range(1, 60))
def test_grids_hold_all_images_with_little_room_left(count):
    rows, columns = mosaic_grid(count)
    assert count <= rows * columns < count + columns
    assert rows <= columns <= max(2 * rows, rows + 1)


@pytest.mark.parametrize("count", [1, 2, 5, 7, 12])
@pytest.mark.parametrize("channels", [1, 3])
def test_there_and_back(count, channels):
    images = torch.randint(0, 256, (count, channels, 3, 5), dtype=torch.uint8)
    picture = tiled(images)
    rows, columns = mosaic_grid(count)
    assert picture.shape == (channels, 3 * rows, 5 * columns)
    assert torch.equal(untiled(picture, count), images)


def test_places_row_by_row_and_the_last_image_again():
    images = torch.arange(3, dtype=torch.uint8).view(3, 1, 1, 1)
    assert tiled(images).tolist() == [[[0, 1], [2, 2]]]


def test_none():
    with pytest.raises(UsageError, match="at least one"):
        mosaic_grid(0)
