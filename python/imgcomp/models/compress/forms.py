"""The forms of a compressed weight matrix: what is free in it, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from imgcomp.errors import CheckpointError

Bytes = npt.NDArray[np.uint8]

_ESCAPE = 255  # a gap of 255 or more: add it and read on


@dataclass(frozen=True, eq=False)
class PrunedWeight:
    """A weight matrix of which few values are left.

    Written as 32-bit values, after their positions in the flattened matrix in the shorter of two
    ways: ``bitmap``, one bit for each place of the matrix; or ``gaps``, one byte for the number of
    zeros before each value, with a byte 255 for each 255 of them before it.

    Attributes:
        shape: (out, in).
        positions: int64 (n,), ascending, of the values that are left in the flattened matrix.
        values: float32 (n,).
    """

    shape: tuple[int, int]
    positions: torch.Tensor
    values: torch.Tensor

    @property
    def free(self) -> torch.Tensor:
        """What fine-tuning may change: the values."""
        return self.values

    def with_free(self, free: torch.Tensor) -> PrunedWeight:
        """The same positions with other values."""
        return replace(self, values=free)

    def build(self, free: torch.Tensor) -> torch.Tensor:
        """The matrix (out, in) of given values; differentiable."""
        flat = torch.zeros(self.shape[0] * self.shape[1], dtype=free.dtype)
        return flat.index_put((self.positions,), free).reshape(self.shape)

    def write(self) -> tuple[dict[str, Any], bytes]:
        """What the header has to say, and the bytes."""
        places = self.positions.numpy()
        gaps = _gaps(places)
        bitmap = np.zeros(self.shape[0] * self.shape[1], dtype=bool)
        bitmap[places] = True
        bits = np.packbits(bitmap)
        way, written = ("gaps", gaps) if gaps.size < bits.size else ("bitmap", bits)
        values = self.values.numpy().astype("<f4", copy=False)
        head = {"form": "pruned", "positions": way, "bytes": written.size, "values": values.size}
        return head, written.tobytes() + values.tobytes()

    @staticmethod
    def read(head: dict[str, Any], shape: tuple[int, int], raw: bytes) -> PrunedWeight:
        """Read what `write` wrote."""
        written = np.frombuffer(raw, np.uint8, count=head["bytes"])
        if head["positions"] == "bitmap":
            places = np.flatnonzero(np.unpackbits(written, count=shape[0] * shape[1]))
        else:
            ends = np.flatnonzero(written != _ESCAPE)
            places = written.astype(np.int64).cumsum()[ends] + np.arange(ends.size)
        values = np.frombuffer(raw, "<f4", offset=head["bytes"])
        if not places.size == values.size == head["values"] or places.max(initial=0) >= np.prod(
            shape
        ):
            raise CheckpointError("a pruned layer's positions and values do not belong together")
        return PrunedWeight(
            shape, torch.from_numpy(places), torch.from_numpy(values.astype(np.float32))
        )


def _gaps(places: npt.NDArray[np.int64]) -> Bytes:
    """Ascending positions as the numbers of places between them, in bytes with escapes."""
    zeros = np.diff(places, prepend=-1) - 1
    found = np.full(int((zeros // _ESCAPE + 1).sum()), _ESCAPE, dtype=np.uint8)
    found[(zeros // _ESCAPE + 1).cumsum() - 1] = zeros % _ESCAPE
    return found


@dataclass(frozen=True, eq=False)
class QuantizedWeight:
    """A weight matrix whose rows are put together from codewords: product quantisation.

    The columns are cut into groups of equal length; each group has a codebook of its own, and each
    row names one codeword in each group. Written as 32-bit codewords, and numbers of ⌈log₂
    codewords⌉ bits each without gaps.

    Attributes:
        shape: (out, in).
        codebooks: float32 (groups, codewords, length); groups · length = in.
        numbers: int64 (groups, out): each row's codeword in each group.
    """

    shape: tuple[int, int]
    codebooks: torch.Tensor
    numbers: torch.Tensor

    @property
    def free(self) -> torch.Tensor:
        """What fine-tuning may change: the codewords."""
        return self.codebooks

    def with_free(self, free: torch.Tensor) -> QuantizedWeight:
        """The same numbers with other codewords."""
        return replace(self, codebooks=free)

    def build(self, free: torch.Tensor) -> torch.Tensor:
        """The matrix (out, in) of given codewords; differentiable."""
        length = free.shape[2]
        index = self.numbers[:, :, None].expand(-1, -1, length)
        return free.gather(1, index).permute(1, 0, 2).reshape(self.shape)

    def write(self) -> tuple[dict[str, Any], bytes]:
        """What the header has to say, and the bytes."""
        groups, codewords, length = self.codebooks.shape
        packed = _pack(self.numbers, _bits(codewords))
        head = {"form": "product", "groups": groups, "codewords": codewords, "length": length}
        codebooks = self.codebooks.numpy().astype("<f4", copy=False)
        return head, codebooks.tobytes() + packed.tobytes()

    @staticmethod
    def read(head: dict[str, Any], shape: tuple[int, int], raw: bytes) -> QuantizedWeight:
        """Read what `write` wrote."""
        groups, codewords, length = head["groups"], head["codewords"], head["length"]
        count = groups * codewords * length
        codebooks = np.frombuffer(raw, "<f4", count=count).astype(np.float32)
        numbers = _unpack(raw[4 * count :], _bits(codewords), groups * shape[0])
        if groups * length != shape[1] or numbers.max(initial=0) >= codewords:
            raise CheckpointError("a quantised layer's codewords and numbers do not fit together")
        return QuantizedWeight(
            shape,
            torch.from_numpy(codebooks.reshape(groups, codewords, length)),
            torch.from_numpy(numbers.reshape(groups, shape[0])),
        )


@dataclass(frozen=True, eq=False)
class UniformWeight:
    """A weight matrix of 2^bits equally spaced values from its smallest to its largest.

    Written as these two in 32 bits, and numbers of `bits` bits each without gaps.

    Attributes:
        shape: (out, in).
        bits: Of each weight, 1 to 16.
        ends: float32 (2,): the smallest and the largest value.
        numbers: int64 (out, in), 0 to 2^bits − 1.
    """

    shape: tuple[int, int]
    bits: int
    ends: torch.Tensor
    numbers: torch.Tensor

    @property
    def free(self) -> torch.Tensor:
        """What fine-tuning may change: the ends."""
        return self.ends

    def with_free(self, free: torch.Tensor) -> UniformWeight:
        """The same numbers between other ends."""
        return replace(self, ends=free)

    def build(self, free: torch.Tensor) -> torch.Tensor:
        """The matrix (out, in) between given ends; differentiable."""
        share = self.numbers.to(free.dtype) / float(2**self.bits - 1)
        return free[0] * (1 - share) + free[1] * share

    def write(self) -> tuple[dict[str, Any], bytes]:
        """What the header has to say, and the bytes."""
        ends = self.ends.numpy().astype("<f4", copy=False)
        packed = _pack(self.numbers, self.bits)
        return {"form": "uniform", "bits": self.bits}, ends.tobytes() + packed.tobytes()

    @staticmethod
    def read(head: dict[str, Any], shape: tuple[int, int], raw: bytes) -> UniformWeight:
        """Read what `write` wrote."""
        ends = np.frombuffer(raw, "<f4", count=2).astype(np.float32)
        numbers = _unpack(raw[8:], head["bits"], shape[0] * shape[1])
        return UniformWeight(
            shape, head["bits"], torch.from_numpy(ends), torch.from_numpy(numbers.reshape(shape))
        )


def _pack(numbers: torch.Tensor, width: int) -> Bytes:
    """Numbers as `width` bits each, the highest first, without gaps."""
    column = numbers.numpy().reshape(-1, 1)
    return np.packbits((column >> np.arange(width - 1, -1, -1)) & 1)


def _unpack(raw: bytes, width: int, count: int) -> npt.NDArray[np.int64]:
    """What `_pack` packed."""
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=count * width)
    found = bits.reshape(-1, width) @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    return found.astype(np.int64)


def _bits(codewords: int) -> int:
    """Bits of a number below `codewords`; at least one, so that there is something to read."""
    return max(1, (codewords - 1).bit_length())


Weight = PrunedWeight | QuantizedWeight | UniformWeight
FORMS: dict[str, type[PrunedWeight] | type[QuantizedWeight] | type[UniformWeight]] = {
    "pruned": PrunedWeight,
    "product": QuantizedWeight,
    "uniform": UniformWeight,
}
