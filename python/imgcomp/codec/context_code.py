"""Codes whose probabilities depend on what was decoded before, computed in whole numbers alone.

A small network says for each value what mean and what scale to expect, given the groups of channels
and the half of the places that came before (see :func:`imgcomp.models.layers.entropy_model`); a
table for that scale and for the mean's fraction does the rest. One code has several rates: its
quality says how finely a latent is rounded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from imgcomp import _core
from imgcomp._checks import whole_number
from imgcomp.codec import pass_streams
from imgcomp.codec.binary import ProgressiveStream
from imgcomp.codec.context_network import BEST, ContextNetwork
from imgcomp.codec.runs import runs
from imgcomp.codec.tables import FrequencyTables, Table
from imgcomp.errors import CorruptStreamError, UsageError
from imgcomp.models.model import ArrayLike, as_tensor

USUAL = 60
"""The quality where none is asked for."""
NEAREST = 30.0
"""A fidelity with which no step away from the nearest number is ever worth it."""
_MAX_SYMBOL = 2**24
_NEARLY = 1e-3
"""Of a step: as near a value is a whole number."""


@dataclass(frozen=True)
class ContextCode:
    """Latents of whole numbers under a context network's probabilities.

    Attributes:
        shape: (C, H, W) of a latent. The network takes any H and W.
        log_gain: float32 (levels, C): how finely each channel is rounded at each level.
        fidelity: float32 (levels,): the logarithm of how many bits a squared error of 1 in the
            latent is worth at each level. Only an encoder looks at it.
        network: what it expects of each value.
        tables: one for each of its scales and fractions of a mean.
        objective: what the network was trained for, as `imgcomp.FitConfig` has it, or None where
            that is not known. Only an encoder that takes time looks at it.
        quality: 1 … 100, higher is better and larger.
    """

    shape: tuple[int, int, int]
    log_gain: torch.Tensor
    fidelity: torch.Tensor
    network: ContextNetwork
    tables: FrequencyTables
    objective: str | None = None
    quality: int = USUAL

    def __post_init__(self) -> None:
        """Checks the attributes.

        Raises:
            UsageError: they do not fit.
        """
        whole_number("quality", self.quality, 1, BEST)
        channels, levels = sum(self.network.groups), len(self.network.bias)
        if len(self.shape) != 3 or self.shape[0] != channels:
            raise UsageError(f"a network of {channels} channels does not fit {self.shape}")
        if tuple(self.log_gain.shape) != (levels, channels) or levels < 2:
            raise UsageError(
                f"gains must be (levels, {channels}) for the network's {levels} levels, at least "
                f"2, not {tuple(self.log_gain.shape)}"
            )
        if self.objective is not None:
            _core.check_objective(self.objective)
        if not bool(self.log_gain.isfinite().all()) or float(self.log_gain.abs().max()) > 20:
            raise UsageError("gains must be finite, e^−20 … e^20")
        if tuple(self.fidelity.shape) != (levels,) or not bool(self.fidelity.isfinite().all()):
            raise UsageError(f"fidelity must be finite, ({levels},), not {self.fidelity}")
        if len(self.tables) != self.network.core.tables:
            raise UsageError(
                f"the network's bins need {self.network.core.tables} tables, not {len(self.tables)}"
            )

    @property
    def level(self) -> float:
        """The quality's place between the levels, 0 … levels − 1."""
        return (self.quality - 1) * (len(self.log_gain) - 1) / (BEST - 1)

    @property
    def shares(self) -> torch.Tensor:
        """What each level has in this quality, (levels,)."""
        return (1.0 - (self.level - torch.arange(len(self.log_gain))).abs()).clamp(min=0.0)

    def at(self, quality: int) -> ContextCode:
        """The same code of another quality, 1 … 100."""
        return dataclasses.replace(self, quality=whole_number("quality", quality, 1, BEST))

    def of_size(self, height: int, width: int) -> ContextCode:
        """The same code of latents of another size."""
        return dataclasses.replace(self, shape=(self.shape[0], height, width))

    def symbols(self, codes: ArrayLike) -> torch.Tensor:
        """What is coded: codes ``(N, *shape)`` in whole steps, int32.

        Each value becomes the whole number below or above it, whichever costs less: its bits under
        the tables, and its error's by :attr:`fidelity`.
        """
        symbols = self._rounded(codes)
        for _ in self._weighed(codes, symbols):
            pass
        return symbols

    def steps(self, codes: ArrayLike) -> torch.Tensor:
        """Codes ``(N, *shape)`` in steps, so that whole numbers are what is coded, float32."""
        return self._scaled(codes)

    def values(self, symbols: torch.Tensor) -> torch.Tensor:
        """Codes of :meth:`symbols` or :meth:`steps`, float32."""
        return symbols.to(torch.float32) / self._gain()

    def encode(self, codes: ArrayLike) -> bytes:
        """Codes of any number of images as one stream.

        Args:
            codes: ``(N, *shape)``, floating point.

        Raises:
            UsageError: wrong shape or dtype, or values that are not finite.
        """
        given = as_tensor(codes, "codes")
        return self.encode_blocks(given, [len(given)])[0].data if len(given) else b""

    def decode(self, data: bytes, count: int) -> torch.Tensor:
        """The codes of a stream.

        Args:
            data: of :meth:`encode`.
            count: of images in it.

        Returns:
            ``(count, *shape)``, float32.

        Raises:
            CorruptStreamError: the bytes are no stream of so many codes.
            UsageError: an argument does not fit.
        """
        if whole_number("count", count, 0) == 0:
            if data:
                raise CorruptStreamError("a stream of no codes has no bytes")
            return torch.zeros(0, *self.shape)
        return self.decode_blocks([data], [count])

    def encode_blocks(self, codes: ArrayLike, counts: Sequence[int]) -> list[ProgressiveStream]:
        """Codes of several blocks, each as a stream of its own, on all of torch's threads.

        Args:
            codes: ``(N, *shape)``, floating point, of all blocks.
            counts: of images in each; N together.

        Raises:
            UsageError: wrong shape or dtype, or values that are not finite.
        """
        coded = list(self.coded(codes))
        streams: list[bytes] = []
        for count, number, first in runs(counts):
            span = slice(first, first + number * count)
            passes = [
                (tables[span].reshape(number, -1), rests[span].reshape(number, -1))
                for tables, rests in coded
            ]
            streams += pass_streams.encode(self.tables, passes)
        return [ProgressiveStream(stream, ()) for stream in streams]

    def decode_blocks(
        self, streams: Sequence[bytes], counts: Sequence[int], iterations: int | None = None
    ) -> torch.Tensor:
        """The codes of several streams, one after the other, on all of torch's threads.

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
        readers = list(pass_streams.readers(self.tables, streams, counts, self._passes))
        symbols = torch.zeros(sum(counts), *self.shape, dtype=torch.int32)
        for index in range(self._passes):
            tables, offsets = self._predicted(symbols, index)
            for span, number, reader in readers:
                found = reader.decode(tables[span].reshape(number, -1))
                values = found.reshape(offsets[span].shape).long() + offsets[span]
                if values.numel() and int(values.abs().max()) > _MAX_SYMBOL:
                    raise CorruptStreamError("the stream has values that no encoder writes")
                self._put(symbols[span], index, values.to(torch.int32))
        for _, _, reader in readers:
            reader.check_end()
        return self.values(symbols)

    def bits(self, codes: ArrayLike) -> float:
        """What codes cost under their tables, together.

        Raises:
            UsageError: wrong shape or dtype, or values that are not finite.
        """
        return sum(self.tables.bits(rests, tables) for tables, rests in self.coded(codes))

    def bits_of_each(self, codes: ArrayLike) -> torch.Tensor:
        """What each code costs under the tables, float64 (N,).

        Raises:
            UsageError: wrong shape or dtype, or values that are not finite.
        """
        found = torch.zeros(len(as_tensor(codes, "codes")), dtype=torch.float64)
        for tables, rests in self.coded(codes):
            found += self.tables.costs(rests, tables).flatten(1).sum(1, dtype=torch.float64)
        return found

    def coded(self, codes: ArrayLike) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """For each pass, the tables and the numbers that are coded under them.

        Args:
            codes: ``(N, *shape)``, floating point.

        Returns:
            int32 (N, channels, places) each.

        Raises:
            UsageError: wrong shape or dtype, or values that are not finite.
        """
        return self._weighed(codes, self._rounded(codes))

    def parts(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """What a codec's file says of the code, and its tensors; :meth:`from_parts` takes them."""
        network, tables = self.network, list(self.tables)
        described = {
            "kind": "context",
            "shape": list(self.shape),
            "precision": self.tables.precision,
            **({} if self.objective is None else {"objective": self.objective}),
            **{name: getattr(network, name) for name in _SETTINGS},
            "groups": list(network.groups),
            "bits": [list(bits) for bits in network.bits],
        }
        frequencies = [f for table in tables for f in table.frequencies]
        tensors = {
            "log_gain": self.log_gain,
            "fidelity": self.fidelity,
            "bias": network.bias,
            "frequencies": torch.tensor(frequencies, dtype=torch.int16),
            **{
                name: torch.tensor(values, dtype=torch.int32)
                for name, values in (
                    ("sizes", [len(table.frequencies) for table in tables]),
                    ("smallest", [table.smallest for table in tables]),
                    ("escapes", [table.escape for table in tables]),
                )
            },
            **network.weights,
        }
        return described, tensors

    @classmethod
    def from_parts(cls, described: dict[str, Any], tensors: dict[str, torch.Tensor]) -> ContextCode:
        """The code of :meth:`parts`.

        Raises:
            UsageError, KeyError, TypeError, ValueError: they are none.
        """
        others = ("log_gain", "fidelity", "bias", "frequencies", "sizes", "smallest", "escapes")
        network = ContextNetwork(
            groups=tuple(described["groups"]),
            bits=tuple((one, two, three) for one, two, three in described["bits"]),
            weights={name: t for name, t in tensors.items() if name not in others},
            bias=tensors["bias"],
            **{name: described[name] for name in _SETTINGS},
        )
        columns = [tensors[name].tolist() for name in ("sizes", "smallest", "escapes")]
        rows = torch.split(tensors["frequencies"], columns[0])
        tables = [
            Table(smallest, tuple(row.tolist()), escape)
            for row, smallest, escape in zip(rows, *columns[1:], strict=True)
        ]
        channels, height, width = described["shape"]
        return cls(
            (channels, height, width),
            tensors["log_gain"],
            tensors["fidelity"],
            network,
            FrequencyTables(tables, precision=described["precision"]),
            described.get("objective"),
        )

    @property
    def _passes(self) -> int:
        return self.network.core.passes

    def _gain(self) -> torch.Tensor:
        """(1, C, 1, 1), as the network's own layer computes it."""
        return (self.shares[:, None] * self.log_gain).sum(0).exp().view(1, -1, 1, 1)

    def _rounded(self, codes: ArrayLike) -> torch.Tensor:
        scaled = self._scaled(codes)
        if scaled.numel() and not float(scaled.abs().max()) < _MAX_SYMBOL:  # also where it is NaN
            raise UsageError("codes must be finite and less than 2^24 steps")
        return scaled.round().to(torch.int32).contiguous()

    def _scaled(self, codes: ArrayLike) -> torch.Tensor:
        given = self._checked(as_tensor(codes, "codes").detach())
        return given.to("cpu", torch.float32) * self._gain()

    def _weighed(
        self, codes: ArrayLike, symbols: torch.Tensor
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Chooses the symbols, at first rounded, in place, one pass after the other."""
        scaled = self._scaled(codes)
        worth = (self.shares * self.fidelity).sum().exp() / self._gain().square()
        for index in range(self._passes):
            tables, offsets = self._predicted(symbols, index)
            nearest = self._of_pass(symbols, index)
            beyond = self._of_pass(scaled, index) - nearest
            distance = beyond.abs()
            rests = nearest - offsets
            others = rests + beyond.sign().to(torch.int32)
            saved = self.tables.costs(rests, tables) - self.tables.costs(others, tables)
            lost = self._of_pass(worth.expand(1, *self.shape), index) * (1 - 2 * distance)
            # What was decoded once is coded again as it is.
            chosen = (saved > lost) & (distance > _NEARLY)
            rests = torch.where(chosen, others, rests)
            self._put(symbols, index, rests + offsets)
            yield tables, rests

    def _predicted(self, symbols: torch.Tensor, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.network.core.predict(symbols, index, self.network.bias_at(self.quality))

    def _of_pass(self, symbols: torch.Tensor, index: int) -> torch.Tensor:
        """The values of a pass, (N, channels, places)."""
        return self._channels(symbols, index)[:, :, self._places(index)]

    def _put(self, symbols: torch.Tensor, index: int, values: torch.Tensor) -> None:
        self._channels(symbols, index)[:, :, self._places(index)] = values

    def _channels(self, symbols: torch.Tensor, index: int) -> torch.Tensor:
        """The planes of a pass, (N, channels, H · W), as a view."""
        first = sum(self.network.groups[: index // 2])
        count = self.network.groups[index // 2]
        return symbols.narrow(1, first, count).flatten(2)

    def _places(self, index: int) -> torch.Tensor:
        _, height, width = self.shape
        parity = (torch.arange(height)[:, None] + torch.arange(width)) % 2
        return (parity == index % 2).flatten().nonzero().squeeze(1)

    def _checked(self, codes: torch.Tensor) -> torch.Tensor:
        if tuple(codes.shape[1:]) != self.shape or not codes.is_floating_point():
            raise UsageError(
                f"codes must be floating point of shape (N, *{self.shape}), not {codes.dtype} of "
                f"shape {tuple(codes.shape)}"
            )
        return codes


_SETTINGS = ("hidden", "kernel", "mean_bins", "scale_bins", "least_scale", "scale_step")


def quality_for(target: float, rate: Callable[[int], float]) -> int:
    """The highest quality whose rate is at most a target, or the lowest quality of all.

    Args:
        target: of what `rate` gives.
        rate: of a quality; rises with it.
    """
    low, high = 1, BEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if rate(middle) <= target else (low, middle - 1)
    return low
