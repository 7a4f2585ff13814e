"""What ``imgcomp decompress`` writes: pictures or arrays, with labels and names beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import torch

from imgcomp.codec import Archive, Batch, CorruptStreamError
from imgcomp.codec.writer import safe_name
from imgcomp.datasets._image_file import as_picture
from imgcomp.datasets._manifest import MANIFEST, Manifest, folder_names

_DIGITS = 5


def write_array(archive: Archive, file: BinaryIO, batches: Iterator[Batch]) -> None:
    """All images as one .npy array, uint8 (N, C, H, W), some at a time."""
    head = io.BytesIO()
    shape = (len(archive), *archive.shape)
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    file.write(head.getvalue())
    for batch in batches:
        file.write(batch.images.numpy().tobytes())


def write_arrays(archive: Archive, folder: Path, batches: Iterator[Batch]) -> None:
    """``images.npy``; where there are such, ``labels.npy``, ``classes.txt`` and ``names.txt``."""
    labels: list[torch.Tensor] = []
    names: list[str] = []

    def noted() -> Iterator[Batch]:
        for batch in batches:
            if batch.labels is not None:
                labels.append(batch.labels)
            names.extend(batch.names or ())
            yield batch

    with (folder / "images.npy").open("wb") as file:
        write_array(archive, file, noted())
    if archive.has_labels:
        every = torch.cat(labels) if labels else torch.zeros(0, dtype=torch.int64)
        np.save(folder / "labels.npy", every.numpy())
    for name, lines in (("classes.txt", archive.classes), ("names.txt", names)):
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            (folder / name).write_text(text, encoding="utf-8")


def write_pictures(archive: Archive, folder: Path, batches: Iterator[Batch]) -> None:
    """A PNG file for each image.

    Images with names get these; without, a number, in class folders where there are classes, as
    `imgcomp.datasets.export` writes them. Labels beside names are in ``labels.csv``.

    Raises:
        CorruptStreamError: A name leads out of the folder, or two are the same.
    """
    classes = archive.classes
    by_class = classes is not None and not archive.has_names
    folders = folder_names(classes) if by_class and classes is not None else ()
    digits = max(_DIGITS, len(str(max(0, len(archive) - 1))))
    rows: list[tuple[str, int]] = []
    taken: set[str] = set()

    def places(batch: Batch) -> list[str]:
        if batch.names is not None:
            return [_place(name, taken) for name in batch.names]
        numbers = [f"{batch.first + i:0{digits}}.png" for i in range(len(batch.images))]
        if not by_class or batch.labels is None:
            return numbers
        return [
            f"{_folder(folders, label)}/{number}"
            for label, number in zip(batch.labels.tolist(), numbers, strict=True)
        ]

    with ThreadPoolExecutor() as pool:
        for batch in batches:
            names = places(batch)
            for inside in {str(PurePosixPath(name).parent) for name in names}:
                (folder / inside).mkdir(parents=True, exist_ok=True)
            pixels = batch.images.permute(0, 2, 3, 1).contiguous().numpy()
            list(pool.map(_save, [folder / name for name in names], pixels))
            if batch.labels is not None and not by_class:
                rows += zip(names, batch.labels.tolist(), strict=True)
    if by_class and classes is not None:
        (folder / MANIFEST).write_text(Manifest(classes, folders, ()).to_json(), encoding="utf-8")
    elif rows:
        _write_labels(folder / "labels.csv", rows, classes)


def _folder(folders: Sequence[str], label: int) -> str:
    if label >= len(folders):
        raise CorruptStreamError(f"a label {label}, but {len(folders)} classes")
    return folders[label]


def _place(name: str, taken: set[str]) -> str:
    """Where an image of this name goes: as a PNG file, inside the folder, at a place of its own."""
    if not safe_name(name):
        raise CorruptStreamError(
            f"an image is named {name!r}, which may lie outside the folder; --format npy gives "
            "names as they are"
        )
    path = PurePosixPath(name)
    for place in (path.with_suffix(".png"), path.with_name(f"{path.name}.png")):
        key = str(place).casefold()
        if key not in taken:
            taken.add(key)
            return str(place)
    raise CorruptStreamError(f"two images are named {name!r}")


def _save(path: Path, pixels: np.ndarray) -> None:
    as_picture(pixels).save(path)


def _write_labels(path: Path, rows: list[tuple[str, int]], classes: Sequence[str] | None) -> None:
    known = classes or ()
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "class"])
        table.writerows(
            [name, label, known[label] if label < len(known) else ""] for name, label in rows
        )
