"""Whole numbers of images under tables that were counted on training images, as one stream."""

from __future__ import annotations

import torch

from imgcomp.codec import FrequencyTables
from imgcomp.rd.quality import shares


def counted(symbols: torch.Tensor) -> FrequencyTables:
    """Tables for the columns of symbols, one each, with an escape for what did not occur.

    Args:
        symbols: whole numbers (N, V), N at least 1, of training images.
    """
    rows, starts = [], []
    for column in symbols.T.to(torch.int64):
        low = int(column.min())
        counts = torch.bincount(column - low)
        # As if each had been seen half a time more: a gap in the counts is no law.
        rows.append(2 * counts + 1)
        starts.append(low)
    escapes = [1] * len(rows)
    return FrequencyTables.from_counts(rows, smallest=starts, escape=escapes)


def stream_of(tables: FrequencyTables, symbols: torch.Tensor) -> tuple[bytes, torch.Tensor]:
    """One stream of the symbols of all images.

    Args:
        tables: of `counted`.
        symbols: whole numbers (N, V).

    Returns:
        The stream, and each image's share of its bytes, float64 (N,).
    """
    columns = torch.arange(symbols.shape[1])
    given = symbols.to(torch.int32)
    data = tables.encode(given, columns)
    each = [tables.bits(row, columns) for row in given]
    return data, shares(len(data), each)
