"""Static probabilities as integer tables, and the streams of symbols that they code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, cast

import torch

from imgcomp import _core
from imgcomp._checks import whole_number
from imgcomp.codec._inputs import a_shape, a_stream, covering, int32, whole_numbers
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike

_MAX_PRECISION = 14
_ESCAPE_BITS = 16
"""About what stands behind an escape."""
_INT32 = torch.iinfo(torch.int32)


class Table(NamedTuple):
    """One distribution.

    Attributes:
        smallest: The first symbol; the others follow it.
        frequencies: Of each symbol, at least 1, in units of 2^−precision.
        escape: Of all other numbers together; 0 where these cannot be coded.
    """

    smallest: int
    frequencies: tuple[int, ...]
    escape: int


class FrequencyTables:
    """A set of integer distributions over whole numbers, prepared for coding.

    Tables never change, are prepared once and can be used by any number of threads at a time. Make
    them with :meth:`from_counts` or :meth:`from_frequencies`.

    Where a method takes ``indexes``, they say by which table each symbol goes: whole numbers of a
    shape that broadcasts to that of the symbols as in NumPy, such as ``(C, 1, 1)`` for one table
    per channel. With a single table they may be left out.

    A stream does not say how many symbols it has, nor under which tables: both must be known. It
    has no check either: altered bytes give other symbols, or :class:`CorruptStreamError`.
    """

    def __init__(self, tables: Sequence[Table], *, precision: int = _MAX_PRECISION) -> None:
        """See :meth:`from_frequencies`."""
        for table in tables:
            for name, least, value in (
                ("smallest", _INT32.min, table.smallest),
                ("escape", 0, table.escape),
            ):
                whole_number(name, value, least)
        self._core = _core.FrequencyTables(
            torch.tensor([f for table in tables for f in table.frequencies], dtype=torch.int64),
            [len(table.frequencies) for table in tables],
            [table.smallest for table in tables],
            [table.escape for table in tables],
            whole_number("precision", precision, 1, _MAX_PRECISION),
        )
        self._first = _core.TablePattern(torch.zeros(1, dtype=torch.int32), len(self))

    @classmethod
    def from_counts(
        cls,
        counts: ArrayLike | Sequence[ArrayLike],
        *,
        smallest: int | Sequence[int] = 0,
        escape: bool | ArrayLike | Sequence[int] = True,
        precision: int = _MAX_PRECISION,
    ) -> FrequencyTables:
        """Fits tables to how often each symbol occurred.

        The frequencies are those that code the counted symbols in the fewest bits, of all that give
        each symbol at least 1 of 2^precision. They are found by integer arithmetic, and the same
        everywhere.

        Args:
            counts: whole numbers of at least 0: (A,) for one table, (T, A) for T, or a list of T
                of any lengths. A, with the escape, is at most 2^precision.
            smallest: the symbol that the first count is of; one for all tables, or T.
            escape: whether numbers outside a table can be coded, at the price of some raw bits.
                Whole numbers say how often they occurred, for all tables or each.
            precision: 1 … 14. Decoding needs 2^(precision + 1) bytes for each table.

        Returns:
            T tables.

        Raises:
            UsageError: an argument does not fit.
        """
        rows = _rows(counts, "counts")
        bits = whole_number("precision", precision, 1, _MAX_PRECISION)
        starts = _for_each(smallest, len(rows), "smallest")
        escapes = None if escape is False else _escapes(escape, len(rows))
        tables = []
        for i, row in enumerate(rows):
            if escapes is not None:
                row = torch.cat([row, row.new_tensor([escapes[i]])])
            fitted = _core.fit_frequencies(row, bits)
            last = 0 if escapes is None else fitted.pop()
            tables.append(Table(starts[i], tuple(fitted), last))
        return cls(tables, precision=bits)

    @classmethod
    def from_frequencies(
        cls,
        frequencies: ArrayLike | Sequence[ArrayLike],
        *,
        smallest: int | Sequence[int] = 0,
        escape: int | Sequence[int] = 0,
        precision: int = _MAX_PRECISION,
    ) -> FrequencyTables:
        """Takes tables as they are.

        Args:
            frequencies: whole numbers of at least 1: (A,), (T, A), or a list of T of any lengths.
            smallest: the symbol that the first frequency is of; one for all tables, or T.
            escape: the frequency of all other numbers together, 0 for none; one, or T.
            precision: each table sums up to 2^precision, its escape included.

        Returns:
            T tables.

        Raises:
            UsageError: an argument does not fit; names the table.
        """
        rows = _rows(frequencies, "frequencies")
        starts = _for_each(smallest, len(rows), "smallest")
        escapes = _for_each(escape, len(rows), "escape")
        tables = [
            Table(start, tuple(row.tolist()), last)
            for start, row, last in zip(starts, rows, escapes, strict=True)
        ]
        return cls(tables, precision=precision)

    @property
    def precision(self) -> int:
        """Frequencies are in units of 2^−precision."""
        return self._core.precision

    def __len__(self) -> int:
        """How many tables there are."""
        return len(self._core)

    def __getitem__(self, index: int) -> Table:
        """One of the tables.

        Raises:
            IndexError: there is none of that number.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"there are tables 0 … {len(self) - 1}, not {index}")
        smallest, frequencies, escape = self._core.table(index)
        return Table(smallest, tuple(frequencies), escape)

    def __iter__(self) -> Iterator[Table]:
        """The tables, one after the other."""
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (list(self), self.precision)

    def encode(self, symbols: ArrayLike, indexes: ArrayLike | None = None) -> bytes:
        """Codes symbols as one stream.

        Args:
            symbols: whole numbers in 32 bits, of any shape; int32 is not copied.
            indexes: the table of each; see above.

        Returns:
            The stream; empty for no symbols.

        Raises:
            CodecError: a table has neither a symbol nor an escape.
            UsageError: an argument does not fit.
        """
        given = int32(symbols, "symbols")
        return self._core.encode(self._pattern(indexes, given.shape), given)

    def decode(
        self, data: bytes, shape: Sequence[int] | int, indexes: ArrayLike | None = None
    ) -> torch.Tensor:
        """The symbols of a stream.

        Args:
            data: what :meth:`encode` returned.
            shape: of the symbols that were given to it.
            indexes: as given to it.

        Returns:
            int32 of that shape.

        Raises:
            CorruptStreamError: the bytes are no stream of so many symbols.
            UsageError: an argument does not fit.
        """
        sides = a_shape(shape)
        return self._core.decode(self._pattern(indexes, sides), a_stream(data), list(sides))

    def encode_batch(self, symbols: ArrayLike, indexes: ArrayLike | None = None) -> list[bytes]:
        """Codes each item of a batch as a stream of its own, on all of torch's threads.

        Args:
            symbols: (B, …), otherwise as for :meth:`encode`.
            indexes: of a shape that broadcasts to (B, …).

        Returns:
            B streams, each the one that :meth:`encode` gives for its item.

        Raises:
            CodecError: a table has neither a symbol nor an escape.
            UsageError: an argument does not fit.
        """
        given = int32(symbols, "symbols")
        if given.dim() == 0:
            raise UsageError("symbols must have a batch axis")
        return self._core.encode_batch(self._pattern(indexes, given.shape), given)

    def decode_batch(
        self,
        streams: Sequence[bytes],
        shape: Sequence[int] | int,
        indexes: ArrayLike | None = None,
    ) -> torch.Tensor:
        """The symbols of B streams of one shape, on all of torch's threads.

        Args:
            streams: what :meth:`encode_batch` returned.
            shape: of the symbols of one stream.
            indexes: as given to it; of a shape that broadcasts to ``(B, *shape)``.

        Returns:
            int32, of shape ``(B, *shape)``.

        Raises:
            CorruptStreamError: one is no stream of so many symbols.
            UsageError: an argument does not fit.
        """
        given = [a_stream(data, f"streams[{i}]") for i, data in enumerate(streams)]
        sides = (len(given), *a_shape(shape))
        return self._core.decode_batch(self._pattern(indexes, sides), given, list(sides))

    def open(self, streams: Sequence[bytes]) -> OpenStreams:
        """Short streams, to decode in several goes.

        Args:
            streams: what :meth:`encode` returned, less than 8192 bytes each: longer ones are none
                of these.

        Raises:
            UsageError: one is no bytes.
        """
        given = [a_stream(data, f"streams[{i}]") for i, data in enumerate(streams)]
        return OpenStreams(_core.OpenStreams(self._core, given), self._pattern)

    def bits(self, symbols: ArrayLike, indexes: ArrayLike | None = None) -> float:
        """What the symbols cost under their tables: Σ log2(2^precision / frequency).

        A stream is at most 0.1 % and 4 bytes longer.

        Args:
            symbols: as for :meth:`encode`.
            indexes: as for :meth:`encode`.

        Returns:
            Bits, the raw bits behind escapes included.

        Raises:
            CodecError: a table has neither a symbol nor an escape.
            UsageError: an argument does not fit.
        """
        given = int32(symbols, "symbols")
        return self._core.information(self._pattern(indexes, given.shape), given)

    def costs(self, symbols: torch.Tensor, indexes: torch.Tensor) -> torch.Tensor:
        """About what each symbol costs by itself, for encoders that choose between some.

        Args:
            symbols: whole numbers, of any dtype.
            indexes: the table of each, of the same shape.

        Returns:
            Bits, float32, of that shape; behind an escape always the same.
        """
        furthest = self._costs.shape[1] // 2
        place = symbols.clamp(-furthest, furthest).long() + furthest
        return self._costs[indexes.long(), place]

    @cached_property
    def _costs(self) -> torch.Tensor:
        """(T, 2 · furthest + 1): of each table's numbers, from −furthest on."""
        listed = list(self)
        ends = [max(-t.smallest, t.smallest + len(t.frequencies)) for t in listed]
        furthest = max(1, *ends)
        found = torch.empty(len(listed), 2 * furthest + 1)
        for row, table in zip(found, listed, strict=True):
            row.fill_(self.precision - math.log2(max(table.escape, 1)) + _ESCAPE_BITS)
            first = table.smallest + furthest
            frequencies = torch.tensor(table.frequencies, dtype=torch.float32)
            row[first : first + len(frequencies)] = self.precision - frequencies.log2()
        return found

    def _pattern(self, indexes: ArrayLike | None, shape: Sequence[int]) -> _core.TablePattern:
        if indexes is None:
            if len(self) > 1:
                raise UsageError(
                    f"indexes must say which of the {len(self)} tables each symbol goes by"
                )
            return self._first
        numbers = covering(int32(indexes, "indexes"), shape, "indexes")
        return _core.TablePattern(numbers, len(self)) if numbers.numel() else self._first


