"""What the command line shows and does about data sets: list, get, verify, path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from imgcomp.datasets._download import download, is_offline
from imgcomp.datasets._files import file_checksum, human_size, reading
from imgcomp.datasets._load import not_found, read
from imgcomp.datasets._locate import Found, cache_dir, locate
from imgcomp.datasets._registry import ALL, DatasetInfo, lookup
from imgcomp.datasets._split import Dataset
from imgcomp.errors import CorruptDataError, DatasetError, DatasetNotFoundError

__all__ = ["Item", "choose", "get", "inventory", "place", "verify"]


@dataclass(frozen=True)
class Item:
    """One line of ``imgcomp data list``.

    Attributes:
        name: Name of the data set.
        train: Number of training images.
        test: Number of test images.
        shape: (C, H, W).
        classes: Number of classes.
        where: Folder or archive that it is read from; None where it is not here.
        bytes: Size of its files; of the download where it is not here.
        problem: Why it cannot be used, such as a missing file; None where nothing is known.
    """

    name: str
    train: int
    test: int
    shape: tuple[int, int, int]
    classes: int
    where: str | None
    bytes: int
    problem: str | None

    def to_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self)

    def to_row(self) -> tuple[str, ...]:
        """As the table shows it."""
        where = self.problem or self.where or "not here"
        size = human_size(self.bytes)
        return (
            self.name,
            f"{self.train:,} + {self.test:,}",
            "x".join(str(s) for s in self.shape),
            str(self.classes),
            size if self.where else f"{size} to fetch",
            where,
        )


def choose(names: Sequence[str]) -> list[DatasetInfo]:
    """Data sets by name; ``all`` stands for every one.

    Raises:
        DatasetError: If a name is unknown.
    """
    chosen: list[DatasetInfo] = []
    for name in names:
        for info in ALL if name.casefold() == "all" else [lookup(name)]:
            if info not in chosen:
                chosen.append(info)
    return chosen


def inventory(root: Path | None) -> list[Item]:
    """Every data set with where it is found; files are looked at by name and size only."""
    items = []
    for info in ALL:
        found, problem = None, None
        try:
            found = locate(info, root)
        except DatasetNotFoundError:
            if root is None or not root.is_dir():  # the folder itself is not there
                raise
        except CorruptDataError as error:
            problem = str(error)
        size = sum(remote.size for remote in info.remote)
        if found is not None:
            size = sum(_size(file) for file in found.files)
        items.append(
            Item(
                info.name,
                *info.counts,
                info.image_shape,
                len(info.classes),
                str(found.path) if found else None,
                size,
                problem,
            )
        )
    return items


def get(
    info: DatasetInfo, root: Path | None, *, offline: bool | None, force: bool
) -> tuple[Path, bool]:
    """See that a data set is here and as published; fetch it where it is not.

    Args:
        info: The data set.
        root: Folder to fetch it into; None for the cache, where IMGCOMP_DATA has it not.
        offline: Never use the network; None as IMGCOMP_OFFLINE says.
        force: Fetch it even where it is.

    Returns:
        The folder or archive, and whether it was fetched.

    Raises:
        DatasetError: If it cannot be had, or is here but broken (and ``force`` is not given).
    """
    if info.kind != "embedded" and force and is_offline(offline):
        raise DatasetError(f"{info.name}: cannot both fetch it again (--force) and be offline")
    found = None
    if info.kind == "embedded" or not force:
        try:
            found = locate(info, root)
        except DatasetNotFoundError:
            if root is None or is_offline(offline) or root.is_file():
                raise
    fetched = found is None
    if found is None:
        if is_offline(offline):
            raise not_found(info)
        target = cache_dir() if root is None else root.expanduser()
        download(info, target)
        found = _whole(info, target)
    read(info, found)
    return found.path, fetched


def verify(info: DatasetInfo, root: Path | None, *, must_be_here: bool) -> list[str]:
    """Read a data set whole, compare it with the published one, and tell of every file.

    Args:
        info: The data set.
        root: Folder that holds it; None to search.
        must_be_here: Raise where it is not here, instead of saying so.

    Returns:
        Lines to show.

    Raises:
        DatasetError: If anything is not as published; names the file.
    """
    try:
        found = locate(info, root)
    except DatasetNotFoundError:
        if must_be_here or root is None or not root.is_dir():
            raise
        found = None
    if found is None:
        if must_be_here:
            raise not_found(info)
        return [f"{info.name}: not here"]
    dataset = read(info, found)
    lines = [f"{info.name}: content as published, {_counts(dataset)}"]
    for path in found.files:
        published = info.checksums.get(path.name, "sha256:")
        checksum = file_checksum(path, published.partition(":")[0])
        same = checksum == published
        lines.append(f"  {path}  {checksum}  {'published file' if same else 'packed otherwise'}")
    return lines


def place(info: DatasetInfo, root: Path | None) -> Path:
    """The folder or archive that a data set is read from.

    Raises:
        DatasetNotFoundError: If it is not here.
    """
    found = locate(info, root)
    if found is None:
        raise not_found(info)
    return found.path


def _whole(info: DatasetInfo, root: Path) -> Found:
    found = locate(info, root)
    assert found is not None  # locate with a root gives the files or raises
    return found


def _counts(dataset: Dataset) -> str:
    return f"{len(dataset.train):,} + {len(dataset.test):,} images"


def _size(file: Path) -> int:
    with reading(file):
        return file.stat().st_size
