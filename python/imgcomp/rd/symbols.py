"""Whole numbers of images under tables that were counted on training images, as one stream."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from imgcomp.codec import FrequencyTables
from imgcomp.rd.quality import shares
from imgcomp.rd.sending import Sent, Stopped


class SymbolSender(ABC):
    """A `Sender` that makes whole numbers of images, and codes these by the package's coder."""

    def send(self, images: torch.Tensor, stopped: Stopped) -> Sent:
        """See `Sender`; sizes are of one stream of all images, without any header."""
        stopped()
        tables = counted(self._seen())
        symbols = self._symbols(images)
        data, each = stream_of(tables, symbols)
        read = tables.decode(data, symbols.shape, torch.arange(symbols.shape[1]))
        return Sent(self._images(read, images.shape), each, each)

    def images(self, images: torch.Tensor, stopped: Stopped) -> torch.Tensor:
        """See `Sender`."""
        stopped()
        return self._images(self._symbols(images), images.shape)

    @abstractmethod
    def _seen(self) -> torch.Tensor:
        """The numbers (N, V) of training images."""

    @abstractmethod
    def _symbols(self, images: torch.Tensor) -> torch.Tensor:
        """The numbers (N, V) of images, uint8 (N, C, H, W)."""

    @abstractmethod
    def _images(self, symbols: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """The images, uint8 of a shape (N, C, H, W), of numbers."""


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
