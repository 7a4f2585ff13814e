"""Codes of networks to bytes and back: levels under static tables, bits under adaptive ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from imgcomp._checks import whole_number
from imgcomp.codec.binary import BinaryDecoder, BinaryEncoder, ProgressiveStream
from imgcomp.codec.quantizer import Quantizer
from imgcomp.codec.runs import runs
from imgcomp.codec.tables import FrequencyTables
from imgcomp.errors import CorruptStreamError, UsageError
from imgcomp.models.model import ArrayLike, as_tensor
from imgcomp.models.pixels import split

Tables = Literal["channel", "element", "auto"]

_MAX_LEVELS = 2**12
"""So that a level that never occurred takes little from those that did."""


@dataclass(frozen=True)
class StaticCode:
    """Codes of one value of a few levels each, under probabilities that were counted beforehand.

    Attributes:
        shape: (C, …) of an image's code.
        quantizer: the levels of each channel.
        tables: one for each channel, or for each element in the order of memory.
    """

    shape: tuple[int, ...]
    quantizer: Quantizer
    tables: FrequencyTables

    def __post_init__(self) -> None:
        """Checks the attributes.

        Raises:
            UsageError: they do not fit.
        """
        channels, elements = self.shape[0], torch.Size(self.shape).numel()
        if len(self.quantizer.offset) != channels:
            raise UsageError(
                f"levels of {len(self.quantizer.offset)} channels do not fit a code of shape "
                f"{self.shape}"
            )
        if len(self.tables) not in (channels, elements):
            raise UsageError(
                f"a code of shape {self.shape} has {channels} tables or {elements}, not "
                f"{len(self.tables)}"
            )

    @classmethod
    def fit(cls, codes: ArrayLike, quantizer: Quantizer, *, tables: Tables = "auto") -> StaticCode:
        """Counts how often each level occurs.

        Args:
            codes: (N, C, …), floating point, of the images that are to stand for all others.
            quantizer: the levels.
            tables: one for each channel, for each element, or whichever costs fewer bits on the
                half of the codes that it was not counted on.

        Raises:
            UsageError: an argument does not fit.
        """
        if tables not in ("channel", "element", "auto"):
            raise UsageError(f"tables must be 'channel', 'element' or 'auto', not {tables!r}")
        if quantizer.levels > _MAX_LEVELS:
            raise UsageError(f"levels must be at most {_MAX_LEVELS}, not {quantizer.levels}")
        symbols = quantizer.symbols(codes)
        if symbols.numel() == 0:
            raise UsageError(f"codes must not be empty, got shape {tuple(symbols.shape)}")
        shape = tuple(symbols.shape[1:])
        if tables == "auto":
            half = len(symbols) // 2
            if half == 0:
                tables = "channel"
            else:
                rest = quantizer.values(symbols[half:])
                bits = {
                    kind: cls._counted(symbols[:half], shape, quantizer, kind).bits(rest)
                    for kind in ("channel", "element")
                }
                tables = "element" if bits["element"] < bits["channel"] else "channel"
        return cls._counted(symbols, shape, quantizer, tables)

    @classmethod
    def _counted(
        cls, symbols: torch.Tensor, shape: tuple[int, ...], quantizer: Quantizer, tables: str
    ) -> StaticCode:
        groups = shape[0] if tables == "channel" else torch.Size(shape).numel()
        rows = symbols.reshape(len(symbols), groups, -1).transpose(0, 1).reshape(groups, -1)
        first = torch.arange(groups)[:, None] * quantizer.levels
        counts = torch.bincount((rows + first).flatten(), minlength=groups * quantizer.levels)
        # As if each level had been seen half a time more (Krichevsky and Trofimov 1981): what did
        # not occur here may yet.
        smoothed = 2 * counts.view(groups, -1) + 1
        return cls(shape, quantizer, FrequencyTables.from_counts(smoothed, escape=False))

    def encode(self, codes: ArrayLike) -> bytes:
        """Codes of any number of images as one stream.

        Args:
            codes: ``(N, *shape)``, floating point.

        Raises:
            UsageError: wrong shape or dtype.
        """
        symbols = self.quantizer.symbols(codes)
        return self.tables.encode(symbols, self._indexes(symbols.shape))

    def decode(self, data: bytes, count: int) -> torch.Tensor:
        """The levels of a stream.

        Args:
            data: of :meth:`encode`.
            count: of images in it.

        Returns:
            ``(count, *shape)``, float32.

        Raises:
            CorruptStreamError: the bytes are no stream of so many codes.
            UsageError: an argument does not fit.
        """
        shape = (whole_number("count", count, 0), *self.shape)
        return self.quantizer.values(self.tables.decode(data, shape, self._indexes(shape)))

    def encode_blocks(self, codes: ArrayLike, counts: Sequence[int]) -> list[ProgressiveStream]:
        """Codes of several blocks, each as a stream of its own, on all of torch's threads.

        Args:
            codes: ``(N, *shape)``, floating point, of all blocks.
            counts: of images in each; N together.

        Raises:
            UsageError: wrong shape or dtype.
        """
        symbols = self.quantizer.symbols(codes)
        indexes = self._indexes(symbols.shape)
        streams: list[bytes] = []
        for count, number, first in runs(counts):
            some = symbols[first : first + number * count].view(number, count, *self.shape)
            streams += self.tables.encode_batch(some, indexes)
        return [ProgressiveStream(stream, ()) for stream in streams]

    def decode_blocks(
        self, streams: Sequence[bytes], counts: Sequence[int], iterations: int | None = None
    ) -> torch.Tensor:
        """The levels of several streams, one after the other, on all of torch's threads.

        Args:
            streams: of :meth:`encode_blocks`.
            counts: of images in each.
            iterations: None; there are none.

        Returns:
            ``(N, *shape)``, float32.

        Raises:
            CorruptStreamError: one is no stream of so many codes.
            UsageError: an argument does not fit.
        """
        if iterations is not None:
            raise UsageError("this code has no iterations, so none to choose")
        found = [torch.zeros(0, *self.shape)]
        begin = 0
        for count, number, _ in runs(counts):
            shape = (count, *self.shape)
            some = streams[begin : begin + number]
            symbols = self.tables.decode_batch(some, shape, self._indexes(shape))
            found.append(self.quantizer.values(symbols.flatten(0, 1)))
            begin += number
        return torch.cat(found)

    def bits(self, codes: ArrayLike) -> float:
        """What codes cost under the tables, together.

        Raises:
            UsageError: wrong shape or dtype.
        """
        symbols = self.quantizer.symbols(codes)
        return self.tables.bits(symbols, self._indexes(symbols.shape))

    def parts(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """What a codec's file says of the code, and its tensors; :meth:`from_parts` takes them."""
        described = {
            "kind": "static",
            "shape": list(self.shape),
            "levels": self.quantizer.levels,
            "precision": self.tables.precision,
        }
        frequencies = torch.tensor([t.frequencies for t in self.tables], dtype=torch.int16)
        tensors = {"offset": self.quantizer.offset, "step": self.quantizer.step}
        return described, {**tensors, "frequencies": frequencies}

    @classmethod
    def from_parts(cls, described: dict[str, Any], tensors: dict[str, torch.Tensor]) -> StaticCode:
        """The code of :meth:`parts`.

        Raises:
            UsageError, KeyError, TypeError, ValueError: they are none.
        """
        quantizer = Quantizer(tensors["offset"], tensors["step"], described["levels"])
        tables = FrequencyTables.from_frequencies(
            tensors["frequencies"], precision=described["precision"]
        )
        return cls(tuple(described["shape"]), quantizer, tables)

    def _indexes(self, shape: tuple[int, ...]) -> torch.Tensor:
        if tuple(shape[1:]) != self.shape:
            raise UsageError(f"codes must be of shape (N, *{self.shape}), not {tuple(shape)}")
        if len(self.tables) == self.shape[0]:
            return torch.arange(self.shape[0]).view(-1, *(1 for _ in self.shape[1:]))
        return torch.arange(len(self.tables)).view(self.shape)


