"""The smallest pieces of a file: numbers of variable length, counted bytes, chunks with a check."""

from __future__ import annotations

import struct

from imgcomp import _core
from imgcomp.errors import CorruptStreamError, TruncatedStreamError

CHUNK_OVERHEAD = 9
"""Bytes of a chunk around its content: type, length, check sum."""
LONGEST = 2**30
"""Bytes that a chunk may contain at most."""
_MAX_VARINT = 2**56 - 1


def varint(value: int) -> bytes:
    """A number 0 … 2^56 − 1: seven bits a byte, the lowest first, 128 added to all but the last."""
    if not 0 <= value <= _MAX_VARINT:
        raise ValueError(f"{value} is not in 0 … 2^56 − 1")
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def counted(data: bytes) -> bytes:
    """Bytes behind their number."""
    return varint(len(data)) + data


def chunk(kind: bytes, content: bytes) -> bytes:
    """Content with its type (one byte) and length before it and a CRC-32C of all that behind."""
    body = kind + struct.pack("<I", len(content)) + content
    return body + struct.pack("<I", _core.crc32c(body))


def chunk_size(head: bytes) -> int:
    """Bytes of the whole chunk whose first 5 bytes these are.

    Raises:
        TruncatedStreamError: there are fewer.
        CorruptStreamError: no chunk is that long.
    """
    if len(head) < 5:
        raise TruncatedStreamError("the file ends where a chunk should begin")
    (length,) = struct.unpack_from("<I", head, 1)
    if length > LONGEST:
        raise CorruptStreamError(f"a chunk of {length:,} bytes; there are at most {LONGEST:,}")
    return int(length) + CHUNK_OVERHEAD


def open_chunk(data: bytes, what: str) -> tuple[bytes, bytes]:
    """Type and content of a whole chunk.

    Raises:
        TruncatedStreamError: it is not whole.
        CorruptStreamError: it is longer than it says, or altered.
    """
    size = chunk_size(data)
    if len(data) < size:
        raise TruncatedStreamError(f"{what} has {len(data):,} bytes of {size:,}: the file is cut")
    if len(data) > size:
        raise CorruptStreamError(f"{what} has {size:,} bytes where {len(data):,} are expected")
    (check,) = struct.unpack("<I", data[-4:])
    if _core.crc32c(data[:-4]) != check:
        raise CorruptStreamError(f"{what} does not match its check sum: the file is altered")
    return data[:1], data[5:-4]


class Cursor:
    """Reads one piece after the other, and never beyond the end."""

    def __init__(self, data: bytes, what: str) -> None:
        """Begins at the first byte; `what` names the data in errors."""
        self._data = data
        self._at = 0
        self._what = what

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            CorruptStreamError: there are fewer.
        """
        if count > self.left:
            raise self.error(f"ends {count - self.left:,} bytes too early")
        begin, self._at = self._at, self._at + count
        return self._data[begin : self._at]

    def number(self, least: int = 0, most: int = _MAX_VARINT) -> int:
        """The next number of variable length.

        Raises:
            CorruptStreamError: there is none in its shortest form, or none in `least` … `most`.
        """
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift == 56:
                raise self.error("has a number of more than 8 bytes")
        if byte == 0 and shift > 7:
            raise self.error("has a number with more bytes than it needs")
        if not least <= value <= most:
            raise self.error(f"has {value:,} where {least:,} … {most:,} is expected")
        return value

    def counted(self, most: int = LONGEST) -> bytes:
        """Bytes behind their number."""
        return self.take(self.number(0, most))

    def text(self, most: int) -> str:
        """Counted bytes as UTF-8.

        Raises:
            CorruptStreamError: they are none.
        """
        try:
            return self.counted(most).decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("has a text that is not UTF-8") from None

    def end(self) -> None:
        """Nothing may be left.

        Raises:
            CorruptStreamError: something is.
        """
        if self.left:
            raise self.error(f"has {self.left:,} bytes too many")

    def error(self, problem: str) -> CorruptStreamError:
        """An error that says what is wrong with the data."""
        return CorruptStreamError(f"{self._what} {problem}")
