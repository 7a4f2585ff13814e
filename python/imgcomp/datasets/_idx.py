"""Reads IDX files, the format of MNIST and its likes, gzip-compressed or not.

Nothing is allocated because a header says so: the size that the header claims is first compared
with what the file can hold.
"""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgcomp.datasets._files import read_file
from imgcomp.errors import CorruptDataError

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 0x08
_MAX_DIMENSIONS = 4
# Deflate cannot shrink data by more than this factor (a fact of the format).
_DEFLATE_LIMIT = 1032


def read_idx(path: str | os.PathLike[str], dimensions: int | None = None) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, gzip-compressed (told by its first bytes) or not.

    Args:
        path: File such as ``train-images-idx3-ubyte.gz``.
        dimensions: Number of dimensions that the file must have: 3 for images, 1 for labels;
            None for any from 1 to 4.

    Returns:
        uint8 array of the shape in the file's header: (N, H, W) for images, (N,) for labels.

    Raises:
        CorruptDataError: If the file is not such a file, is cut short or too long, or fails
            gzip's check sum.
        DatasetError: If the file cannot be opened or read.
    """
    path = Path(path)
    raw = read_file(path)
    if raw[:2] == b"\x1f\x8b":
        values: bytes | memoryview
        shape, values = _read_gzip(path, raw, dimensions)
    else:
        header = 4 + 4 * _dimensions(path, raw[:4], dimensions)
        shape = _shape(path, raw, header)
        _check_length(path, shape, len(raw) - header)
        values = memoryview(raw)[header:]
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def _dimensions(path: Path, magic: bytes, expected: int | None) -> int:
    """Number of dimensions from the first four bytes: 0, 0, type, dimensions."""
    wanted = f"0x{_UNSIGNED_BYTE << 8 | (expected or 0):08x}"
    if expected is None:
        wanted = "0x00000801 to 0x00000804"
    good = len(magic) == 4 and magic[:3] == bytes((0, 0, _UNSIGNED_BYTE))
    if good and (magic[3] == expected if expected else 1 <= magic[3] <= _MAX_DIMENSIONS):
        return magic[3]
    raise CorruptDataError(
        f"{path}: not an IDX file of unsigned bytes as expected: its first four bytes should be "
        f"{wanted}, got {'0x' + magic.hex() if magic else 'an empty file'}; replace the file"
    )


def _shape(path: Path, start: bytes | memoryview, header: int) -> tuple[int, ...]:
    if len(start) < header:
        raise CorruptDataError(
            f"{path}: expected an IDX header of {header} bytes, the file ends after {len(start)}; "
            "replace the file"
        )
    return tuple(int.from_bytes(start[i : i + 4], "big") for i in range(4, header, 4))


def _check_length(
    path: Path, shape: tuple[int, ...], there: int, within: str = "{:,}", enough: bool = False
) -> None:
    """See that ``there`` bytes are what the header announces (or, if ``enough``, suffice)."""
    expected = math.prod(shape)
    if there != expected and not (enough and there > expected):
        text = " x ".join(f"{s:,}" for s in shape)
        raise CorruptDataError(
            f"{path}: its header announces {text} values, so {expected:,} bytes were expected, but "
            f"the file holds {within.format(there)}; it is cut short or altered: replace the file"
        )


def _read_gzip(
    path: Path, raw: bytes, dimensions: int | None
) -> tuple[tuple[int, ...], bytes | memoryview]:
    """Decompress header and values, never more than the header announces plus one byte."""
    inflate = zlib.decompressobj(wbits=31)
    try:
        start = inflate.decompress(raw, 4)
        header = 4 + 4 * _dimensions(path, start, dimensions)
        start += inflate.decompress(inflate.unconsumed_tail, header - 4)
        shape = _shape(path, start, header)
        _check_length(path, shape, _DEFLATE_LIMIT * len(raw), "at most {:,}", enough=True)
        values = inflate.decompress(inflate.unconsumed_tail, math.prod(shape) + 1)
    except zlib.error as error:
        raise CorruptDataError(
            f"{path}: expected an intact gzip file, but decompression failed ({error}); "
            "replace the file"
        ) from None
    if not inflate.eof and len(values) <= math.prod(shape):
        raise CorruptDataError(
            f"{path}: expected a whole gzip file of {math.prod(shape):,} values, but it ends after "
            f"{len(values):,} (cut short); replace the file"
        )
    _check_length(path, shape, len(values), "{:,}" if inflate.eof else "more")
    if inflate.unused_data.strip(b"\0"):
        raise CorruptDataError(
            f"{path}: expected one gzip file, but {len(inflate.unused_data):,} more bytes follow "
            "it; replace the file"
        )
    return shape, values
