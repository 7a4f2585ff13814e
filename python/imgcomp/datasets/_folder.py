"""Makes a data set of a folder of pictures, with the folder's subfolders as classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from imgcomp.datasets._arrays import with_test
from imgcomp.datasets._files import list_folder
from imgcomp.datasets._image_file import SUFFIXES, Picture, as_channels, read_picture
from imgcomp.datasets._manifest import MANIFEST, Manifest, read_manifest
from imgcomp.datasets._split import Dataset, Split
from imgcomp.errors import DatasetError, DatasetNotFoundError

__all__ = ["from_folder"]

# Notes that people and systems leave beside pictures.
_IGNORED = frozenset({".csv", ".db", ".htm", ".html", ".ini", ".json", ".md", ".txt", ".xml"})
_UNLABELLED = "image"

Listing = list[tuple[Path, str]]


def from_folder(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    background: tuple[int, int, int] | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Make a data set of a folder of pictures.

    The folder holds one subfolder for each class; or ``train`` and ``test`` with such subfolders
    in each; or pictures only, which are then images without labels (one class, ``image``). Classes
    and files are taken in the order of their names. Files ending in .png, .jpg, .jpeg, .bmp, .gif,
    .tif, .tiff, .webp, .ppm, .pgm, .pbm or .pnm are read; hidden files and notes (.txt, .csv, .json
    and the like) are passed over; anything else is refused. Where `export` made the folder, its
    note ``imgcomp.json`` gives the classes their names and numbers, and files are taken in the
    order of their names over all classes, as they were in the data set.

    Pictures become 8-bit gray or RGB by these rules:

    - EXIF rotation and mirroring are applied. Colour profiles and gamma are left aside.
    - Palettes are resolved; one that uses shades of gray only gives a gray picture.
    - Black-and-white becomes 0 and 255. Gray of 16 bits is scaled by 255/65535, halves rounded up.
    - An alpha channel that is opaque everywhere is dropped. Transparent pixels are refused, unless
      ``background`` gives the colour to put behind them.
    - Refused, naming the file: colour of 16 bits a channel, CMYK, Lab, floating point, several
      frames, broken files. Of a camera's MPO file the first picture is taken.
    - All pictures must have one size, unless ``size`` is given.
    - If all pictures are gray the images have one channel, else three, and gray is repeated.

    Args:
        path: The folder.
        size: Height and width to bring every picture to: scaled with a Lanczos filter until it
            covers this size, then cut around the centre. None: all must have the same size.
        channels: 1 to turn colour into gray (ITU-R 601 luma), 3 to repeat gray; None: as above.
        background: Red, green and blue (0 to 255) to put behind transparent pixels.
        test_fraction: Without a ``test`` folder, the share of images that become test images,
            chosen at random with every class's share kept; 0 for none.
        seed: Seed of that choice.
        name: Name of the data set; None for the folder's.

    Raises:
        DatasetNotFoundError: If there is no such folder.
        CorruptDataError: If a file is broken; names it.
        DatasetError: If a file cannot be converted by the rules, sizes differ, or the folder is
            laid out in another way; names the file or folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing"
        raise DatasetNotFoundError(f"{folder}: expected a folder of pictures, there is {what}")
    _check_options(size, channels, background)
    name = name or folder.resolve().name
    parts, classes = listed(folder)
    pictures = {
        part: [_sized(read_picture(file, background), size) for file, _ in listing]
        for part, listing in parts.items()
    }
    every = [picture for part in pictures.values() for picture in part]
    _check_sizes(every)
    gray = all(p.is_gray for p in every) if channels is None else channels == 1
    splits = {
        part: _split(pictures[part], listing, classes, gray, f"{name}/{part}")
        for part, listing in parts.items()
    }
    if "test" in splits:
        return Dataset(name, splits["train"], splits["test"])
    return with_test(splits["train"], name, test_fraction, seed)


def _check_options(
    size: tuple[int, int] | None,
    channels: int | None,
    background: tuple[int, int, int] | None,
) -> None:
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise DatasetError(f"expected size=(height, width) of at least 1, got {size}")
    if channels not in (None, 1, 3):
        raise DatasetError(f"expected channels to be 1, 3 or None, got {channels}")
    if background is not None and (
        len(background) != 3 or not all(isinstance(v, int) and 0 <= v <= 255 for v in background)
    ):
        raise DatasetError(
            f"expected background=(red, green, blue) from 0 to 255, got {background}"
        )


def listed(folder: Path) -> tuple[dict[str, Listing], list[str]]:
    """The pictures of a folder as `from_folder` takes them, none of them read yet.

    Returns:
        For each part (``train`` and perhaps ``test``), in its order, each file with its class; and
        the classes, in the order of their numbers.

    Raises:
        DatasetError: The folder is laid out in another way; names what is wrong.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        return _exported_parts(folder, manifest), list(manifest.classes)
    parts = _parts(folder)
    return parts, sorted({label for listing in parts.values() for _, label in listing})