class OpenStreams:
    """Streams of :meth:`FrequencyTables.open`."""

    def __init__(self, core: _core.OpenStreams, pattern: Callable[..., _core.TablePattern]) -> None:
        self._core = core
        self._pattern = pattern

    def decode(self, shape: Sequence[int] | int, indexes: ArrayLike | None = None) -> torch.Tensor:
        """The next symbols of each stream, on all of torch's threads.

        Bytes that are no stream give some symbols, too; :meth:`check_end` tells.

        Args:
            shape: of the symbols of one stream.
            indexes: the table of each, of a shape that broadcasts to ``(B, *shape)``.

        Returns:
            int32, of shape ``(B, *shape)``.

        Raises:
            CorruptStreamError: an escape that no encoder writes.
            UsageError: an argument does not fit.
        """
        sides = (len(self._core), *a_shape(shape))
        return self._core.decode(self._pattern(indexes, sides), list(sides))

    def check_end(self) -> None:
        """Whether these are streams of just the symbols that were decoded.

        Raises:
            CorruptStreamError: one is not.
        """
        self._core.check_end()


def _rebuilt(tables: list[Table], precision: int) -> FrequencyTables:
    return FrequencyTables(tables, precision=precision)


def _rows(numbers: ArrayLike | Sequence[ArrayLike], what: str) -> list[torch.Tensor]:
    """Tables as a list of int64 (A,)."""
    if isinstance(numbers, (list, tuple)):
        rows = [whole_numbers(each, f"{what}[{i}]") for i, each in enumerate(numbers)]
    else:
        given = whole_numbers(cast(ArrayLike, numbers), what)
        rows = [given] if given.dim() == 1 else list(given)
    for row in rows:
        if row.dim() != 1:
            raise UsageError(f"{what} must be of shape (A,) for each table, not {tuple(row.shape)}")
    return [row.to(torch.int64).contiguous() for row in rows]


def _for_each(value: int | Sequence[int], count: int, what: str) -> list[int]:
    """One number for each table."""
    values = list(value) if isinstance(value, Sequence) else [value] * count
    if len(values) != count:
        raise UsageError(f"{what} must be one number or {count}, not {len(values)}")
    return [whole_number(what, each, _INT32.min) for each in values]


def _escapes(escape: bool | ArrayLike | Sequence[int], count: int) -> list[int]:
    if escape is True:
        return [0] * count
    if isinstance(escape, (list, tuple)):
        return [whole_number("escape", each, 0) for each in _for_each(escape, count, "escape")]
    given = whole_numbers(cast(ArrayLike, escape), "escape").flatten().tolist()
    if len(given) != count:
        raise UsageError(f"escape must be a flag or {count} counts, not {len(given)}")
    return [whole_number("escape", each, 0, 2**40) for each in given]
