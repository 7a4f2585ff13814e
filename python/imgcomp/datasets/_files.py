"""Reading and writing files so that every failure is told in one sentence naming the file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imgcomp.errors import DatasetError

__all__ = ["file_checksum", "human_size", "list_folder", "read_file", "reading"]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the system's errors about ``path`` into a `DatasetError` that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise DatasetError(
            f"{path}: cannot be read ({reason}); check that it is there and readable"
        ) from error


def read_file(path: Path, limit: int = 4 << 30) -> bytes:
    """All bytes of a file of at most ``limit`` bytes; a `DatasetError` naming it otherwise."""
    with reading(path):
        size = path.stat().st_size
        if size > limit:
            raise DatasetError(
                f"{path}: expected at most {human_size(limit)}, got {human_size(size)}; "
                "it is not a file of this kind"
            )
        return path.read_bytes()


def list_folder(path: Path) -> list[os.DirEntry[str]]:
    """A folder's entries sorted by name; a `DatasetError` that names it where that fails."""
    with reading(path), os.scandir(path) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def file_checksum(path: Path, algorithm: str) -> str:
    """Checksum of a file, such as ``sha256:…`` or ``md5:…``, read in pieces."""
    digest = hashlib.new(algorithm)
    with reading(path), path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return f"{algorithm}:{digest.hexdigest()}"


def human_size(size: float) -> str:
    """A number of bytes for people, such as ``25.2 MiB``."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
