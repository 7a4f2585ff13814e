"""Blocks of equal size that follow one another, which are coded together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby


def runs(counts: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """For each run of equal counts: images of each block, how many blocks, the first image."""
    first = 0
    for count, same in groupby(counts):
        number = len(list(same))
        yield count, number, first
        first += number * count
