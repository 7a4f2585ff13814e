"""Writes a data set as a folder of PNG or JPEG files, which `from_folder` reads back."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import torch

from imgcomp._files import hidden_folder
from imgcomp.datasets._files import list_folder
from imgcomp.datasets._image_file import as_picture
from imgcomp.datasets._manifest import MANIFEST, Manifest, folder_names, read_manifest
from imgcomp.datasets._split import Dataset, Split
from imgcomp.errors import CorruptDataError, DatasetError

__all__ = ["export"]

_FORMATS = {"png": "png", "jpg": "jpg", "jpeg": "jpg"}
_CHUNK = 200  # pictures that one thread writes at a time


def export(
    data: Dataset | Split,
    folder: str | os.PathLike[str],
    *,
    format: Literal["png", "jpg"] = "png",
    quality: int = 95,
    force: bool = False,
    jobs: int | None = None,
    progress: bool | None = None,
) -> Path:
    """Write a data set as pictures, one file each.

    A `Dataset` becomes ``train/CLASS/00000.png`` … and ``test/CLASS/00000.png`` …; a `Split`, or a
    data set without test images, becomes ``CLASS/00000.png`` …. Pictures are numbered in the order
    of the split, over all classes. Signs that a folder's name cannot hold are written as in
    addresses (``T-shirt%2Ftop``), and the note ``imgcomp.json`` keeps the classes' names and
    numbers: `from_folder` gives back the same images in the same order with the same labels and
    classes (of a split with ``test_fraction=0``); of PNG the very bytes, of JPEG what its loss
    leaves of them.

    Everything is written into a hidden folder beside the final one and moved there at the end.

    Args:
        data: What to write; images of 1 channel (gray) or 3 (RGB).
        folder: Where to; made where it is missing.
        format: ``png`` (lossless) or ``jpg`` (JPEG without chroma subsampling, 4:4:4).
        quality: Of JPEG, 1 to 100 as libjpeg has it.
        force: Write into a folder that is not empty: what an export puts there, and what an
            earlier one left there, is replaced; everything else stays.
        jobs: Threads; None for one per core.
        progress: Show a bar; None shows one in terminals and notebooks.

    Returns:
        The folder.

    Raises:
        DatasetError: There are no images, or images that are neither gray nor RGB; the folder is
            not empty or cannot be written to; an option has no such value.
    """
    target = Path(folder).expanduser()
    ending = _FORMATS.get(str(format).lower())
    if ending is None:
        raise DatasetError(f"expected the format png or jpg, got {format}")
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        raise DatasetError(f"expected a quality from 1 to 100, got {quality}")
    if jobs is not None and jobs < 1:
        raise DatasetError(f"expected at least 1 job, got {jobs}")
    parts = _parts(data)
    _check_target(target, force)
    classes = data.classes
    manifest = Manifest(classes, folder_names(classes), tuple(part for part in parts if part))
    options: dict[str, Any] = (
        {"format": "PNG"}
        if ending == "png"
        else {"format": "JPEG", "quality": quality, "subsampling": 0}
    )
    with _workplace(target) as work:
        tasks: list[Callable[[], None]] = []
        for part, split in parts.items():
            tasks += _tasks(split, work / part, manifest.folders, ending, options)
        _run(tasks, jobs or len(_cores()), progress, f"{target.name}: writing pictures")
        (work / MANIFEST).write_text(manifest.to_json(), "utf-8")
        _publish(work, target)
    return target


def _parts(data: Dataset | Split) -> dict[str, Split]:
    """Splits by the folder that they go to, "" for the target itself."""
    if isinstance(data, Split):
        parts = {"": data}
    elif isinstance(data, Dataset):
        parts = {"train": data.train, "test": data.test} if len(data.test) else {"": data.train}
    else:
        raise DatasetError(f"expected a Dataset or a Split to export, got {type(data).__name__}")
    for split in parts.values():
        if not len(split):
            raise DatasetError(f"{split.name}: expected images to export, got none")
        if split.image_shape[0] not in (1, 3):
            raise DatasetError(
                f"{split.name}: expected images of 1 channel (gray) or 3 (RGB) to export, got "
                f"{split.image_shape[0]}"
            )
    return parts


def _check_target(target: Path, force: bool) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir():
        raise DatasetError(f"{target}: expected a folder to write to, found a file")
    present = [entry.name for entry in list_folder(target)]
    if present and not force:
        raise DatasetError(
            f"{target}: expected an empty folder, found {present[0]} in it; choose another, or "
            "force (--force) to replace what an export writes"
        )


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


@contextlib.contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target that is gone afterwards, whatever happens."""
    try:
        with hidden_folder(target.resolve()) as work:
            yield work
    except OSError as error:
        raise DatasetError(
            f"{target}: cannot be written ({error.strerror or error}); make it writable and see "
            "that its disk has room"
        ) from error


def _tasks(
    split: Split, folder: Path, folders: tuple[str, ...], ending: str, options: dict[str, Any]
) -> list[Callable[[], None]]:
    """Functions that write the split's pictures, some hundred each."""
    for number in torch.unique(split.labels).tolist():
        (folder / folders[number]).mkdir(parents=True)
    digits = max(5, len(str(len(split) - 1)))

    def write(begin: int) -> None:
        images = split.images[begin : begin + _CHUNK].permute(0, 2, 3, 1).contiguous().numpy()
        labels = split.labels[begin : begin + _CHUNK].tolist()
        for index, (pixels, label) in enumerate(zip(images, labels, strict=True), start=begin):
            as_picture(pixels).save(
                folder / folders[label] / f"{index:0{digits}}.{ending}", **options
            )

    def task(begin: int) -> Callable[[], None]:
        return lambda: write(begin)

    return [task(begin) for begin in range(0, len(split), _CHUNK)]


def _run(
    tasks: list[Callable[[], None]], jobs: int, progress: bool | None, description: str
) -> None:
    """Call every function, some side by side; the first error ends it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    shown = progress or (progress is None and (console.is_terminal or console.is_jupyter))
    pool = ThreadPoolExecutor(jobs)
    try:
        with Progress(console=console, disable=not shown) as bars:
            bar = bars.add_task(description, total=len(tasks))
            for done in [pool.submit(task) for task in tasks]:
                done.result()
                bars.advance(bar)
    finally:
        pool.shutdown(cancel_futures=True)


def _publish(work: Path, target: Path) -> None:
    """Move a whole export to its place, or its parts into a folder that is there already."""
    try:
        work.rename(target)  # a missing or an empty folder: at one blow
        return
    except OSError:
        if not target.is_dir():
            raise
    parts = [entry.name for entry in list_folder(work) if entry.name != MANIFEST]
    try:
        earlier = read_manifest(target)
    except CorruptDataError:
        earlier = None
    old = [] if earlier is None else list(earlier.parts or earlier.folders)
    trash = Path(tempfile.mkdtemp(prefix=".replaced-", dir=work))
    # The note goes first and comes last: with it, the folder is whole.
    for name in [MANIFEST, *dict.fromkeys([*parts, *old])]:
        if (target / name).exists() or (target / name).is_symlink():
            (target / name).rename(trash / name)
    for name in [*parts, MANIFEST]:
        (work / name).rename(target / name)