@dataclass(frozen=True)
class BinaryCode:
    """Codes of −1 and +1 of several iterations, whose probabilities are learnt while coding.

    A context is a channel, an iteration, and which of the bits to the left and above are +1; images
    that are coded together learn together. The iterations follow one another: a stream may be cut
    behind any of them.

    Attributes:
        shape: (T, C, H, W) of an image's code, T iterations.
    """

    shape: tuple[int, int, int, int]

    def encode(self, codes: ArrayLike) -> ProgressiveStream:
        """Codes of any number of images as one stream.

        Args:
            codes: ``(N, *shape)``, floating point; above 0 counts as +1.

        Returns:
            The stream, and for each iteration how many of its first bytes suffice up to it.

        Raises:
            UsageError: wrong shape or dtype.
        """
        given = as_tensor(codes, "codes").detach()
        if tuple(given.shape[1:]) != self.shape or not given.is_floating_point():
            raise UsageError(
                f"codes must be floating point of shape (N, *{self.shape}), not {given.dtype} of "
                f"shape {tuple(given.shape)}"
            )
        bits = (given > 0).to(torch.uint8).cpu()
        encoder = BinaryEncoder(self._contexts())
        for iteration in range(self.shape[0]):
            for row in range(self.shape[2]):
                for column in range(self.shape[3]):
                    part = bits[:, iteration]
                    encoder.encode(
                        part[:, :, row, column], self._context(part, iteration, row, column)
                    )
            encoder.end_part()
        return encoder.finish()

    def decode(self, data: bytes, count: int, iterations: int | None = None) -> torch.Tensor:
        """The bits of the first iterations of a stream.

        Args:
            data: of :meth:`encode`, or as many first bytes of it as these iterations need.
            count: of images in it.
            iterations: 1 … T; None for all.

        Returns:
            ``(count, iterations, C, H, W)``, float32, −1 and +1.

        Raises:
            CorruptStreamError: the bytes end too early, or all were decoded and some are left over.
            UsageError: an argument does not fit.
        """
        whole, channels, height, width = self.shape
        wanted = whole if iterations is None else whole_number("iterations", iterations, 1, whole)
        number = whole_number("count", count, 0)
        decoder = BinaryDecoder(data, self._contexts())
        bits = torch.zeros(number, wanted, channels, height, width, dtype=torch.uint8)
        for iteration in range(wanted):
            for row in range(height):
                for column in range(width):
                    part = bits[:, iteration]
                    contexts = self._context(part, iteration, row, column)
                    part[:, :, row, column] = decoder.decode((number, channels), contexts)
        if wanted == whole and number and not decoder.at_end:
            raise CorruptStreamError(f"the stream is not one of {number} codes {self.shape}")
        return bits.to(torch.float32) * 2 - 1

    def encode_blocks(self, codes: ArrayLike, counts: Sequence[int]) -> list[ProgressiveStream]:
        """Codes of several blocks, each as a stream of its own that learns by itself.

        Args:
            codes: ``(N, *shape)``, floating point, of all blocks.
            counts: of images in each; N together.

        Raises:
            UsageError: wrong shape or dtype.
        """
        given = as_tensor(codes, "codes")
        return [self.encode(some) for some in split(given, list(counts))]

    def decode_blocks(
        self, streams: Sequence[bytes], counts: Sequence[int], iterations: int | None = None
    ) -> torch.Tensor:
        """The bits of several streams, one after the other; see :meth:`decode`."""
        wanted = self.shape[0] if iterations is None else iterations
        found = [torch.zeros(0, wanted, *self.shape[1:])]
        for stream, count in zip(streams, counts, strict=True):
            found.append(self.decode(stream, count, iterations))
        return torch.cat(found)

    def parts(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """What a codec's file says of the code; there are no tensors."""
        return {"kind": "binary", "shape": list(self.shape)}, {}

    @classmethod
    def from_parts(cls, described: dict[str, Any], tensors: dict[str, torch.Tensor]) -> BinaryCode:
        """The code of :meth:`parts`.

        Raises:
            UsageError, KeyError, TypeError, ValueError: they are none.
        """
        iterations, channels, height, width = described["shape"]
        return cls((iterations, channels, height, width))

    def _contexts(self) -> int:
        return 4 * self.shape[0] * self.shape[1]

    def _context(self, bits: torch.Tensor, iteration: int, row: int, column: int) -> torch.Tensor:
        """(N, C) contexts of one pixel, from the bits (N, C, H, W) before it."""
        channels = torch.arange(self.shape[1], dtype=torch.int32)
        first = (4 * (iteration * self.shape[1] + channels)).expand(len(bits), -1)
        left = bits[:, :, row, column - 1] if column else torch.zeros_like(bits[:, :, row, column])
        above = bits[:, :, row - 1, column] if row else torch.zeros_like(bits[:, :, row, column])
        return first + 2 * left.to(torch.int32) + above.to(torch.int32)
