"""Photographs of full size, of one or several sizes: Kodak's, or a folder of one's own; and tiles.

Data sets have images of one size with labels; these have neither. Nothing is downloaded: Kodak's
pictures have no home that publishes checksums.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from imgcomp.datasets._files import list_folder
from imgcomp.datasets._image_file import SUFFIXES, Picture, read_picture
from imgcomp.datasets._locate import cache_dir, data_dir
from imgcomp.errors import CorruptDataError, DatasetError, DatasetNotFoundError

__all__ = ["Photographs", "from_tiles", "kodak", "photographs", "tiles"]

_KODAK = {
    "kodim03": "eeb402808f83f3b349f9600592bd2b9bcf120382da2d92d17e35a7e6bedc8ed7",
    "kodim04": "6c8a08f5a9f4c7ab347cf43a22e2b2538b877f4ac5beca2c9d37d666554fc6de",
    "kodim05": "19df479903b2f38beea433cb39799c1c0bbd09e1a43232ff1529f2b6fedd8b21",
    "kodim08": "0c96b4c1ea33f2e6eab7772ba857e90243d43e2ba613baaffedf0a382234b167",
    "kodim13": "d32a9bbd4826430d7a2cec37b72f68810c5c38e1dfddb461674e62ebc2b59d26",
    "kodim15": "17ed30fdfbc4396c3b382c6746d2614272b10097e83fb6ecc3b1ed586c0a3ac3",
    "kodim19": "fa84d9e28192549968329b23b67c7f6f9f1fc4b0ab8de3167cd853576f0c9c65",
    "kodim23": "9fac5bac80eabc426a07029e93dffc32ea2bc3ed41c12eb67332d595fba0bbea",
}
"""SHA-256 of ``HxW`` and the pixels, rows first, red, green, blue; two independent copies agree."""


@dataclass(frozen=True, eq=False, repr=False)
class Photographs:
    """Colour photographs, each of its own size.

    Attributes:
        images: uint8 (3, H, W) each, contiguous, values 0 to 255.
        names: One for each, without a suffix.
        name: Where they come from, such as ``kodak``.

    Raises:
        DatasetError: If there are none, or shapes, types or numbers do not fit.
    """

    images: tuple[torch.Tensor, ...]
    names: tuple[str, ...]
    name: str = "photographs"
    _fingerprint: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if not self.images or len(self.images) != len(self.names):
            raise DatasetError(
                f"{self.name}: expected photographs and a name for each, got {len(self.images)} "
                f"and {len(self.names)}"
            )
        for image, name in zip(self.images, self.names, strict=True):
            if image.dtype != torch.uint8 or image.dim() != 3 or image.shape[0] != 3:
                raise DatasetError(
                    f"{self.name}: expected {name} as uint8 of shape (3, H, W), got {image.dtype} "
                    f"of shape {tuple(image.shape)}"
                )
        object.__setattr__(self, "images", tuple(image.contiguous() for image in self.images))
        object.__setattr__(self, "names", tuple(self.names))

    def __len__(self) -> int:
        """Number of photographs."""
        return len(self.images)

    def __repr__(self) -> str:
        """For people, such as ``Photographs('kodak', 8)``."""
        return f"Photographs({self.name!r}, {len(self)})"

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) over shapes and pixels in their order; computed once."""
        if not self._fingerprint:
            digest = hashlib.sha256(b"imgcomp photographs 1\n")
            for image in self.images:
                digest.update(("x".join(str(s) for s in image.shape) + "\n").encode())
                digest.update(image.numpy().reshape(-1).data)
            self._fingerprint.append(digest.hexdigest())
        return self._fingerprint[0]

    def take(self, n: int) -> Photographs:
        """The first ``n`` photographs.

        Raises:
            DatasetError: If there are fewer than ``n``, or none are asked for.
        """
        if not 1 <= n <= len(self):
            raise DatasetError(f"{self.name}: expected 1 to {len(self)} photographs, asked for {n}")
        return Photographs(self.images[:n], self.names[:n], self.name)

    def cropped(self, side: int) -> Photographs:
        """The photographs cut around the centre to whole multiples of ``side`` pixels.

        Raises:
            DatasetError: If one is smaller than that.
        """
        cut = []
        for image, name in zip(self.images, self.names, strict=True):
            _, height, width = image.shape
            high, wide = height // side * side, width // side * side
            if not high or not wide:
                raise DatasetError(
                    f"{self.name}: expected photographs of at least {side}x{side} pixels, {name} "
                    f"has {height}x{width}"
                )
            top, left = (height - high) // 2, (width - wide) // 2
            cut.append(image[:, top : top + high, left : left + wide])
        return Photographs(tuple(cut), self.names, self.name)


