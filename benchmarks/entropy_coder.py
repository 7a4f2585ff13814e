"""The entropy coder against constriction and CompressAI's rANS, on one core, both directions.

Symbols are drawn from two-sided geometric distributions; all three get the same tables, made once
and outside the clock, and whole arrays at once:

- constriction: ``AnsCoder`` with prepared ``Categorical`` models; with several tables the symbols
  of a table lie together and go by one call for each table, which its documentation recommends.
- CompressAI: ``RansEncoder.encode_with_indexes`` and ``RansDecoder.decode_with_indexes``, which
  take lists; these are made outside the clock.

Seconds are processor time of the one thread, so that other programs do not count; all take turns in
one process, and every decoded stream is compared with what was encoded.

    pip install constriction compressai
    python benchmarks/entropy_coder.py [--repeats 9] [--json]

CompressAI's extension ``ans`` is taken alone where it can be imported without its package.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
import torch
from _common import RESULTS, Run, measure, report

from imgcomp.codec import FrequencyTables

try:
    import ans
except ImportError:
    from compressai import ans


@dataclass(frozen=True)
class Case:
    """`count` symbols of −reach … reach, with as many tables."""

    name: str
    count: int
    reach: int
    tables: int = 1
    rounds: int = 1  # work in one timing, so that short streams can be timed


CASES = (
    Case("3 symbols, 1 table", 1_000_000, 1),
    Case("15 symbols, 1 table", 1_000_000, 7),
    Case("201 symbols, 1 table", 1_000_000, 100),
    Case("2001 symbols, 1 table", 1_000_000, 1000),
    Case("31 symbols, 64 tables", 1_000_000, 15, tables=64),
    Case("15 symbols, stream of 30,000", 30_000, 7, rounds=10),
    Case("15 symbols, stream of 500", 500, 7, rounds=100),
)
PRECISION = 14


class Ours:
    """The tables and streams of imgcomp."""

    def __init__(self, case: Case) -> None:
        place = np.abs(np.arange(-case.reach, case.reach + 1))
        scale = case.reach / 4 * (1 + np.arange(case.tables) / case.tables)
        counts = 1 + (1e6 * np.exp(-place / scale[:, None])).astype(np.int64)
        self.tables = FrequencyTables.from_counts(counts, smallest=-case.reach, precision=PRECISION)
        generator = np.random.default_rng(0)
        each = case.count // case.tables
        shares = [np.array(table.frequencies, dtype=float) for table in self.tables]
        self.symbols = np.stack(
            [generator.choice(place.size, each, p=s / s.sum()) - case.reach for s in shares]
        ).astype(np.int32)
        self.indexes = torch.arange(case.tables, dtype=torch.int32)[:, None]
        self.given = self.indexes if case.tables > 1 else None
        self.tensor = torch.from_numpy(self.symbols)

    def encode(self) -> bytes:
        return self.tables.encode(self.tensor, self.given)

    def decode(self, data: bytes) -> np.ndarray:
        return self.tables.decode(data, self.symbols.shape, self.given).numpy()


class Constriction:
    """The same tables as its models."""

    def __init__(self, ours: Ours, reach: int) -> None:
        self.places = ours.symbols + reach
        self.reach = reach
        self.models = []
        for table in ours.tables:
            shares = np.array(table.frequencies, dtype=np.float32)
            self.models.append(
                constriction.stream.model.Categorical(shares / shares.sum(), perfect=False)
            )

    def encode(self) -> np.ndarray:
        coder = constriction.stream.stack.AnsCoder()
        for places, model in zip(self.places[::-1], self.models[::-1], strict=True):
            coder.encode_reverse(places, model)
        return coder.get_compressed()

    def decode(self, data: np.ndarray) -> np.ndarray:
        coder = constriction.stream.stack.AnsCoder(data)
        rows = [coder.decode(model, self.places.shape[1]) for model in self.models]
        return np.stack(rows) - self.reach


class CompressAI:
    """The same tables as its distribution functions, which are of 16 bits."""

    def __init__(self, ours: Ours, reach: int) -> None:
        self.shape = ours.symbols.shape
        self.symbols = ours.symbols.ravel().tolist()
        self.indexes = np.broadcast_to(ours.indexes.numpy(), self.shape).ravel().tolist()
        self.cdfs = []
        for table in ours.tables:
            frequencies = np.array([*table.frequencies, table.escape]) << (16 - PRECISION)
            self.cdfs.append([0, *np.cumsum(frequencies).tolist()])
        self.sizes = [len(cdf) for cdf in self.cdfs]
        self.offsets = [-reach] * len(self.cdfs)

    def encode(self) -> bytes:
        return ans.RansEncoder().encode_with_indexes(
            self.symbols, self.indexes, self.cdfs, self.sizes, self.offsets
        )

    def decode(self, data: bytes) -> list[int]:
        return ans.RansDecoder().decode_with_indexes(
            data, self.indexes, self.cdfs, self.sizes, self.offsets
        )


def timed(work: Callable[[], Any], rounds: int, quality: float) -> Callable[[int], Run]:
    """Processor seconds of one call; the quality is known beforehand."""

    def run(_repeat: int) -> Run:
        start = time.thread_time()
        for _ in range(rounds):
            work()
        return Run((time.thread_time() - start) / rounds, quality)

    return run


def compare(case: Case, repeats: int) -> list[dict[str, Any]]:
    """Both directions against both peers."""
    ours = Ours(case)
    stream = ours.encode()
    if not np.array_equal(ours.decode(stream), ours.symbols):
        raise SystemExit(f"{case.name}: our decoder gives other symbols")
    rows = []
    for name, peer in (
        ("constriction", Constriction(ours, case.reach)),
        ("CompressAI", CompressAI(ours, case.reach)),
    ):
        theirs = peer.encode()
        if not np.array_equal(np.reshape(peer.decode(theirs), ours.symbols.shape), ours.symbols):
            raise SystemExit(f"{case.name}: the decoder of {name} gives other symbols")
        length = theirs.nbytes if isinstance(theirs, np.ndarray) else len(theirs)
        bits, their_bits = 8 * len(stream) / ours.symbols.size, 8 * length / ours.symbols.size
        for direction, work, peer_work in (
            ("encode", ours.encode, peer.encode),
            ("decode", lambda: ours.decode(stream), lambda p=peer, s=theirs: p.decode(s)),
        ):
            pair = measure(
                f"{case.name}: {direction}, {name}",
                timed(work, case.rounds, bits),
                timed(peer_work, case.rounds, their_bits),
                repeats,
            )
            rows.append(pair.summary(ours.symbols.size))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="write results/benchmarks/")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for case in CASES for row in compare(case, arguments.repeats)]
    report(
        "entropy coding under static tables, one core, symbols a second",
        rows,
        RESULTS / "entropy_coder.json" if arguments.json else None,
        quality="bits per symbol",
        notes=["Images stand for symbols; seconds are processor time of the one thread."],
    )


if __name__ == "__main__":
    main()