def _parts(folder: Path) -> dict[str, Listing]:
    """Files and their class names, for ``train`` and, where there is such a folder, ``test``."""
    subfolders = {f.name: f for f in _subfolders(folder)}
    if set(subfolders) == {"train", "test"}:
        return {part: _listing(subfolders[part]) for part in ("train", "test")}
    return {"train": _listing(folder)}


def _exported_parts(folder: Path, manifest: Manifest) -> dict[str, Listing]:
    """The same for a folder that `export` made: names from its note, order from the files'."""
    parts = {}
    names = dict(zip(manifest.folders, manifest.classes, strict=True))
    for part, inside in [(part, folder / part) for part in manifest.parts] or [("train", folder)]:
        listing = []
        for file, label in _listing(inside):
            if label not in names:
                raise DatasetError(
                    f"{file.parent}: expected a class folder that {folder / MANIFEST} names, got "
                    "another; move it away, or remove that file to take folders' names as classes"
                )
            listing.append((file, names[label]))
        parts[part] = sorted(listing, key=lambda entry: (entry[0].stem, entry[0]))
    return parts


def _listing(folder: Path) -> Listing:
    classes = _subfolders(folder)
    files = _files(folder)
    if classes and files:
        raise DatasetError(
            f"{folder}: expected either pictures or one folder for each class, got both "
            f"({files[0].name} and {classes[0].name}/); move the pictures into class folders"
        )
    if not classes and not files:
        raise DatasetError(f"{folder}: expected pictures, got none")
    if files:
        return [(file, _UNLABELLED) for file in files]
    listing: Listing = []
    for label in classes:
        deeper = _subfolders(label)
        if deeper:
            raise DatasetError(
                f"{deeper[0]}: expected pictures only in the class folder {label.name}, got a "
                "folder; move its pictures up or away"
            )
        inside = _files(label)
        if not inside:
            raise DatasetError(f"{label}: expected pictures in every class folder, got none")
        listing += [(file, label.name) for file in inside]
    return listing


def _subfolders(folder: Path) -> list[Path]:
    return [
        Path(entry.path)
        for entry in list_folder(folder)
        if entry.is_dir() and not entry.name.startswith((".", "__"))
    ]


def _files(folder: Path) -> list[Path]:
    files = []
    for entry in list_folder(folder):
        file = Path(entry.path)
        suffix = file.suffix.lower()
        if entry.is_dir() or entry.name.startswith(".") or suffix in _IGNORED:
            continue
        if suffix not in SUFFIXES:
            raise DatasetError(
                f"{file}: expected pictures ({' '.join(sorted(SUFFIXES))}) and notes only; "
                "convert it or move it away"
            )
        files.append(file)
    return files


def _sized(picture: Picture, size: tuple[int, int] | None) -> Picture:
    """The picture scaled to cover ``size`` and cut to it around the centre."""
    if size is None or picture.size == size:
        return picture
    from PIL import Image, ImageOps

    height, width = size
    fitted = ImageOps.fit(
        Image.fromarray(picture.pixels), (width, height), Image.Resampling.LANCZOS
    )
    return Picture(picture.path, np.array(fitted))


def _check_sizes(pictures: Sequence[Picture]) -> None:
    first = pictures[0]
    for other in pictures:
        if other.size != first.size:
            raise DatasetError(
                f"{other.path}: expected {first.size[0]}x{first.size[1]} (height x width) as "
                f"{first.path} has, got {other.size[0]}x{other.size[1]}; say size=(height, width) "
                "to scale and cut all pictures to one size"
            )


def _split(
    pictures: Sequence[Picture], listing: Listing, classes: list[str], gray: bool, name: str
) -> Split:
    stacked = np.stack([as_channels(picture.pixels, gray) for picture in pictures])
    numbers = {label: number for number, label in enumerate(classes)}
    labels = torch.tensor([numbers[label] for _, label in listing], dtype=torch.int64)
    return Split(torch.from_numpy(stacked), labels, tuple(classes), name)
