"""Writes ``.imc`` files, some blocks of images at a time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import torch

from imgcomp._checks import whole_number
from imgcomp.codec._inputs import whole_numbers
from imgcomp.codec.codes import BinaryCode
from imgcomp.codec.container import MAX_BLOCK_VALUES, MAX_NAME, Block, Header, Index
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike

if TYPE_CHECKING:
    from imgcomp.codec.codec import Codec

BLOCK_IMAGES = 512
"""Images that are coded together by default."""
_VALUES_AT_ONCE = 2**24


class ArchiveWriter:
    """Writes images to a file as they come; a context manager.

    Images are encoded when there are enough of them for some blocks. The file is whole only after
    :meth:`close`, which the end of a ``with`` block calls unless there was an error.
    """

    def __init__(
        self,
        file: IO[bytes],
        codec: Codec,
        *,
        classes: int | Sequence[str] | None = None,
        names: bool = False,
        metadata: Mapping[str, Any] | None = None,
        embed_model: bool = False,
        block_images: int = BLOCK_IMAGES,
    ) -> None:
        """Writes the header.

        Args:
            file: open for writing bytes; never read, never sought in, not closed.
            codec: that encodes.
            classes: how many labels there can be, or their names; None for images without labels.
            names: whether each image has a name.
            metadata: anything that JSON can say, kept as it is. ``classes`` is put in by itself.
            embed_model: puts the codec's own file in, so that nobody needs to have it.
            block_images: images coded together. One image is decoded together with its block.

        Raises:
            UsageError: an argument does not fit.
            OSError: the file cannot be written.
        """
        self._file = file
        self._codec = codec
        notes = dict(metadata or {})
        count = classes
        if classes is not None and not isinstance(classes, int):
            notes["classes"] = [str(name) for name in classes]
            count = len(classes)
        bits = 0
        if count is not None:
            bits = max(1, (whole_number("classes", count, 1, 2**32) - 1).bit_length())
        progressive = isinstance(codec.code, BinaryCode)
        try:
            self._header = Header(
                codec.digest,
                codec.name,
                codec.image_shape,
                codec.code.shape[0] if progressive else 0,
                bits,
                bool(names),
                notes,
                codec.to_bytes() if embed_model else None,
                codec.quality or 0,
            )
            head = self._header.to_bytes()
        except (TypeError, ValueError) as error:
            raise UsageError(f"metadata must be what JSON can say: {error}") from None
        size = whole_number("block_images", block_images)
        self._block_images = max(1, min(size, MAX_BLOCK_VALUES // self._header.values))
        blocks = max(1, _VALUES_AT_ONCE // (self._header.values * self._block_images))
        self._at_once = self._block_images * min(blocks, 2 * torch.get_num_threads())
        self._images: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []
        self._names: list[str] = []
        self._waiting = 0
        self._counts: list[int] = []
        self._sizes: list[int] = []
        self._begin = len(head)
        self._closed = False
        self._written = 0
        self._put(head)

    @property
    def num_bytes(self) -> int:
        """Bytes that have been written so far; after :meth:`close`, of the whole file."""
        return self._written

    def add(
        self,
        images: ArrayLike,
        labels: ArrayLike | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        """Adds images behind those that are there.

        Args:
            images: uint8 (N, C, H, W).
            labels: whole numbers (N,), 0 … classes − 1, where there are labels.
            names: N relative paths with slashes, where there are names.

        Raises:
            UsageError: an argument does not fit.
            OSError: the file cannot be written.
        """
        if self._closed:
            raise UsageError("the archive is closed: nothing can be added")
        given = self._codec.checked(images)
        count = len(given)
        self._check("labels", labels is not None, bool(self._header.label_bits))
        self._check("names", names is not None, self._header.has_names)
        new_labels = None if labels is None else self._checked_labels(labels, count)
        new_names = [] if names is None else _checked_names(names, count)
        # A copy: the caller may go on to fill the same memory with other images.
        self._images.append(given.clone())
        if new_labels is not None:
            self._labels.append(new_labels)
        self._names += new_names
        self._waiting += count
        if self._waiting >= self._at_once:
            self._write(self._waiting // self._block_images * self._block_images)

    def close(self) -> None:
        """Writes what is left, and the index; the file itself stays open."""
        if self._closed:
            return
        self._write(self._waiting)
        self._put(Index(tuple(self._counts), tuple(self._sizes), self._begin).to_bytes())
        self._closed = True

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def _write(self, count: int) -> None:
        """Encodes and writes the first `count` images that wait."""
        images = _split(self._images, count)
        labels = _split(self._labels, count) if self._header.label_bits else None
        names, self._names = self._names[:count], self._names[count:]
        self._waiting -= count
        for begin in range(0, count, self._at_once):
            some = images[begin : begin + self._at_once]
            counts = [
                min(self._block_images, len(some) - at)
                for at in range(0, len(some), self._block_images)
            ]
            streams = self._codec.code.encode_blocks(self._codec.codes(some), counts)
            at = begin
            for number, stream in zip(counts, streams, strict=True):
                block = Block(
                    number,
                    stream.data,
                    stream.parts,
                    None if labels is None else labels[at : at + number],
                    tuple(names[at : at + number]) if self._header.has_names else None,
                )
                data = block.to_bytes(self._header)
                self._put(data)
                self._counts.append(number)
                self._sizes.append(len(data))
                at += number

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._written += len(data)

    def _check(self, what: str, given: bool, wanted: bool) -> None:
        if given != wanted:
            raise UsageError(
                f"the archive was begun {'with' if wanted else 'without'} {what}, these images "
                f"come {'with' if given else 'without'}"
            )

    def _checked_labels(self, labels: ArrayLike, count: int) -> torch.Tensor:
        given = whole_numbers(labels, "labels").to(torch.int64)
        if tuple(given.shape) != (count,):
            raise UsageError(f"labels must be of shape ({count},), not {tuple(given.shape)}")
        most = 2**self._header.label_bits
        if count and (int(given.min()) < 0 or int(given.max()) >= most):
            raise UsageError(
                f"labels must lie in 0 … {most - 1}, not {given.min()} … {given.max()}"
            )
        return given.clone()


def safe_name(name: str) -> bool:
    """Whether a name is a relative path that stays inside the folder that it is put in."""
    parts = name.split("/")
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME
        and name.isprintable()
        and "\\" not in name
        and ":" not in parts[0]
        and not any(part in ("", ".", "..") for part in parts)
    )


def _checked_names(names: Sequence[str], count: int) -> list[str]:
    found = list(names)
    if len(found) != count:
        raise UsageError(f"there must be {count} names, not {len(found)}")
    for name in found:
        if not isinstance(name, str) or not safe_name(name):
            raise UsageError(
                f"names must be relative paths with slashes, without '..', not {name!r}"
            )
    return found


def _split(parts: list[torch.Tensor], count: int) -> torch.Tensor:
    """Takes the first `count` rows out of a list of tensors."""
    whole = torch.cat(parts) if parts else torch.zeros(0)
    parts[:] = [whole[count:]] if count < len(whole) else []
    return whole[:count]