def kodak(root: str | os.PathLike[str] | None = None) -> Photographs:
    """Eight of the 24 Kodak photographs, 768x512 or 512x768, known by their content.

    Eastman Kodak Company, released for unrestricted use. They are numbers 3, 4, 5, 8, 13, 15, 19
    and 23, always all eight, so that figures compare. Looked for as ``kodak/kodim03.png`` and so
    on in ``root``, else in IMGCOMP_DATA, else in the cache; never downloaded.

    Args:
        root: A folder that holds the folder ``kodak``, or that folder itself; no other place is
            tried then.

    Raises:
        DatasetNotFoundError: If one of them is in none of these places.
        CorruptDataError: If a file is broken, or its pixels are not the known ones.
    """
    places = [Path(root).expanduser()] if root is not None else [data_dir(), cache_dir()]
    folders = [place / "kodak" for place in places if place is not None]
    if root is not None:
        folders.append(Path(root).expanduser())
    for folder in folders:
        files = {name: folder / f"{name}.png" for name in _KODAK}
        there = [name for name, file in files.items() if file.is_file()]
        if len(there) == len(files):
            return Photographs(
                tuple(_known(name, file) for name, file in files.items()), tuple(files), "kodak"
            )
        if there:
            missing = next(name for name in files if name not in there)
            raise DatasetNotFoundError(
                f"{folder}: expected {missing}.png beside {there[0]}.png, it is not there; add it"
            )
    raise DatasetNotFoundError(
        f"the Kodak photographs are not here: looked for {', '.join(f'{n}.png' for n in _KODAK)} "
        f"in {' and '.join(str(folder) for folder in folders)}; put them into a folder kodak and "
        "set IMGCOMP_DATA to the folder above"
    )


def _known(name: str, file: Path) -> torch.Tensor:
    picture = read_picture(file)
    height, width = picture.size
    digest = hashlib.sha256(f"{height}x{width}".encode())
    digest.update(np.ascontiguousarray(picture.pixels).data)
    if digest.hexdigest() != _KODAK[name]:
        raise CorruptDataError(
            f"{file}: expected the pixels of Kodak's {name}, got others; the file is altered: "
            "replace it"
        )
    return _planes(picture)


def photographs(path: str | os.PathLike[str]) -> Photographs:
    """A folder's pictures as colour photographs, in the order of the files' names.

    Files that are no pictures are left aside; gray ones get three equal planes. The rules for what
    is read are those of `from_folder`.

    Raises:
        DatasetNotFoundError: If there is no such folder.
        CorruptDataError: If a file is broken; names it.
        DatasetError: If there is no picture in it, or one that the rules refuse.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing"
        raise DatasetNotFoundError(f"{folder}: expected a folder of pictures, there is {what}")
    files = [
        Path(entry.path)
        for entry in list_folder(folder)
        if entry.is_file() and Path(entry.name).suffix.lower() in SUFFIXES
    ]
    if not files:
        raise DatasetError(f"{folder}: expected pictures, got none")
    images = tuple(_planes(read_picture(file)) for file in files)
    return Photographs(images, tuple(file.stem for file in files), folder.resolve().name)


def _planes(picture: Picture) -> torch.Tensor:
    pixels = torch.from_numpy(np.array(picture.pixels))
    if picture.is_gray:
        return pixels.expand(3, -1, -1).contiguous()
    return pixels.permute(2, 0, 1).contiguous()


def tiles(image: torch.Tensor, side: int = 32) -> torch.Tensor:
    """An image cut into squares, row by row.

    Args:
        image: (C, H, W), any dtype.
        side: Of a square, in pixels.

    Returns:
        (N, C, side, side), N = H / side · W / side.

    Raises:
        DatasetError: The image's sides are no multiples of ``side``.
    """
    channels, height, width = image.shape
    if side < 1 or height % side or width % side or not height * width:
        raise DatasetError(
            f"expected sides that are multiples of {side} pixels, got {height}x{width}; "
            "Photographs.cropped cuts to such"
        )
    cut = image.reshape(channels, height // side, side, width // side, side)
    return cut.permute(1, 3, 0, 2, 4).reshape(-1, channels, side, side)


def from_tiles(pieces: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """The image that `tiles` cut.

    Args:
        pieces: (N, C, side, side), row by row.
        size: Height and width of the image, in pixels.

    Returns:
        (C, H, W).

    Raises:
        DatasetError: The pieces do not fill such an image.
    """
    count, channels, side, _ = pieces.shape
    height, width = size
    if height % side or width % side or count * side * side != height * width:
        raise DatasetError(
            f"expected tiles that fill {height}x{width} pixels, got {count} of {side}x{side}"
        )
    laid = pieces.reshape(height // side, width // side, channels, side, side)
    return laid.permute(2, 0, 3, 1, 4).reshape(channels, height, width)
