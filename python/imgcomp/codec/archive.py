"""Reads ``.imc`` files: any image, slices, all of them in order, with labels and names."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

import torch

from imgcomp.codec._codec_of_file import codec_of
from imgcomp.codec._source import Source, read_header, read_index
from imgcomp.codec._wire import open_chunk
from imgcomp.codec.codec import Codec
from imgcomp.codec.container import BLOCK, Block, Header
from imgcomp.errors import CorruptStreamError, UsageError

_VALUES_AT_ONCE = 2**24


class Batch(NamedTuple):
    """Images that follow one another.

    Attributes:
        first: the number of the first one.
        images: uint8 (N, C, H, W).
        labels: int64 (N,), or None where there are none.
        names: N of them, or None.
    """

    first: int
    images: torch.Tensor
    labels: torch.Tensor | None
    names: tuple[str, ...] | None


class Archive:
    """The images of an ``.imc`` file, decoded when they are asked for; see :func:`open`.

    Any number of threads may read at a time. The block that was decoded last is kept.
    """

    def __init__(
        self,
        source: str | Path | bytes | IO[bytes],
        *,
        codec: Codec | str | Path | None = None,
        iterations: int | None = None,
    ) -> None:
        """See :func:`open`."""
        self._source = Source(source)
        try:
            self._header, begin = read_header(self._source)
            self._index = read_index(self._source, self._header, begin)
            self._first = self._index.first_image
            self._offsets = self._index.offsets
            self._iterations = self._checked_iterations(iterations)
        except BaseException:
            self._source.close()
            raise
        self._given = codec
        self._codec: Codec | None = None
        self._lock = threading.Lock()
        self._last: tuple[tuple[int, ...], torch.Tensor] | None = None

    @property
    def header(self) -> Header:
        """What the file says of all its images."""
        return self._header

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        return self._header.shape

    @property
    def codec_name(self) -> str:
        """What the file calls its codec."""
        return self._header.codec

    @property
    def digest(self) -> str:
        """The codec's hash, 64 hexadecimal digits."""
        return self._header.digest

    @property
    def embedded(self) -> int:
        """Bytes of the codec in the file; 0 where it is not in there."""
        return len(self._header.model or b"")

    @property
    def iterations(self) -> int:
        """Of a progressive code, how many are in the file; 0 for others."""
        return self._header.iterations

    @property
    def quality(self) -> int | None:
        """1 … 100, of a codec of several rates; None for others."""
        return self._header.quality or None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was noted when the file was written."""
        return self._header.metadata

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the labels, where they were noted."""
        found = self._header.metadata.get("classes")
        if not self.has_labels or not isinstance(found, list):
            return None
        return tuple(found) if all(isinstance(name, str) for name in found) else None

    @property
    def has_labels(self) -> bool:
        """Whether each image has a label."""
        return self._header.label_bits > 0

    @property
    def has_names(self) -> bool:
        """Whether each image has a name."""
        return self._header.has_names

    @property
    def num_blocks(self) -> int:
        """Groups of images that were coded together."""
        return len(self._index.counts)

    @property
    def num_bytes(self) -> int:
        """Size of the whole file."""
        return self._source.size

    @property
    def labels(self) -> torch.Tensor | None:
        """int64 (N,) of all images, or None; no image is decoded for it.

        Raises:
            CorruptStreamError: the file is damaged.
        """
        if not self.has_labels:
            return None
        found = [self.block(i).labels for i in range(self.num_blocks)]
        return torch.cat([torch.zeros(0, dtype=torch.int64), *(x for x in found if x is not None)])

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of all images, or None; no image is decoded for it.

        Raises:
            CorruptStreamError: the file is damaged.
        """
        if not self.has_names:
            return None
        return tuple(name for i in range(self.num_blocks) for name in self.block(i).names or ())

    @property
    def codec(self) -> Codec:
        """What decodes the file; looked for when it is first needed.

        Raises:
            UnknownCodecError: it is not here.
            CorruptStreamError: the codec in the file is damaged or does not fit.
        """
        with self._lock:
            if self._codec is None:
                self._codec = codec_of(self._header, self._given)
            return self._codec

    def __len__(self) -> int:
        """How many images there are."""
        return self._first[-1]

    def __getitem__(self, index: int | slice) -> torch.Tensor:
        """One image (C, H, W), or those of a slice (N, C, H, W), uint8.

        Raises:
            IndexError: there is no such image.
            CorruptStreamError: the file is damaged.
        """
        if isinstance(index, slice):
            return self.take(range(len(self))[index])
        return self.take([index])[0]

    def take(self, indexes: Sequence[int]) -> torch.Tensor:
        """Images by their numbers, each block decoded once.

        Args:
            indexes: of the images, in any order; below 0 from the end.

        Returns:
            uint8 (N, C, H, W).

        Raises:
            IndexError: there is no such image.
            CorruptStreamError: the file is damaged.
        """
        count = len(self)
        wanted = []
        for index in indexes:
            if not -count <= index < count:
                raise IndexError(f"there are images 0 … {count - 1}, not {index}")
            wanted.append(int(index) % count)
        result = torch.empty(len(wanted), *self.shape, dtype=torch.uint8)
        places: dict[int, list[int]] = {}
        for place, number in enumerate(wanted):
            places.setdefault(bisect.bisect_right(self._first, number) - 1, []).append(place)
        for blocks in self._groups(sorted(places)):
            codes, rows = self._codes(blocks), []
            begin = 0
            for block in blocks:
                rows += [begin + wanted[place] - self._first[block] for place in places[block]]
                begin += self._index.counts[block]
            result[[place for block in blocks for place in places[block]]] = self.codec.images(
                codes if rows == list(range(len(codes))) else codes[rows]
            )
        return result

    def batches(self) -> Iterator[Batch]:
        """All images in their order, some blocks at a time, decoded on all of torch's threads.

        Raises:
            CorruptStreamError: the file is damaged; what came before is good.
        """
        for blocks in self._groups(range(self.num_blocks)):
            yield self._batch(blocks)

    def __iter__(self) -> Iterator[torch.Tensor]:
        """All images in their order."""
        for batch in self.batches():
            yield from batch.images

    def block(self, number: int) -> Block:
        """One block as it lies in the file, its check sum verified, not decoded.

        Raises:
            IndexError: there is none of that number.
            CorruptStreamError: it is damaged.
        """
        if not 0 <= number < self.num_blocks:
            raise IndexError(f"there are blocks 0 … {self.num_blocks - 1}, not {number}")
        what = f"block {number}"
        data = self._source.read(self._offsets[number], self._index.sizes[number])
        kind, content = open_chunk(data, what)
        if kind != BLOCK:
            raise CorruptStreamError(f"{what} is no block but a chunk of type {kind!r}")
        block = Block.from_bytes(content, self._header, what)
        if block.count != self._index.counts[number]:
            raise CorruptStreamError(
                f"{what} has {block.count:,} images, the index says {self._index.counts[number]:,}"
            )
        return block

    def verify(self) -> None:
        """Reads and decodes everything.

        Raises:
            CorruptStreamError: something is damaged; says what.
            UnknownCodecError: the codec is not here.
        """
        for _ in self.batches():
            pass

    def close(self) -> None:
        """Closes the file."""
        self._source.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Says what is in there."""
        shape = "×".join(map(str, self.shape))
        return f"Archive({len(self):,} images of {shape}, {self.num_bytes:,} bytes)"

    def _groups(self, blocks: Sequence[int]) -> Iterator[Sequence[int]]:
        """Some blocks at a time: enough for all threads, and not more than memory is meant for."""
        at_once, begin = 2 * torch.get_num_threads(), 0
        values = [self._index.counts[block] * self._header.values for block in blocks]
        while begin < len(blocks):
            end = begin + 1
            while end < min(len(blocks), begin + at_once):
                if sum(values[begin : end + 1]) > _VALUES_AT_ONCE:
                    break
                end += 1
            yield blocks[begin:end]
            begin = end

    def _batch(self, blocks: Sequence[int]) -> Batch:
        read = [self.block(i) for i in blocks]
        images = self.codec.images(self._decoded(read, blocks))
        labels = [block.labels for block in read if block.labels is not None]
        names = [name for block in read for name in block.names or ()]
        return Batch(
            self._first[blocks[0]],
            images,
            torch.cat(labels) if self.has_labels else None,
            tuple(names) if self.has_names else None,
        )

    def _codes(self, blocks: Sequence[int]) -> torch.Tensor:
        """Of all images of some blocks; those of a single one are kept."""
        numbers = tuple(blocks)
        with self._lock:
            if self._last is not None and self._last[0] == numbers:
                return self._last[1]
        codes = self._decoded([self.block(number) for number in numbers], numbers)
        if len(numbers) == 1:
            with self._lock:
                self._last = numbers, codes
        return codes

    def _decoded(self, blocks: Sequence[Block], numbers: Sequence[int]) -> torch.Tensor:
        """The codes of blocks, one after the other."""
        streams, iterations = [block.stream for block in blocks], None
        if self.iterations:
            iterations = self._iterations or self.iterations
            streams = [block.stream[: block.parts[iterations - 1]] for block in blocks]
        counts = [block.count for block in blocks]
        code = self.codec.code
        try:
            return code.decode_blocks(streams, counts, iterations)
        except CorruptStreamError as error:
            where = f"block {numbers[0]}" + (f" … {numbers[-1]}" if len(numbers) > 1 else "")
            raise CorruptStreamError(f"{where}: {error}") from None

    def _checked_iterations(self, iterations: int | None) -> int | None:
        most = self._header.iterations
        if iterations is not None and not 1 <= iterations <= most:
            have = f"the first 1 … {most} iterations" if most else "no iterations"
            raise UsageError(f"the file has {have} to choose, not {iterations!r}")
        return iterations


def open(
    source: str | Path | bytes | IO[bytes],
    *,
    codec: Codec | str | Path | None = None,
    iterations: int | None = None,
) -> Archive:
    """Opens an ``.imc`` file; it must be closed, or used in a ``with`` statement.

    Args:
        source: a path, the bytes themselves, or an open file of bytes that can be sought in.
        codec: the one that it was written with; None to find it in the file, in the package or in
            the folders of ``IMGCOMP_CODECS``.
        iterations: of a progressive code, how many of those in the file to decode.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptStreamError: it is truncated, altered or something else. Its subclasses say more:
            TruncatedStreamError, UnsupportedVersionError and, once an image is asked for,
            UnknownCodecError.
        UsageError: there are no such iterations.
    """
    return Archive(source, codec=codec, iterations=iterations)
