"""Writing files so that a reader sees the old file or the whole new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, moved into place at the end; gone after an error, or Ctrl-C.

    Its folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        # mkstemp's files are for the owner alone; give this one the usual permissions.
        os.chmod(part, 0o666 & ~_mask())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Writes through a temporary file in the same folder, which is made where it is missing."""
    with written_atomically(path) as file:
        file.write(data)


def write_text_atomically(path: Path, text: str) -> None:
    """The same for text, as UTF-8."""
    write_bytes_atomically(path, text.encode())


@contextlib.contextmanager
def folder_atomically(target: Path) -> Iterator[Path]:
    """A folder to write to, moved into place at the end; gone after an error, or Ctrl-C.

    Where the target is there and not empty, what was written is moved into it, file by file,
    replacing what has the same name.
    """
    place = target.resolve()
    with hidden_folder(place) as work:
        yield work
        try:
            work.rename(place)  # a missing or an empty folder: at one blow
        except OSError:
            if not place.is_dir():
                raise
            for file in [each for each in work.rglob("*") if not each.is_dir()]:
                goal = place / file.relative_to(work)
                goal.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, goal)


@contextlib.contextmanager
def hidden_folder(place: Path) -> Iterator[Path]:
    """A hidden folder beside another that is gone afterwards, unless it was moved."""
    place.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{place.name}-partial-", dir=place.parent))
    try:
        work.chmod(0o777 & ~_mask())  # mkdtemp's are for the owner alone
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
