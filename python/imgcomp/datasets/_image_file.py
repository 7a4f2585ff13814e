"""Reads one picture file into 8-bit pixels by stated rules, and refuses what would be lost in it.

The rules are told in `imgcomp.datasets.from_folder`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from imgcomp.errors import CorruptDataError, DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SUFFIXES", "Picture", "as_channels", "as_picture", "read_picture"]

SUFFIXES = frozenset(
    ".bmp .gif .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()  # noqa: SIM905
)

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One decoded picture.

    Attributes:
        path: Its file.
        pixels: uint8 (H, W) gray or (H, W, 3) red, green, blue.
    """

    path: Path
    pixels: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def is_gray(self) -> bool:
        """Whether it has one channel."""
        return self.pixels.ndim == 2


def read_picture(path: Path, background: tuple[int, int, int] | None = None) -> Picture:
    """Read one picture file; the rules are those of `imgcomp.datasets.from_folder`.

    Args:
        path: The file.
        background: Colour to put behind transparent pixels; None to refuse these.

    Raises:
        CorruptDataError: If the file is cut short or not a picture.
        DatasetError: If the picture cannot be turned into 8-bit gray or RGB without loss that no
            rule states.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
                    raise _refusal(path, "a single picture", f"{opened.n_frames} frames")
                _check_depth(path, opened)
                opened.load()
                turned = ImageOps.exif_transpose(opened)
                pixels = _to_pixels(path, turned, opened.format, background)
    except DatasetError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _refusal(path, "a picture of a reasonable size", str(error)) from error
    except UnidentifiedImageError as error:
        raise CorruptDataError(
            f"{path}: expected a picture, but it is none that Pillow can read; remove or replace it"
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorruptDataError(
            f"{path}: expected an intact picture, but reading it failed ({reason}); replace it"
        ) from error
    return Picture(path, pixels)


def _refusal(path: Path, expected: str, got: str) -> DatasetError:
    return DatasetError(f"{path}: expected {expected}, got {got}; convert it first or remove it")


def _check_depth(path: Path, image: Image) -> None:
    """Refuse colour of more than 8 bits a channel, which Pillow would cut without a word."""
    deep = False
    if image.format == "PNG" and image.mode not in ("I", "I;16", "I;16B"):
        with path.open("rb") as file:
            header = file.read(26)
        deep = header[24:25] == b"\x10"  # bit depth in the IHDR chunk
    elif image.format == "TIFF" and image.mode in ("RGB", "RGBA", "LA"):
        bits = getattr(image, "tag_v2", {}).get(258, (8,))  # BitsPerSample
        deep = max(bits if isinstance(bits, tuple) else (bits,)) > 8
    elif image.format == "PPM" and image.mode == "RGB":
        deep = _ppm_maximum(path) > 255
    if deep:
        raise _refusal(path, "8 bits for each colour channel", "16")


def _ppm_maximum(path: Path) -> int:
    """The largest value that a PPM file's header announces."""
    with path.open("rb") as file:
        start = file.read(4096)
    lines = [line.partition(b"#")[0] for line in start.splitlines()]
    words = b" ".join(lines).split()
    return int(words[3]) if len(words) > 3 and words[3].isdigit() else 255


def _to_pixels(
    path: Path, image: Image, kind: str | None, background: tuple[int, int, int] | None
) -> Pixels:
    """Pixels (H, W) or (H, W, 3) of a picture read from a file of format ``kind``."""
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N") or (
        image.mode == "I" and kind in ("PNG", "PPM")
    ):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise _refusal(path, "gray values of 16 bits", f"{values.min()} to {values.max()}")
        if "transparency" in image.info:
            raise _refusal(path, "opaque 16-bit gray", "a transparent colour")
        return ((values * 255 + 32767) // 65535).astype(np.uint8)
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise _refusal(path, "gray, palette, RGB or RGBA of 8 bits", f"mode {image.mode}")
    from_palette = image.mode in ("P", "PA")
    gray = image.mode in ("1", "L", "LA")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        pixels = _blend(path, rgba, background)
        gray = gray and (background is None or len(set(background)) == 1)
        return np.ascontiguousarray(pixels[..., 0]) if gray else _palette_gray(pixels, from_palette)
    if gray:
        return np.array(image.convert("L"))
    return _palette_gray(np.array(image.convert("RGB")), from_palette)


def _blend(path: Path, rgba: Pixels, background: tuple[int, int, int] | None) -> Pixels:
    """Colours over the background: (alpha * colour + (255 - alpha) * background) / 255, rounded."""
    alpha = rgba[..., 3:].astype(np.int64)
    if alpha.min() == 255:
        return np.ascontiguousarray(rgba[..., :3])
    if background is None:
        raise DatasetError(
            f"{path}: expected an opaque picture, got transparent pixels; say background=(255, "
            "255, 255), or another colour, to put behind them"
        )
    behind = np.array(background, dtype=np.int64)
    return ((alpha * rgba[..., :3] + (255 - alpha) * behind + 127) // 255).astype(np.uint8)


def _palette_gray(pixels: Pixels, from_palette: bool) -> Pixels:
    """A palette picture that uses shades of gray only is a gray picture."""
    if from_palette and (pixels == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def as_channels(pixels: Pixels, gray: bool) -> Pixels:
    """Pixels as (1, H, W), colour turned into gray, or as (3, H, W), gray repeated."""
    if gray and pixels.ndim == 3:
        from PIL import Image

        pixels = np.array(Image.fromarray(pixels).convert("L"))
    if gray:
        return pixels[None]
    if pixels.ndim == 2:
        return np.repeat(pixels[None], 3, axis=0)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def as_picture(pixels: Pixels) -> Image:
    """Pixels (H, W, 1) as a gray picture, (H, W, 3) as one in colour."""
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
