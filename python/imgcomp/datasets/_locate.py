"""Finds a data set's files: the folder asked for, IMGCOMP_DATA, the user's cache, in this order.

Finding only looks at names; whether the files are what they should be is the reader's business,
so that a broken file is told of and never passed over for another source.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imgcomp.datasets._files import list_folder
from imgcomp.datasets._registry import ALL, DatasetInfo, normalise
from imgcomp.errors import CorruptDataError, DatasetNotFoundError

__all__ = ["Found", "cache_dir", "data_dir", "embedded_folder", "locate", "searched"]


@dataclass(frozen=True)
class Found:
    """Where a data set was found.

    Attributes:
        form: ``idx``, ``binary`` or ``python`` files, ``binary-tar`` or ``python-tar``.
        path: The folder that holds the files, or the archive.
        train: Training files, in order (IDX: images, labels; in an archive: names only).
        test: Test files.
        root: The folder that was searched.
    """

    form: Literal["idx", "binary", "python", "binary-tar", "python-tar"]
    path: Path
    train: tuple[Path, ...]
    test: tuple[Path, ...]
    root: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The files on disk."""
        return (self.path,) if self.form.endswith("-tar") else self.train + self.test


def cache_dir() -> Path:
    """The user's cache folder for downloads: IMGCOMP_CACHE, else the system's place for such."""
    if given := os.environ.get("IMGCOMP_CACHE"):
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("imgcomp")


def data_dir() -> Path | None:
    """The folder named by IMGCOMP_DATA, None where that is not set.

    Raises:
        DatasetNotFoundError: If it is set to something that is not a folder.
    """
    given = os.environ.get("IMGCOMP_DATA")
    if not given:
        return None
    path = Path(given).expanduser()
    if not path.is_dir():
        raise DatasetNotFoundError(
            f"IMGCOMP_DATA={given}: expected a folder that holds data sets, there is none; "
            "correct or unset it"
        )
    return path


def embedded_folder() -> Path:
    """The folder inside the package that holds the embedded data set."""
    return Path(__file__).parent / "digits"


def searched(info: DatasetInfo) -> str:
    """What is looked for in a folder, for messages."""
    if info.kind == "idx":
        return f"a folder {info.folder} with {', '.join(info.files)} (or the same without .gz)"
    return (
        f"a folder {info.folder} with {info.files[0]} and its fellows, or {info.python_folder}, "
        f"or one of the archives {', '.join(_archives(info))}"
    )


def locate(info: DatasetInfo, root: str | os.PathLike[str] | None = None) -> Found | None:
    """Search the places in order; with ``root`` only there.

    Raises:
        DatasetNotFoundError: If ``root`` is given and does not hold the data set.
        CorruptDataError: If a folder holds only a part of the data set's files.
        DatasetError: If a folder cannot be read.
    """
    if info.kind == "embedded":
        files = tuple(embedded_folder() / name for name in info.files)
        return Found("idx", embedded_folder(), files, (), embedded_folder())
    if root is not None:
        path = Path(root).expanduser()
        if path.is_file():
            found = _archive(info, path, path.parent)
        else:
            found = _in_root(info, path) if path.is_dir() else None
        if found is None:
            what = "holds no" if path.exists() else "does not exist, so it holds no"
            raise DatasetNotFoundError(
                f"{path}: {what} {info.name}; expected {searched(info)}; give the right folder, "
                "or leave it out to search IMGCOMP_DATA and the cache"
            )
        return found
    for place in (data_dir(), cache_dir()):
        if place is not None and place.is_dir() and (found := _in_root(info, place)):
            return found
    return None


def _in_root(info: DatasetInfo, root: Path) -> Found | None:
    """Search the folders named for the data set (the canonical name first), then ``root``."""
    is_named = named_for(info, root) or (root.name == "raw" and named_for(info, root.parent))
    folders = _nested(info, root, is_named)
    if is_named:
        folders.append(root)
    for folder in folders:
        if found := _in_folder(info, folder, root, whole_only=False):
            return found
    if not any(named_for(other, root) for other in ALL):
        return _in_folder(info, root, root, whole_only=True)
    return None


def _nested(info: DatasetInfo, folder: Path, is_named: bool, depth: int = 3) -> list[Path]:
    """Folders named for the set, each followed by such inside it.

    torchvision keeps ``MNIST/raw``; others unpack an archive into a folder named for the set.
    """
    found = []
    for inner in _named_folders(info, folder, *(("raw",) if is_named else ())):
        found.append(inner)
        if depth > 1:
            found += _nested(info, inner, True, depth - 1)
    return found


def named_for(info: DatasetInfo, folder: Path) -> bool:
    """Whether a folder has a name that people give to this data set's folder."""
    return normalise(folder.name) in info.folders


def _named_folders(info: DatasetInfo, root: Path, *more: str) -> list[Path]:
    names = (*info.folders, *more)
    found = [
        Path(entry.path)
        for entry in list_folder(root)
        if normalise(entry.name) in names and entry.is_dir()
    ]
    return sorted(found, key=lambda path: path.name != info.folder)


def _in_folder(info: DatasetInfo, folder: Path, root: Path, whole_only: bool) -> Found | None:
    if info.kind == "idx":
        files = _whole(folder, [_idx_spellings(name) for name in info.files], whole_only)
        return Found("idx", folder, files[:2], files[2:], root) if files else None
    for form, names in (("binary", info.files), ("python", info.python_files)):
        files = _whole(folder, [[name] for name in names], whole_only)
        if files and form == "binary":
            return Found("binary", folder, files[:-1], files[-1:], root)
        if files:
            return Found("python", folder, files[:-1], files[-1:], root)
    for name in _archives(info):
        if (folder / name).is_file() and (found := _archive(info, folder / name, root)):
            return found
    return None


def _idx_spellings(name: str) -> list[str]:
    """File names in use: as published, unpacked, and with a dot before ``idx``."""
    plain = name.removesuffix(".gz")
    dotted = plain.replace("-idx", ".idx")
    return [f"{plain}.gz", plain, f"{dotted}.gz", dotted]


def _whole(folder: Path, spellings: list[list[str]], whole_only: bool) -> tuple[Path, ...]:
    """The files of a set, none where none is there; a part of them is an error."""
    files = []
    missing = []
    for names in spellings:
        there = [folder / name for name in names if (folder / name).is_file()]
        files += there[:1]
        if not there:
            missing.append(names[0])
    if missing and files and not whole_only:
        raise CorruptDataError(
            f"{folder}: expected {missing[0]} beside {files[0].name}, it is not there; add the "
            "missing file"
        )
    return () if missing else tuple(files)


def _archives(info: DatasetInfo) -> list[str]:
    published = [name for name in info.checksums if name.endswith(".tar.gz")]
    return published + [name.removesuffix(".gz") for name in published]


def _archive(info: DatasetInfo, path: Path, root: Path) -> Found | None:
    """What an archive holds, told by its name."""
    if path.name not in _archives(info):
        return None
    binary = "-binary" in path.name
    folder = Path(info.folder if binary else info.python_folder)
    files = tuple(folder / name for name in (info.files if binary else info.python_files))
    return Found("binary-tar" if binary else "python-tar", path, files[:-1], files[-1:], root)
