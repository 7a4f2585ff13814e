"""Reads CIFAR-10 and CIFAR-100, binary or Python version, from a folder or a tar archive.

An archive is read in place; nothing is ever written to a path that it names.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import numpy as np
import numpy.typing as npt
import torch

from imgcomp.datasets._files import human_size, read_file, reading
from imgcomp.datasets._safe_pickle import load_batch
from imgcomp.errors import CorruptDataError, DatasetError

__all__ = ["PIXELS", "CifarFormat", "read_batches", "read_tar_members"]

PIXELS = 3 * 32 * 32
"""Bytes of one image: 1,024 red, 1,024 green, 1,024 blue, rows from the top."""

# The largest batch file is CIFAR-100's train, 148 MiB; nothing honest is larger than this.
_MAX_BATCH = 400 << 20

Arrays = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class CifarFormat:
    """How one data set's labels are stored.

    Attributes:
        label_names: Entries of the Python version that hold labels, in the order of the label
            bytes at the start of a binary record.
        label_counts: Number of classes of each of them.
        use: Which of them is wanted.
    """

    label_names: tuple[str, ...]
    label_counts: tuple[int, ...]
    use: int = 0

    @property
    def record(self) -> int:
        """Bytes of one record of the binary version."""
        return len(self.label_names) + PIXELS


def read_batches(
    kind: Literal["binary", "python"],
    files: Sequence[Path],
    form: CifarFormat,
    members: Mapping[str, bytes] | None = None,
    expected: int | None = None,
) -> Arrays:
    """Read one split's batch files, one after the other.

    Args:
        kind: ``binary`` for ``*.bin`` records, ``python`` for pickled batches.
        files: The batch files, in order; with ``members`` only their names matter.
        form: How labels are stored.
        members: Contents by file name, where they come from an archive.
        expected: Number of images that every file must hold, None for any.

    Returns:
        Images, uint8 (N, 3, 32, 32), and labels, int64 (N,).

    Raises:
        CorruptDataError: If a file's size or structure is wrong or a label is out of range.
        DatasetError: If a file cannot be read.
    """
    if members is None and kind == "binary":
        for path in files:  # all sizes first: nothing is read from a set that is not whole
            with reading(path):
                _count(path, path.stat().st_size, form, expected)
    batches = []
    for path in files:
        content = read_file(path, _MAX_BATCH) if members is None else members[path.name]
        if kind == "binary":
            count = _count(path, len(content), form, expected)
            records = np.frombuffer(content, np.uint8).reshape(count, form.record)
            kinds = len(form.label_names)
            labels = [records[:, i].astype(np.int64) for i in range(kinds)]
            pixels = records[:, kinds:]
        else:
            pixels, labels = _unpickle(path, content, form, expected)
        _check_labels(path, labels, form)
        batches.append((pixels, labels[form.use]))
    total = sum(len(pixels) for pixels, _ in batches)
    images = torch.empty((total, 3, 32, 32), dtype=torch.uint8)
    flat = images.numpy().reshape(total, PIXELS)
    start = 0
    for pixels, _ in batches:
        flat[start : start + len(pixels)] = pixels
        start += len(pixels)
    wanted = np.concatenate([label for _, label in batches])
    return images, torch.from_numpy(wanted)


def _count(path: Path, size: int, form: CifarFormat, expected: int | None) -> int:
    """Number of records in a binary file of this size."""
    wanted = f"{expected:,}" if expected else "a whole number of"
    if size == 0 or size % form.record or (expected and size != expected * form.record):
        exact = f" ({expected * form.record:,} bytes)" if expected else ""
        raise CorruptDataError(
            f"{path}: expected {wanted} records of {form.record:,} bytes{exact}, got {size:,} "
            "bytes; it is cut short or another file: replace it"
        )
    return size // form.record


def _unpickle(
    path: Path, content: bytes, form: CifarFormat, expected: int | None
) -> tuple[npt.NDArray[np.uint8], list[npt.NDArray[np.int64]]]:
    """Pixels (N, 3072) and each kind of label (N,) of one pickled batch."""
    batch = load_batch(path, content, ("data", *form.label_names))
    pixels = batch["data"]
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        got = pixels.shape if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise CorruptDataError(
            f"{path}: expected images as bytes of shape (N, {PIXELS}), got {got}; replace the file"
        )
    if not len(pixels) or (expected and len(pixels) != expected):
        raise CorruptDataError(
            f"{path}: expected {f'{expected:,}' if expected else 'some'} images, got "
            f"{len(pixels):,}; replace the file"
        )
    labels = []
    for name in form.label_names:
        values = batch[name]
        if not isinstance(values, list) or not all(type(v) is int for v in values):
            raise CorruptDataError(
                f"{path}: expected {name} as a list of whole numbers, got another thing; "
                "replace the file"
            )
        if len(values) != len(pixels):
            raise CorruptDataError(
                f"{path}: expected as many {name} as images ({len(pixels):,}), got "
                f"{len(values):,}; replace the file"
            )
        in_range = [v if 0 <= v < 2**31 else -1 for v in values]
        labels.append(np.array(in_range, dtype=np.int64))
    return pixels, labels


def _check_labels(path: Path, labels: Sequence[npt.NDArray[np.int64]], form: CifarFormat) -> None:
    for values, name, classes in zip(labels, form.label_names, form.label_counts, strict=True):
        bad = np.flatnonzero((values < 0) | (values >= classes))
        if len(bad):
            raise CorruptDataError(
                f"{path}: expected {name} from 0 to {classes - 1}, got {values[bad[0]]} for image "
                f"{bad[0]}; the file is altered: replace it"
            )


def read_tar_members(path: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    """Read files out of a tar archive (compressed or not), without unpacking it.

    Args:
        path: The archive.
        wanted: Paths of the files inside, such as ``cifar-10-batches-bin/test_batch.bin``.

    Returns:
        Contents by file name (the last part of the path).

    Raises:
        CorruptDataError: If the archive is cut short or altered, lacks a file, holds one twice,
            or holds a member whose name leads out of the archive.
        DatasetError: If it cannot be read.
    """
    found: dict[str, bytes] = {}
    try:
        # Read as a stream: one pass, whatever the order.
        with reading(path), tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise CorruptDataError(
                        f"{path}: expected paths inside the archive only, got {member.name!r}, "
                        "which leads out of it; do not use this file: replace it"
                    )
                if str(name) not in wanted:
                    continue
                if not member.isreg():
                    raise CorruptDataError(
                        f"{path}: expected {member.name} to be a plain file in the archive, got a "
                        "link or special file; do not use this file: replace it"
                    )
                if name.name in found:
                    raise CorruptDataError(
                        f"{path}: expected {member.name} once in the archive, got it twice; "
                        "replace the file"
                    )
                found[name.name] = _read_member(path, member, archive.extractfile(member))
    except (tarfile.TarError, EOFError, zlib.error, OverflowError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise CorruptDataError(
            f"{path}: expected a whole tar archive, but it is cut short or altered ({error}); "
            "replace the file"
        ) from error
    missing = [name for name in wanted if PurePosixPath(name).name not in found]
    if missing:
        raise CorruptDataError(
            f"{path}: expected {missing[0]} in the archive, it is not there; replace the file"
        )
    return found


def _read_member(path: Path, member: tarfile.TarInfo, file: IO[bytes] | None) -> bytes:
    if file is None or member.size > _MAX_BATCH:
        raise CorruptDataError(
            f"{path}: expected {member.name} to have at most {human_size(_MAX_BATCH)}, got "
            f"{member.size:,} bytes; replace the file"
        )
    content = file.read(member.size)
    if len(content) != member.size:
        raise CorruptDataError(
            f"{path}: expected {member.size:,} bytes of {member.name}, the archive ends after "
            f"{len(content):,} (cut short); replace the file"
        )
    return content
