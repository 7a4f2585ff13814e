"""What ``imgcomp compress`` reads: pictures, folders, arrays, IDX files, data sets, archives."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from imgcomp import codec, datasets
from imgcomp.codec.writer import safe_name
from imgcomp.datasets._folder import listed
from imgcomp.datasets._image_file import SUFFIXES, as_channels, read_picture
from imgcomp.errors import DatasetError, UsageError

BATCH = 1024
"""Images that are read at a time."""
STANDARD_INPUT = "-"

Part = tuple[torch.Tensor, torch.Tensor | None, Sequence[str] | None]
"""Images, labels and names of some images that follow one another."""


@dataclass(frozen=True)
class Source:
    """Images from one place, read when they are needed.

    Attributes:
        text: as the user gave it.
        count: of images.
        shape: (C, H, W).
        classes: names of the labels, or None where there are none.
        named: whether each image has a name.
        read: the images, some at a time.
    """

    text: str
    count: int
    shape: tuple[int, ...]
    classes: tuple[str, ...] | None
    named: bool
    read: Callable[[], Iterator[Part]]


def open_sources(
    inputs: Sequence[str],
    *,
    channels: int | None = None,
    split: str = "all",
    data_dir: Path | None = None,
    offline: bool = False,
) -> list[Source]:
    """One source for each input; pictures that follow one another are one together.

    Args:
        inputs: paths, names of data sets, or ``-`` for an array from standard input.
        channels: of the pictures: 1 turns colour into gray, 3 repeats gray; None: as the first is.
        split: of data sets: ``train``, ``test`` or ``all``, then in this order.
        data_dir: where data sets are looked for.
        offline: never download data sets.

    Raises:
        DatasetError: an input is not there or cannot be read.
        UsageError: an argument does not fit.
    """
    if split not in ("train", "test", "all"):
        raise UsageError(f"--split: expected train, test or all, got {split!r}")
    found: list[Source] = []
    for is_picture, some in groupby(inputs, _is_picture):
        texts = list(some)
        if is_picture:
            names = [_picture_name(text) for text in texts]
            paths = [Path(text) for text in texts]
            found.append(_pictures(", ".join(texts[:2]), paths, names, None, None, channels))
            continue
        for text in texts:
            found += _one(text, channels, split, data_dir, offline)
    return found


def sample_of(sources: Sequence[Source], count: int) -> torch.Tensor:
    """About so many images of all sources together, uint8 (N, C, H, W), from their beginnings."""
    each = -(-count // len(sources))
    parts = [part for source in sources if (part := next(source.read(), None)) is not None]
    return torch.cat([images[:: max(1, len(images) // each)] for images, _, _ in parts])


def _is_picture(text: str) -> bool:
    return Path(text).suffix.lower() in SUFFIXES and not Path(text).is_dir()


def _one(
    text: str, channels: int | None, split: str, data_dir: Path | None, offline: bool
) -> list[Source]:
    path = Path(text).expanduser()
    if text == STANDARD_INPUT:
        return _arrays(text, io.BytesIO(sys.stdin.buffer.read()))
    if path.is_dir():
        return [_folder(text, path, channels)]
    if path.suffix.lower() in (".npy", ".npz"):
        with _opened(path) as file:
            return _arrays(text, file)
    if path.suffix.lower() == ".imc":
        return [_archive(text, path)]
    if path.is_file():
        return [_idx(text, path)]
    if os.sep in text or "." in text:
        raise DatasetError(f"{text}: there is no such file or folder")
    data = datasets.load(text, data_dir, offline=offline or None)
    parts = {"train": data.train, "test": data.test}
    wanted = [part for name, part in parts.items() if split in ("all", name) and len(part)]
    if not wanted:
        raise DatasetError(f"{text}: has no {split} images")
    return [_tensors(part.name, part.images, part.labels, part.classes) for part in wanted]


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from None


def _tensors(
    text: str,
    images: torch.Tensor,
    labels: torch.Tensor | None,
    classes: tuple[str, ...] | None,
) -> Source:
    def read() -> Iterator[Part]:
        for at in range(0, len(images), BATCH):
            some = slice(at, at + BATCH)
            yield images[some], None if labels is None else labels[some], None

    return Source(text, len(images), tuple(images.shape[1:]), classes, False, read)


_KERAS = (("x_train", "y_train"), ("x_test", "y_test"))


def _arrays(text: str, file: BinaryIO | io.BytesIO) -> list[Source]:
    """Of a .npy file, or of a .npz one with ``images`` and ``labels``, or as Keras has them."""
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return [_array(text, loaded, None)]
        with loaded:
            stored = {name: loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError) as error:
        raise DatasetError(f"{text}: not a readable .npy or .npz file ({error})") from None
    if "images" in stored:
        return [_array(text, stored["images"], stored.get("labels"))]
    pairs = [(stored[x], stored.get(y)) for x, y in _KERAS if x in stored]
    if not pairs and len(stored) == 1:
        pairs = [(next(iter(stored.values())), None)]
    if not pairs:
        raise DatasetError(
            f"{text}: expected an array 'images' (and 'labels'), got {', '.join(sorted(stored))}"
        )
    return [_array(text, images, labels) for images, labels in pairs]


def _array(text: str, images: Any, labels: Any) -> Source:
    if getattr(images, "ndim", 0) == 2:
        images = images[None]
    if labels is not None and getattr(labels, "ndim", 0) == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # as Keras' CIFAR has them
    split = datasets.from_arrays(images, labels, test_fraction=0.0, name=text).train
    with_labels = labels is not None
    return _tensors(
        text, split.images, split.labels if with_labels else None,
        split.classes if with_labels else None,
    )  # fmt: skip


def _idx(text: str, path: Path) -> Source:
    images = datasets.read_idx(path)
    if images.ndim != 3:
        raise DatasetError(
            f"{text}: expected images of 3 dimensions in this IDX file, got {images.ndim}; the "
            "labels of published data sets come with their names, such as mnist"
        )
    return _tensors(text, torch.from_numpy(np.array(images))[:, None], None, None)


def _archive(text: str, path: Path) -> Source:
    opened = codec.open(path)

    def read() -> Iterator[Part]:
        with opened:
            for batch in opened.batches():
                yield batch.images, batch.labels, batch.names

    classes = opened.classes
    if opened.has_labels and classes is None:
        labels = opened.labels
        most = int(labels.max()) + 1 if labels is not None and len(labels) else 1
        classes = tuple(map(str, range(most)))
    return Source(text, len(opened), opened.shape, classes, opened.has_names, read)


def _folder(text: str, path: Path, channels: int | None) -> Source:
    parts, classes = listed(path)
    listing = [entry for part in parts.values() for entry in part]
    files = [file for file, _ in listing]
    names = [file.relative_to(path).as_posix() for file in files]
    if all(file.parent == path for file in files):  # no class folders
        return _pictures(text, files, names, None, None, channels)
    numbers = {label: number for number, label in enumerate(classes)}
    labels = torch.tensor([numbers[label] for _, label in listing])
    return _pictures(text, files, names, labels, tuple(classes), channels)


def _pictures(
    text: str,
    files: Sequence[Path],
    names: Sequence[str],
    labels: torch.Tensor | None,
    classes: tuple[str, ...] | None,
    channels: int | None,
) -> Source:
    first = read_picture(files[0])
    gray = first.is_gray if channels is None else channels == 1

    def pixels(file: Path) -> torch.Tensor:
        picture = read_picture(file)
        if picture.size != first.size:
            raise DatasetError(
                f"{file}: expected {first.size[0]}x{first.size[1]} (height x width) as "
                f"{first.path} has, got {picture.size[0]}x{picture.size[1]}"
            )
        if gray and channels is None and not picture.is_gray:
            raise DatasetError(
                f"{file}: expected a gray picture as {first.path} is, got colour; name a codec for "
                "the one or the other, and all are turned into that"
            )
        return torch.from_numpy(as_channels(picture.pixels, gray))

    def read() -> Iterator[Part]:
        with ThreadPoolExecutor() as pool:
            for at in range(0, len(files), BATCH):
                some = slice(at, at + BATCH)
                images = torch.stack(list(pool.map(pixels, files[some])))
                yield images, None if labels is None else labels[some], names[some]

    shape = (1 if gray else 3, *first.size)
    return Source(text, len(files), shape, classes, True, read)


def _picture_name(text: str) -> str:
    """The path as it was given where it stays inside its folder, else the file's name."""
    name = Path(text).as_posix()
    return name if safe_name(name) else Path(text).name
