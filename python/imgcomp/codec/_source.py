"""Bytes of an ``.imc`` file at any offset, and the parts at both its ends."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import IO

from imgcomp.codec._wire import CHUNK_OVERHEAD, chunk_size, open_chunk
from imgcomp.codec.container import (
    HEADER,
    INDEX,
    PREFIX,
    TRAILER_SIZE,
    Header,
    Index,
    check_prefix,
    index_size,
)
from imgcomp.errors import CorruptStreamError, TruncatedStreamError, UsageError


class Source:
    """Bytes at an offset, from memory or a file, for any number of threads and processes."""

    def __init__(self, source: str | Path | bytes | IO[bytes]) -> None:
        """Opens a path; takes bytes, or an open file that can be sought in, as they are.

        Raises:
            FileNotFoundError: there is no such file.
        """
        self._data: bytes | None = None
        self._file: IO[bytes] | None = None
        self._owned = isinstance(source, (str, Path))
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self._data = bytes(source)
            self.size = len(self._data)
            return
        if isinstance(source, (str, Path)):
            self._file = Path(source).expanduser().open("rb")
            # Whoever forgets to close it has no file left open all the same.
            weakref.finalize(self, self._file.close)
        else:
            self._file = source
        self.size = self._file.seek(0, os.SEEK_END)
        if hasattr(os, "pread"):
            try:
                self._descriptor = self._file.fileno()
            except OSError:  # a file in memory
                self._descriptor = None

    def read(self, offset: int, count: int) -> bytes:
        """At most so many bytes; fewer where the file ends."""
        if self._data is not None:
            return self._data[offset : offset + count]
        if self._file is None:
            raise UsageError("the archive is closed")
        count = max(0, min(count, self.size - offset))
        if self._descriptor is not None:  # no position that processes would share
            return os.pread(self._descriptor, count, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def close(self) -> None:
        """Closes the file, where it was opened here; nothing can be read any more."""
        if self._file is not None and self._owned:
            self._file.close()
        self._file = self._data = self._descriptor = None


def read_header(source: Source) -> tuple[Header, int]:
    """The header, and where it ends.

    Raises:
        CorruptStreamError: there is none.
    """
    check_prefix(source.read(0, len(PREFIX)))
    size = chunk_size(source.read(len(PREFIX), 5))
    kind, content = open_chunk(source.read(len(PREFIX), size), "the header")
    if kind != HEADER:
        raise CorruptStreamError(
            f"the file begins with a chunk of type {kind!r}, not with a header"
        )
    return Header.from_bytes(content), len(PREFIX) + size


def read_index(source: Source, header: Header, begin: int) -> Index:
    """The index, from the end of the file.

    Raises:
        CorruptStreamError: there is none, or it is not one of the blocks before it.
    """
    size = index_size(source.read(max(begin, source.size - TRAILER_SIZE), TRAILER_SIZE))
    at = source.size - TRAILER_SIZE - size
    if at < begin or size < CHUNK_OVERHEAD:
        raise TruncatedStreamError("the index is larger than the file: it is cut or altered")
    kind, content = open_chunk(source.read(at, size), "the index")
    if kind != INDEX:
        raise CorruptStreamError(f"a chunk of type {kind!r} is where the index should be")
    index = Index.from_bytes(content, header, begin)
    if index.offsets[-1] != at:
        raise CorruptStreamError(
            f"the blocks end at byte {index.offsets[-1]:,} by the index, but it begins at {at:,}"
        )
    return index
