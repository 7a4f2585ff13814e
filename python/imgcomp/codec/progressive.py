"""Cuts ``.imc`` files of progressive codes down to their first iterations, without decoding."""

from __future__ import annotations

import dataclasses
from typing import IO

from imgcomp._checks import whole_number
from imgcomp.codec.archive import Archive
from imgcomp.codec.container import Index
from imgcomp.errors import UsageError


def cut(archive: Archive, file: IO[bytes], iterations: int) -> None:
    """Writes the same images with fewer iterations.

    Args:
        archive: of a progressive code; its codec need not be here.
        file: open for writing bytes; not closed.
        iterations: to keep, 1 … as many as there are.

    Raises:
        UsageError: the code is not progressive, or has fewer iterations.
        CorruptStreamError: the file is damaged.
        OSError: the file cannot be written.
    """
    if not archive.iterations:
        raise UsageError(f"{archive!r} is not of a progressive code: it cannot be cut")
    kept = whole_number("iterations", iterations, 1, archive.iterations)
    header = dataclasses.replace(archive.header, iterations=kept)
    head = header.to_bytes()
    file.write(head)
    counts, sizes = [], []
    for number in range(archive.num_blocks):
        block = archive.block(number)
        parts = block.parts[:kept]
        data = dataclasses.replace(block, stream=block.stream[: parts[-1]], parts=parts)
        written = data.to_bytes(header)
        file.write(written)
        counts.append(block.count)
        sizes.append(len(written))
    file.write(Index(tuple(counts), tuple(sizes), len(head)).to_bytes())
