"""Makes data sets of arrays that are in memory already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from imgcomp.datasets._split import Dataset, Split
from imgcomp.errors import DatasetError

__all__ = ["from_arrays", "with_test"]

Array = npt.NDArray[Any] | torch.Tensor | Sequence[Any]


def from_arrays(
    images: Array,
    labels: Array | None = None,
    *,
    test_images: Array | None = None,
    test_labels: Array | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    layout: str | None = None,
    name: str = "arrays",
) -> Dataset:
    """Make a data set of one's own arrays; they are copied.

    Args:
        images: uint8, values 0 to 255: (N, H, W) gray, (N, C, H, W), or (N, H, W, C).
        labels: Whole numbers (N,) from 0 on; None for images without labels, which all get
            label 0.
        test_images: Test images in the same form; None to take a part of ``images`` for them.
        test_labels: Their labels; needed where ``labels`` and ``test_images`` are given.
        test_fraction: Without ``test_images``, the share of images that become test images,
            chosen at random with every class's share kept; 0 for none.
        seed: Seed of that choice.
        classes: Class names; None for "0", "1", … up to the highest label.
        layout: ``NHW``, ``NCHW`` or ``NHWC``; None to tell it from the shape, where the axis of
            length 1 or 3 is that of the channels and must be the only one of the two in question.
        name: Name of the data set.

    Raises:
        DatasetError: If types, shapes, lengths or labels do not fit; says what was expected.
    """
    pixels = _images(images, layout, name)
    numbers = _labels(labels, len(pixels), name)
    test_pixels, test_numbers = None, None
    if test_images is not None:
        if (labels is None) != (test_labels is None):
            raise DatasetError(f"{name}: expected labels for both training and test or for neither")
        test_pixels = _images(test_images, layout, f"{name}/test")
        test_numbers = _labels(test_labels, len(test_pixels), f"{name}/test")
    elif test_labels is not None:
        raise DatasetError(f"{name}: expected test_images with test_labels, got none")
    if classes is None:
        every = [n for n in (numbers, test_numbers) if n is not None and len(n)]
        highest = max((int(n.max()) for n in every), default=0)
        if highest >= 1_000_000:
            raise DatasetError(f"{name}: expected labels counted from 0, got {highest}")
        classes = ["image"] if labels is None else [str(i) for i in range(highest + 1)]
    train = Split(pixels, numbers, tuple(classes), f"{name}/train")
    if test_pixels is None or test_numbers is None:
        return with_test(train, name, test_fraction, seed)
    return Dataset(name, train, Split(test_pixels, test_numbers, tuple(classes), f"{name}/test"))


def with_test(whole: Split, name: str, test_fraction: float, seed: int) -> Dataset:
    """A data set of one split, a stratified part of which becomes the test images."""
    if not 0.0 <= test_fraction < 1.0:
        raise DatasetError(f"{name}: expected 0 <= test_fraction < 1, got {test_fraction}")
    test, train = whole.split(test_fraction, seed, stratified=True)
    parts = [
        Split(part.images, part.labels, part.classes, f"{name}/{what}")
        for part, what in ((train, "train"), (test, "test"))
    ]
    return Dataset(name, *parts)


def _images(images: Array, layout: str | None, name: str) -> torch.Tensor:
    """A uint8 copy (N, C, H, W)."""
    array = (
        images.detach().cpu().numpy() if isinstance(images, torch.Tensor) else np.asarray(images)
    )
    if array.dtype != np.uint8:
        raise DatasetError(
            f"{name}: expected images as uint8 with values 0 to 255, got {array.dtype}; scale and "
            "round them first, such as (images * 255).round().astype('uint8') for values 0 to 1"
        )
    order = layout or _guess_layout(array.shape, name)
    if order not in ("NHW", "NCHW", "NHWC") or array.ndim != len(order):
        raise DatasetError(
            f"{name}: expected images of layout NHW, NCHW or NHWC, got layout {order!r} and shape "
            f"{array.shape}"
        )
    if order == "NHW":
        array = array[:, None]
    elif order == "NHWC":
        array = array.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.array(array, order="C"))


def _guess_layout(shape: tuple[int, ...], name: str) -> str:
    if len(shape) == 3:
        return "NHW"
    if len(shape) != 4:
        raise DatasetError(
            f"{name}: expected images of shape (N, H, W), (N, C, H, W) or (N, H, W, C), got {shape}"
        )
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if first == last:
        raise DatasetError(
            f"{name}: cannot tell the channels' axis in shape {shape}: expected exactly one of the "
            "second and the last to be 1 or 3; say layout='NCHW' or 'NHWC'"
        )
    return "NCHW" if first else "NHWC"


def _labels(labels: Array | None, count: int, name: str) -> torch.Tensor:
    """An int64 copy (N,), zeros where there are none."""
    if labels is None:
        return torch.zeros(count, dtype=torch.int64)
    array = (
        labels.detach().cpu().numpy() if isinstance(labels, torch.Tensor) else np.asarray(labels)
    )
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DatasetError(
            f"{name}: expected labels as whole numbers of shape ({count},), got {array.dtype} of "
            f"shape {array.shape}"
        )
    if array.size and (array.min() < 0 or array.max() > 2**31):
        bad = array.min() if array.min() < 0 else array.max()
        raise DatasetError(f"{name}: expected labels counted from 0, got {bad}")
    return torch.from_numpy(array.astype(np.int64))
