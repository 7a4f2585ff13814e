"""The parts of an ``.imc`` file as bytes and back: header, blocks, index; see docs/bitstream.md.

Nothing here knows networks. What is read is never trusted: sizes are compared with what the file
can hold before anything is made of them.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import torch

from imgcomp.codec._wire import CHUNK_OVERHEAD, Cursor, chunk, counted, varint
from imgcomp.codec.binary import BinaryDecoder, BinaryEncoder
from imgcomp.errors import CorruptStreamError, TruncatedStreamError, UnsupportedVersionError

SIGNATURE = b"\x89IMC\r\n\x1a\n"
VERSION = 1
PREFIX = SIGNATURE + bytes([VERSION])
HEADER, BLOCK, INDEX = b"H", b"B", b"I"
END = b"\x1aEND"
TRAILER_SIZE = 8

MAX_SIDE = 2**16
MAX_BLOCK_VALUES = 2**24
"""Channels × height × width of all images of a block of several."""
MAX_IMAGE_VALUES = 2**28
MAX_EXPANSION = 4096
"""Values of the images of a block for each of its bytes."""
MAX_ITERATIONS = 255
MAX_NAME = 4096

_LABELS, _NAMES, _MODEL, _QUALITY = 1, 2, 4, 8
_MAX_METADATA = 2**20


@dataclass(frozen=True)
class Header:
    """What holds for all images of a file.

    Attributes:
        digest: of the codec, 64 hexadecimal digits; see :attr:`Codec.digest`.
        codec: its name, for people.
        shape: (C, H, W) of every image.
        iterations: of a progressive code, as many as are in the file; 0 where it is none.
        label_bits: of each label; 0 where there are none.
        has_names: whether each image has a name.
        metadata: anything that JSON can say; ``classes`` are the names of labels.
        model: the codec's own file, where it is embedded.
        quality: of a codec of several rates, 1 … 100; 0 for others.
    """

    digest: str
    codec: str
    shape: tuple[int, int, int]
    iterations: int = 0
    label_bits: int = 0
    has_names: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    model: bytes | None = None
    quality: int = 0

    @property
    def values(self) -> int:
        """Values of one image."""
        return math.prod(self.shape)

    def to_bytes(self) -> bytes:
        """Signature, version and the header's chunk."""
        flags = _LABELS * bool(self.label_bits) | _NAMES * self.has_names
        flags |= _MODEL * (self.model is not None) | _QUALITY * bool(self.quality)
        metadata = json.dumps(
            self.metadata, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        parts = [
            varint(flags),
            bytes.fromhex(self.digest),
            counted(self.codec.encode()),
            *map(varint, self.shape),
            varint(self.iterations),
            varint(self.label_bits) if self.label_bits else b"",
            counted(metadata.encode() if self.metadata else b""),
            b"" if self.model is None else counted(self.model),
            varint(self.quality) if self.quality else b"",
        ]
        return PREFIX + chunk(HEADER, b"".join(parts))

    @classmethod
    def from_bytes(cls, content: bytes) -> Header:
        """The content of a header's chunk.

        Raises:
            CorruptStreamError: it is none.
        """
        cursor = Cursor(content, "the header")
        flags = cursor.number()
        if flags & ~(_LABELS | _NAMES | _MODEL | _QUALITY):
            raise UnsupportedVersionError(
                "the file uses what this imgcomp does not know; a later one wrote it"
            )
        digest = cursor.take(32).hex()
        codec = cursor.text(255)
        channels, height, width = (cursor.number(1, MAX_SIDE) for _ in range(3))
        if channels * height * width > MAX_IMAGE_VALUES:
            raise cursor.error(f"has images of {channels}×{height}×{width}; that is too large")
        iterations = cursor.number(0, MAX_ITERATIONS)
        label_bits = cursor.number(1, 32) if flags & _LABELS else 0
        metadata = _metadata(cursor)
        model = cursor.counted() if flags & _MODEL else None
        quality = cursor.number(1, 100) if flags & _QUALITY else 0
        cursor.end()
        return cls(
            digest,
            codec,
            (channels, height, width),
            iterations,
            label_bits,
            bool(flags & _NAMES),
            metadata,
            model,
            quality,
        )


def check_prefix(data: bytes) -> None:
    """The first 9 bytes of a file must be those of one that can be read.

    Raises:
        TruncatedStreamError: there are fewer.
        UnsupportedVersionError: they are of another version.
        CorruptStreamError: they are of something else.
    """
    if data[: len(SIGNATURE)] != SIGNATURE[: len(data)]:
        raise CorruptStreamError("not an .imc file: it begins with other bytes")
    if len(data) < len(PREFIX):
        raise TruncatedStreamError(f"an .imc file of {len(data)} bytes: it is cut")
    if data[len(SIGNATURE)] != VERSION:
        raise UnsupportedVersionError(
            f"an .imc file of version {data[len(SIGNATURE)]}; this imgcomp reads version {VERSION}"
        )


@dataclass(frozen=True)
class Block:
    """Images that are coded together.

    Attributes:
        count: how many they are, at least 1.
        stream: their codes.
        parts: of a progressive code, the first bytes of the stream that each iteration needs.
        labels: int64 (count,), where there are labels.
        names: one for each image, where there are names.
    """

    count: int
    stream: bytes
    parts: tuple[int, ...] = ()
    labels: torch.Tensor | None = None
    names: tuple[str, ...] | None = None

    def to_bytes(self, header: Header) -> bytes:
        """The block's chunk, filled up where it would be smaller than readers accept."""
        parts = [varint(self.count), counted(self.stream), *map(varint, self.parts)]
        if self.labels is not None:
            parts.append(counted(_pack_labels(self.labels, header.label_bits)))
        if self.names is not None:
            parts.append(counted(zlib.compress("\0".join(self.names).encode(), 9)))
        content = b"".join(parts)
        least = -(-self.count * header.values // MAX_EXPANSION) - CHUNK_OVERHEAD
        return chunk(BLOCK, content + bytes(max(0, least - len(content))))

    @classmethod
    def from_bytes(cls, content: bytes, header: Header, what: str) -> Block:
        """The content of a block's chunk.

        Raises:
            CorruptStreamError: it is none.
        """
        cursor = Cursor(content, what)
        count = cursor.number(1)
        check_count(count, len(content) + CHUNK_OVERHEAD, header, what)
        stream = cursor.counted()
        parts = tuple(cursor.number(0, len(stream)) for _ in range(header.iterations))
        if any(later < earlier for earlier, later in pairwise(parts)):
            raise cursor.error("has iterations that end before the ones before them")
        labels = names = None
        if header.label_bits:
            labels = _unpack_labels(cursor, count, header.label_bits)
        if header.has_names:
            names = _unpack_names(cursor, count)
        if cursor.take(cursor.left).strip(b"\0"):
            raise cursor.error("has bytes behind its end that are not zero")
        return cls(count, stream, parts, labels, names)


def check_count(count: int, size: int, header: Header, what: str) -> None:
    """A block of `size` bytes may have so many images.

    Raises:
        CorruptStreamError: they are too many.
    """
    values = count * header.values
    if (count > 1 and values > MAX_BLOCK_VALUES) or values > MAX_EXPANSION * size:
        raise CorruptStreamError(f"{what} claims {count:,} images in {size:,} bytes")


@dataclass(frozen=True)
class Index:
    """Where the blocks are.

    Attributes:
        counts: images of each block.
        sizes: bytes of each block's chunk.
        begin: where in the file the first block begins.
    """

    counts: tuple[int, ...]
    sizes: tuple[int, ...]
    begin: int

    @property
    def first_image(self) -> list[int]:
        """The number of each block's first image, and how many images there are."""
        return list(accumulate(self.counts, initial=0))

    @property
    def offsets(self) -> list[int]:
        """Where in the file each block begins, and the index."""
        return list(accumulate(self.sizes, initial=self.begin))

    def to_bytes(self) -> bytes:
        """The index's chunk and the end of the file."""
        entries = [varint(number) for pair in self._pairs() for number in pair]
        content = chunk(INDEX, varint(len(self.counts)) + b"".join(entries))
        return content + struct.pack("<I", len(content)) + END

    def _pairs(self) -> Sequence[tuple[int, int]]:
        return list(zip(self.counts, self.sizes, strict=True))

    @classmethod
    def from_bytes(cls, content: bytes, header: Header, begin: int) -> Index:
        """The content of an index's chunk.

        Raises:
            CorruptStreamError: it is none.
        """
        cursor = Cursor(content, "the index")
        number = cursor.number(0, len(content))
        counts, sizes = [], []
        for i in range(number):
            counts.append(cursor.number(1))
            sizes.append(cursor.number(CHUNK_OVERHEAD))
            check_count(counts[-1], sizes[-1], header, f"block {i}")
        cursor.end()
        return cls(tuple(counts), tuple(sizes), begin)


def index_size(trailer: bytes) -> int:
    """Bytes of the index's chunk, from the last 8 bytes of a file.

    Raises:
        TruncatedStreamError: the file does not end with these.
    """
    if len(trailer) != TRAILER_SIZE or trailer[4:] != END:
        raise TruncatedStreamError(
            "the file does not end as it should: it is cut, or still written"
        )
    (size,) = struct.unpack_from("<I", trailer)
    return int(size)


def _metadata(cursor: Cursor) -> Mapping[str, Any]:
    text = cursor.text(_MAX_METADATA)
    if not text:
        return {}
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        raise cursor.error("has metadata that are not JSON") from None
    if not isinstance(metadata, dict):
        raise cursor.error("has metadata that are no JSON object")
    return metadata


def _pack_labels(labels: torch.Tensor, bits: int) -> bytes:
    encoder = BinaryEncoder(0)
    encoder.encode_raw(labels, bits)
    return encoder.finish().data


def _unpack_labels(cursor: Cursor, count: int, bits: int) -> torch.Tensor:
    decoder = BinaryDecoder(cursor.counted(), 0)
    labels = decoder.decode_raw(count, bits)
    if not decoder.at_end:
        raise cursor.error(f"has labels that are not {count:,} of {bits} bits")
    return labels


def _unpack_names(cursor: Cursor, count: int) -> tuple[str, ...]:
    # As much as so many names can be; whoever claims more has one byte too many.
    most = count * (MAX_NAME + 1)
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(cursor.counted(), most)
        if not inflate.eof or inflate.unused_data:
            raise zlib.error
        names = tuple(data.decode("utf-8").split("\0"))
    except (zlib.error, UnicodeDecodeError):
        raise cursor.error("has names that cannot be read") from None
    if len(names) != count:
        raise cursor.error(f"has {len(names):,} names for {count:,} images")
    return names
