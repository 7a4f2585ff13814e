"""Streams of bits whose probabilities are learnt while they are coded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from imgcomp import _core
from imgcomp._checks import whole_number
from imgcomp.codec._inputs import a_shape, a_stream, covering, int32, whole_numbers
from imgcomp.errors import CodecError
from imgcomp.models.model import ArrayLike

_MAX_CONTEXTS = 2**24


class ProgressiveStream(NamedTuple):
    """A finished stream of bits.

    Attributes:
        data: All bytes.
        parts: For each call of :meth:`BinaryEncoder.end_part`, how many of the first bytes suffice
            to decode everything before it.
    """

    data: bytes
    parts: tuple[int, ...]


class BinaryEncoder:
    """Codes bits, each under an adaptive probability of its context.

    A context's first bit costs 1 bit; after some tens it costs what the context's recent bits were
    worth. The decoder must be asked for the same numbers of bits under the same contexts, which may
    depend on anything that it knows by then. Not to be used by two threads at a time.
    """

    def __init__(self, contexts: int = 1) -> None:
        """Begins a stream.

        Args:
            contexts: how many there are, 0 … 2^24.

        Raises:
            UsageError: there cannot be so many.
        """
        self._core = _core.BinaryEncoder(whole_number("contexts", contexts, 0, _MAX_CONTEXTS))

    @property
    def contexts(self) -> int:
        """How many contexts there are."""
        return self._core.contexts

    def encode(self, bits: ArrayLike, contexts: ArrayLike | None = None) -> None:
        """Codes bits in the order in which they lie in memory, the last axis first.

        Args:
            bits: flags or whole numbers of any shape; anything but 0 is a 1.
            contexts: whole numbers of a shape that broadcasts to that of the bits; None: context 0.

        Raises:
            UsageError: shapes do not fit, or there is no such context.
        """
        given = whole_numbers(bits, "bits")
        if given.dtype not in (torch.uint8, torch.int8):
            given = given.ne(0)
        shape = tuple(given.shape)
        self._core.encode(given.view(torch.uint8), _contexts(contexts, shape))

    def encode_raw(self, values: ArrayLike, bits: int) -> None:
        """Codes whole numbers at exactly so many bits each.

        Args:
            values: 0 … 2^bits − 1, of any shape.
            bits: 1 … 32.

        Raises:
            CodecError: a value has more bits.
            UsageError: an argument does not fit.
        """
        size = whole_number("bits", bits, 1, 32)
        given = whole_numbers(values, "values").to(torch.int64)
        if given.numel() and (int(given.min()) < 0 or int(given.max()) >= 2**size):
            raise CodecError(
                f"values of {size} bits lie in 0 … {2**size - 1}, not {given.min()} … {given.max()}"
            )
        self._core.encode_raw(given.to(torch.int32), size)

    def end_part(self) -> None:
        """Marks where the stream may be cut; costs nothing."""
        self._core.end_part()

    def finish(self) -> ProgressiveStream:
        """Ends the stream, and begins a new one with fresh contexts.

        Returns:
            The stream, which has no zeros at its end, and where its parts end.
        """
        data, parts = self._core.finish()
        return ProgressiveStream(data, tuple(parts))


class BinaryDecoder:
    """Decodes what :class:`BinaryEncoder` coded, or the first parts of it.

    Any bytes give some bits: there are zeros behind the end of a stream. Not to be used by two
    threads at a time.
    """

    def __init__(self, data: bytes, contexts: int = 1) -> None:
        """Begins to read.

        Args:
            data: a stream, or as many first bytes of it as a part needs.
            contexts: as many as the encoder had.

        Raises:
            UsageError: an argument does not fit.
        """
        count = whole_number("contexts", contexts, 0, _MAX_CONTEXTS)
        self._core = _core.BinaryDecoder(a_stream(data), count)

    @property
    def contexts(self) -> int:
        """How many contexts there are."""
        return self._core.contexts

    @property
    def at_end(self) -> bool:
        """Whether the stream is just one of everything decoded so far.

        If not, after decoding all that was encoded, its bytes are not those that were written.
        """
        return self._core.at_end

    @property
    def is_certain(self) -> bool:
        """Whether all bits so far would be the same with any bytes behind the given ones.

        Of a stream that was cut anywhere, the bits are good as long as this holds.
        """
        return self._core.is_certain

    def decode(self, shape: Sequence[int] | int, contexts: ArrayLike | None = None) -> torch.Tensor:
        """The next bits.

        Args:
            shape: of the bits.
            contexts: as given to :meth:`BinaryEncoder.encode`.

        Returns:
            uint8 of that shape: zeros and ones.

        Raises:
            UsageError: an argument does not fit.
        """
        sides = a_shape(shape)
        return self._core.decode(_contexts(contexts, sides)).view(sides)

    def decode_raw(self, shape: Sequence[int] | int, bits: int) -> torch.Tensor:
        """The next raw values.

        Args:
            shape: of the values.
            bits: 1 … 32.

        Returns:
            int64 of that shape.

        Raises:
            UsageError: an argument does not fit.
        """
        size = whole_number("bits", bits, 1, 32)
        values = self._core.decode_raw(size, list(a_shape(shape)))
        return values.to(torch.int64).bitwise_and(2**32 - 1)


def _contexts(contexts: ArrayLike | None, shape: tuple[int, ...]) -> torch.Tensor:
    """int32 for each bit, flat."""
    if contexts is None:
        return torch.zeros(shape, dtype=torch.int32).flatten()
    given = int32(contexts, "contexts")
    covering(given, shape, "contexts")
    return given.expand(shape).flatten().contiguous()
