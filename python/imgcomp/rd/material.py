"""What is sent: test images of a data set, or tiles of photographs and the whole pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from imgcomp.errors import UsageError

if TYPE_CHECKING:
    from imgcomp.datasets import Dataset, Photographs, Split

TILE = 32
"""Side of the tiles of photographs, in pixels."""
_SMALL = 64
"""Side up to which a folder's pictures are taken as they are."""


@dataclass(frozen=True)
class Material:
    """Images to send, and images to learn from.

    Attributes:
        name: of the data set or folder.
        test: what is sent.
        train: what rivals that learn are fitted to, and classifiers trained on; may be empty.
        labelled: whether there are classes to tell apart.
        pictures: of photographs, also sent as a whole.
    """

    name: str
    test: Split
    train: Split
    labelled: bool
    pictures: Photographs | None = None


def material(
    data: str,
    images: int,
    *,
    data_dir: str | Path | None = None,
    offline: bool | None = None,
) -> Material:
    """Images by the name of their data set, or from a folder.

    Args:
        data: a data set of `imgcomp.datasets.load`; ``kodak``; or a folder of pictures: with class
            folders, or small ones of one size, a data set; else photographs.
        images: how many test images or tiles are sent, the first ones, or tiles evenly over all
            photographs; all where there are fewer.
        data_dir: where data sets lie.
        offline: never download.

    Raises:
        DatasetError: the images are not to be had.
        UsageError: none are asked for.
    """
    from imgcomp import datasets

    if images < 1:
        raise UsageError(f"images: expected at least 1, got {images}")
    if data == "kodak":
        return _tiles(datasets.kodak(data_dir), images)
    path = Path(data).expanduser()
    if os.sep in data or path.is_dir():
        if not path.is_dir() or any(entry.is_dir() for entry in path.iterdir()):
            return _set(datasets.from_folder(path), images)
        pictures = datasets.photographs(path)
        sizes = {tuple(image.shape[1:]) for image in pictures.images}
        if len(sizes) == 1 and max(max(sizes)) <= _SMALL:
            return _set(datasets.from_folder(path), images)
        return _tiles(pictures, images)
    return _set(datasets.load(data, data_dir, offline=offline), images)


def _set(found: Dataset, images: int) -> Material:
    test = found.test if len(found.test) else found.train
    return Material(
        found.name, test.take(min(images, len(test))), found.train, len(found.classes) > 1
    )


def _tiles(pictures: Photographs, images: int) -> Material:
    from imgcomp.datasets import Split, tiles

    cropped = pictures.cropped(TILE)
    every = torch.cat([tiles(picture, TILE) for picture in cropped.images])
    count = min(images, len(every))
    chosen = torch.linspace(0, len(every) - 1, count, dtype=torch.float64).round().long()
    rest = torch.ones(len(every), dtype=torch.bool)
    rest[chosen] = False

    def split(some: torch.Tensor, part: str) -> Split:
        labels = torch.zeros(len(some), dtype=torch.int64)
        return Split(some, labels, ("tile",), f"{pictures.name}/{part}")

    test, others = split(every[chosen], "tiles"), split(every[rest], "other tiles")
    return Material(pictures.name, test, others, False, cropped)
