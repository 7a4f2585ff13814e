"""The ordinary codecs as rivals: JPEG, WebP, AVIF, JPEG XL and PNG, each at its most thorough.

JPEG, WebP, AVIF and PNG are written by Pillow, JPEG XL by imagecodecs, from the extra ``rd``.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from imgcomp.errors import UsageError
from imgcomp.rd import file_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

FAMILIES = ("jpeg", "webp", "avif", "jxl", "png")
AVIF_SPEED = 2
"""Of 0 … 10. Speed 0 takes three times as long for 0.3 % fewer bytes."""


@dataclass(frozen=True)
class Ordinary:
    """One way of writing files that everybody can read.

    Attributes:
        name: such as ``jpeg-420``.
        title: for people.
        settings: what is turned, the coarsest first; a single one where nothing is lost.
        unit: what the settings are.
        write: pixels (H, W) or (H, W, 3) and a setting to a file.
        payload: the bytes of a file that are the coded image; None: what it is larger than the
            file of a flat image of this size and setting.
        gray: whether it has gray images; others are sent three equal planes.
    """

    name: str
    title: str
    settings: tuple[float, ...]
    unit: str
    write: Callable[[Pixels, float], bytes] = field(repr=False)
    payload: Callable[[bytes], int] | None = field(repr=False)
    gray: bool = True

    @property
    def family(self) -> str:
        """The codec without its variant."""
        return self.name.partition("-")[0]

    @property
    def lossless(self) -> bool:
        """Whether the image comes back as it was."""
        return len(self.settings) == 1

    def encode(self, image: torch.Tensor, setting: float) -> bytes:
        """An image as a file.

        Args:
            image: uint8 (C, H, W), C 1 or 3.
            setting: one of `settings`, or another that the codec takes.
        """
        return self.write(_pixels(image, self.gray), setting)

    def decode(self, data: bytes, channels: int) -> torch.Tensor:
        """The image in a file.

        Args:
            data: of `encode`.
            channels: 1 or 3.

        Returns:
            uint8 (channels, H, W).
        """
        read = _read_jxl if self.family == "jxl" else _read_pillow
        return _planes(read(data), channels)

    def payload_bytes(self, data: bytes, image: torch.Tensor, setting: float) -> int:
        """How many bytes of a file are the coded image.

        Args:
            data: of `encode`.
            image: the one that was given to it.
            setting: the same.
        """
        if self.payload is not None:
            return self.payload(data)
        channels, height, width = image.shape
        return max(0, len(data) - _flat_bytes(self, (channels, height, width), setting))


def rivals(family: str, channels: int) -> list[Ordinary]:
    """All variants of a codec for images of so many channels.

    Args:
        family: one of `FAMILIES`.
        channels: 1 or 3.

    Raises:
        UsageError: there is no such codec, or what writes it is not installed.
    """
    if family not in FAMILIES:
        raise UsageError(f"ordinary codecs are {', '.join(FAMILIES)}, not {family!r}")
    if channels not in (1, 3):
        raise UsageError(f"ordinary codecs take images of 1 or 3 channels, not {channels}")
    if family == "jxl":
        _imagecodecs()
    elif family != "png":
        _need_pillow(family)
    return [each for each in _all(channels == 1) if each.family == family]


_QUALITY = "quality"


def _all(gray: bool) -> list[Ordinary]:
    coarse = (1.0, 3.0, 6.0, 10.0, 20.0, 35.0, 50.0, 65.0, 80.0, 90.0, 95.0)
    found = []
    for name, title, sampling in (
        [("jpeg-gray", "JPEG gray", None)]
        if gray
        else [("jpeg-444", "JPEG 4:4:4", "4:4:4"), ("jpeg-420", "JPEG 4:2:0", "4:2:0")]
    ):
        options: dict[str, Any] = {} if sampling is None else {"subsampling": sampling}
        write = functools.partial(_pillow, form="JPEG", optimize=True, **options)
        found.append(Ordinary(name, title, coarse, _QUALITY, write, file_parts.jpeg_scan))
    found.append(
        Ordinary(
            "webp",
            "WebP",
            (0.0, 5.0, 15.0, 30.0, 45.0, 60.0, 75.0, 85.0, 92.0, 97.0),
            _QUALITY,
            functools.partial(_pillow, form="WEBP", method=6, use_sharp_yuv=True),
            file_parts.webp_image,
            gray=False,
        )
    )
    sampling = "4:0:0" if gray else "4:4:4"
    avif = functools.partial(
        _pillow,
        form="AVIF",
        subsampling=sampling,
        speed=AVIF_SPEED,
        codec="aom",
        max_threads=1,
        advanced={"tune": "psnr"},
    )
    found.append(
        Ordinary(
            f"avif-{sampling.replace(':', '')}",
            f"AVIF {sampling}",
            (10.0, 25.0, 38.0, 48.0, 58.0, 68.0, 78.0, 88.0),
            _QUALITY,
            avif,
            file_parts.avif_media,
        )
    )
    distances = (14.0, 9.0, 6.0, 4.2, 3.0, 2.1, 1.4, 0.9, 0.5, 0.25)
    for effort in (7, 9):
        write = functools.partial(_jxl, effort=effort)
        title = f"JPEG XL, effort {effort}"
        found.append(Ordinary(f"jxl-{effort}", title, distances, "distance", write, None))
    found += [
        Ordinary(
            "webp-lossless",
            "WebP lossless",
            (100.0,),
            _QUALITY,
            functools.partial(_pillow, form="WEBP", method=6, lossless=True),
            file_parts.webp_image,
            gray=False,
        ),
        Ordinary(
            "jxl-lossless",
            "JPEG XL lossless",
            (0.0,),
            "distance",
            functools.partial(_jxl, effort=9),
            None,
        ),
        Ordinary("png", "PNG", (9.0,), "level", _png, file_parts.png_image),
    ]
    return found


def _pixels(image: torch.Tensor, gray: bool) -> Pixels:
    array = image.permute(1, 2, 0).contiguous().numpy()
    if array.shape[2] == 3:
        return array
    return array[..., 0] if gray else array.repeat(3, axis=2)


def _planes(array: Pixels, channels: int) -> torch.Tensor:
    """uint8 (channels, H, W) of (H, W) or (H, W, 3)."""
    if array.ndim == 2:
        array = array[..., None]
    if channels == 1 and array.shape[2] == 3:
        # Luma of equal planes is the plane; codecs that have colour alone may tint it by one.
        array = np.round(array @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def _pillow(pixels: Pixels, quality: float, *, form: str, **options: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=form, quality=int(quality), **options)
    return buffer.getvalue()


def _png(pixels: Pixels, _level: float) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _read_pillow(data: bytes) -> Pixels:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        return np.array(opened if opened.mode == "L" else opened.convert("RGB"))


def _need_pillow(family: str) -> None:
    from PIL import features

    module = {"jpeg": "jpg"}.get(family, family)
    # Pillow before 11.3 does not even know the name "avif", and says so by a warning.
    known = (*features.modules, *features.codecs)
    if module not in known or not features.check(module):
        raise UsageError(
            f"this Pillow cannot write {family.upper()} files; install a newer one: "
            "pip install 'imgcomp[rd]'"
        )


def _imagecodecs() -> Any:
    try:
        import imagecodecs
    except ImportError:
        raise UsageError(
            "JPEG XL files are written by imagecodecs, which is not installed: "
            "pip install 'imgcomp[rd]', or leave out jxl"
        ) from None
    return imagecodecs


def _jxl(pixels: Pixels, distance: float, *, effort: int) -> bytes:
    exact = {"lossless": True} if distance == 0 else {"distance": distance}
    return bytes(_imagecodecs().jpegxl_encode(pixels, effort=effort, numthreads=1, **exact))


def _read_jxl(data: bytes) -> Pixels:
    return np.asarray(_imagecodecs().jpegxl_decode(data, numthreads=1))


@functools.lru_cache(maxsize=512)
def _flat_bytes(codec: Ordinary, shape: tuple[int, int, int], setting: float) -> int:
    return len(codec.encode(torch.full(shape, 128, dtype=torch.uint8), setting))
