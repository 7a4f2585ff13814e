"""The streams of a block whose symbols are coded in passes, each under what the passes before gave.

Few bytes are one stream through all passes, more are a stream for each pass: these can go by
several lanes at once, that one costs a single image neither sizes nor unfinished bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch

from imgcomp.codec._wire import Cursor, varint
from imgcomp.codec.tables import FrequencyTables
from imgcomp.errors import CorruptStreamError

_SHORT = 8192
"""Of less bytes are streams that can be decoded in several goes."""


def encode(
    tables: FrequencyTables, passes: Sequence[tuple[torch.Tensor, torch.Tensor]]
) -> list[bytes]:
    """Codes blocks of one size.

    Args:
        tables: of all symbols.
        passes: for each, the tables' indexes and the symbols, int32 (B, L).

    Returns:
        B streams.
    """
    columns = [tables.encode_batch(symbols, indexes) for indexes, symbols in passes]
    apart = [_apart(parts) for parts in zip(*columns, strict=True)]
    few = [i for i, stream in enumerate(apart) if len(stream) < _SHORT]
    if few:
        indexes, symbols = (torch.cat(each, 1)[few] for each in zip(*passes, strict=True))
        for i, stream in zip(few, tables.encode_batch(symbols, indexes), strict=True):
            apart[i] = min(_together(stream), apart[i], key=len)
    return apart


class Reader(ABC):
    """Decodes blocks of one size, pass by pass."""

    @abstractmethod
    def decode(self, indexes: torch.Tensor) -> torch.Tensor:
        """The symbols of the next pass.

        Args:
            indexes: of the tables that they go by, int32 (B, L).

        Returns:
            int32 (B, L); of bytes that are no streams perhaps some symbols.

        Raises:
            CorruptStreamError: they are no such streams.
        """

    @abstractmethod
    def check_end(self) -> None:
        """Behind the last pass.

        Raises:
            CorruptStreamError: the bytes were no such streams.
        """


def readers(
    tables: FrequencyTables, streams: Sequence[bytes], counts: Sequence[int], passes: int
) -> Iterator[tuple[slice, int, Reader]]:
    """For consecutive blocks of one size: which images they have, how many blocks, their reader.

    Args:
        tables: of all symbols.
        streams: of `encode`, in any order.
        counts: of images in each.
        passes: how many there are.

    Raises:
        CorruptStreamError: one cannot be such a stream.
    """
    image = block = 0
    for (count, together), same in groupby(zip(counts, map(_is_together, streams), strict=True)):
        number = len(list(same))
        some = streams[block : block + number]
        reader = _Together(tables, some) if together else _Apart(tables, some, passes)
        yield slice(image, image + number * count), number, reader
        image, block = image + number * count, block + number


class _Apart(Reader):
    def __init__(self, tables: FrequencyTables, streams: Sequence[bytes], passes: int) -> None:
        self._tables = tables
        parted = [_parts(stream, passes) for stream in streams]
        self._passes = iter(list(zip(*parted, strict=True)))

    def decode(self, indexes: torch.Tensor) -> torch.Tensor:
        return self._tables.decode_batch(next(self._passes), indexes.shape[1], indexes)

    def check_end(self) -> None:
        """Each pass has looked at its own end."""


class _Together(Reader):
    def __init__(self, tables: FrequencyTables, streams: Sequence[bytes]) -> None:
        self._open = tables.open([_one(stream) for stream in streams])

    def decode(self, indexes: torch.Tensor) -> torch.Tensor:
        return self._open.decode(indexes.shape[1], indexes)

    def check_end(self) -> None:
        self._open.check_end()


def _apart(parts: Sequence[bytes]) -> bytes:
    return b"".join(map(varint, map(len, parts[:-1]))) + b"".join(parts)


def _parts(stream: bytes, count: int) -> list[bytes]:
    """The parts of `_apart`.

    Raises:
        CorruptStreamError: it does not have so many.
    """
    cursor = Cursor(stream, "the stream")
    sizes = [cursor.number(0, len(stream)) for _ in range(count - 1)]
    parts = [cursor.take(size) for size in sizes]
    return [*parts, cursor.take(cursor.left)]


def _together(stream: bytes) -> bytes:
    # No first pass has more bytes than there are.
    return varint(len(stream) + 1) + stream


def _is_together(stream: bytes) -> bool:
    cursor = Cursor(stream, "the stream")
    return cursor.number(0, len(stream) + 1) == cursor.left + 1


def _one(stream: bytes) -> bytes:
    """What `_together` was given.

    Raises:
        CorruptStreamError: it is too long for that.
    """
    cursor = Cursor(stream, "the stream")
    cursor.number(0, len(stream) + 1)
    if cursor.left >= _SHORT:
        raise CorruptStreamError(f"a stream of all passes has less than {_SHORT} bytes")
    return cursor.take(cursor.left)
