"""What a codec takes and gives back on a test set, in real bytes, beside WebP."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from imgcomp import metrics
from imgcomp.codec.codec import Codec
from imgcomp.models.pixels import split

QUALITIES = (1, 17, 34, 50, 67, 84, 100)
"""That a codec of several rates is measured at."""
ALONE = 1000
"""As many of the first images are also sent one by one."""
_AT_A_TIME = 500
_SSIM_SIDE = 11
_PSNR_LIMIT = 99.0
"""Of an image that comes back as it was."""


@dataclass(frozen=True)
class FileRate:
    """What an ordinary codec does with images at one of its qualities.

    Attributes:
        psnr: mean, dB.
        ms_ssim: mean, adaptive.
        bpp: bits per pixel of a file for each.
    """

    psnr: float
    ms_ssim: float
    bpp: float


_Rival = Callable[[int], FileRate]


@dataclass(frozen=True)
class Rates:
    """What a codec does with a test set.

    Attributes:
        images: how many there are.
        quality: that the codec had; None where it has one rate.
        bpp: bits per pixel of one file or one stream of them all.
        alone: images that were also sent by themselves, the first ones.
        bpp_alone: bits per pixel of a bare stream for each of these.
        psnr: mean over all images, dB.
        ssim: mean over all images; None where a side is below 11 pixels.
        ms_ssim: likewise, adaptive.
        webp: bits per pixel of a WebP file for each of those sent alone, at the same mean PSNR as
            theirs; None where no quality of WebP reaches it.
        webp_ms_ssim: likewise, at the same mean MS-SSIM.
    """

    images: int
    quality: int | None
    bpp: float
    alone: int
    bpp_alone: float
    psnr: float
    ssim: float | None
    ms_ssim: float
    webp: float | None
    webp_ms_ssim: float | None

    def to_dict(self) -> dict[str, Any]:
        """The attributes as JSON-able data."""
        return asdict(self)


def measure(
    codec: Codec, images: torch.Tensor, *, archive: bool = True, alone: int = ALONE, method: int = 6
) -> list[Rates]:
    """Real bytes and what they give back, at several qualities where the codec has them.

    Args:
        codec: to be measured.
        images: uint8 (N, C, H, W), N at least 1.
        archive: whether all images together are a file; else a bare stream.
        alone: how many are sent one by one as well.
        method: WebP's effort, 0 … 6.

    Raises:
        UsageError: the images are none of the codec's.
    """
    given = codec.checked(images)
    some = given[:alone]
    rival = functools.cache(functools.partial(webp, some, method=method))
    if codec.quality is None:
        return [_measure(codec, given, len(some), archive, rival)]
    return [_measure(codec.at(q), given, len(some), archive, rival) for q in QUALITIES]


def _measure(codec: Codec, images: torch.Tensor, alone: int, archive: bool, rival: _Rival) -> Rates:
    data = codec.compress(images) if archive else codec.encode(images)
    decoded = codec.decompress(data) if archive else codec.decode(data, len(images))
    area = images.shape[2] * images.shape[3]
    codes = codec.codes(images[:alone])
    streams = codec.code.encode_blocks(codes, [1] * alone)
    psnr = metrics.psnr(images, decoded).clamp(max=_PSNR_LIMIT)
    ms_ssim = _each(metrics.ms_ssim, images, decoded)
    return Rates(
        images=len(images),
        quality=codec.quality,
        bpp=8 * len(data) / (area * len(images)),
        alone=alone,
        bpp_alone=8 * sum(len(stream.data) for stream in streams) / (area * alone),
        psnr=float(psnr.mean()),
        ssim=None
        if min(images.shape[2:]) < _SSIM_SIDE
        else float(_each(metrics.ssim, images, decoded).mean()),
        ms_ssim=float(ms_ssim.mean()),
        webp=bits_at(rival, "psnr", float(psnr[:alone].mean())),
        webp_ms_ssim=bits_at(rival, "ms_ssim", float(ms_ssim[:alone].mean())),
    )


def _each(measure: Callable[..., torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    pairs = zip(split(x, _AT_A_TIME), split(y, _AT_A_TIME), strict=True)
    return torch.cat([measure(some, others) for some, others in pairs])


def webp(images: torch.Tensor, quality: int, method: int = 4) -> FileRate:
    """Images as WebP files of Pillow, one for each.

    Args:
        images: uint8 (N, C, H, W), C 1 or 3.
        quality: 0 … 100.
        method: effort, 0 … 6.
    """
    from PIL import Image

    from imgcomp.datasets._image_file import as_picture

    mode = "L" if images.shape[1] == 1 else "RGB"
    size, decoded = 0, []
    for image in images:
        file = io.BytesIO()
        picture = as_picture(image.permute(1, 2, 0).contiguous().numpy())
        picture.save(file, "WEBP", quality=quality, method=method)
        size += file.tell()
        decoded.append(Image.open(file).convert(mode).tobytes())
    values = torch.frombuffer(bytearray(b"".join(decoded)), dtype=torch.uint8)
    back = values.view(-1, *images.shape[2:], images.shape[1]).permute(0, 3, 1, 2).contiguous()
    return FileRate(
        psnr=float(metrics.psnr(images, back).clamp(max=_PSNR_LIMIT).mean()),
        ms_ssim=float(_each(metrics.ms_ssim, images, back).mean()),
        bpp=8 * size / (len(images) * images.shape[2] * images.shape[3]),
    )


def bits_at(rival: _Rival, measure: Literal["psnr", "ms_ssim"], value: float) -> float | None:
    """Bits per pixel at a value, between the two neighbouring qualities, by a straight line.

    Args:
        rival: what it does at a quality 0 … 100; the measure grows with it.
        measure: which.
        value: of the measure, to be reached.

    Returns:
        None where no two qualities have the value between them.
    """

    def at(quality: int) -> tuple[float, float]:
        found = rival(quality)
        return getattr(found, measure), found.bpp

    low, high = 0, 100
    below, above = at(low), at(high)
    if not below[0] <= value <= above[0]:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        found = at(middle)
        if found[0] <= value:
            low, below = middle, found
        else:
            high, above = middle, found
    share = (value - below[0]) / (above[0] - below[0]) if above[0] > below[0] else 0.0
    return below[1] + share * (above[1] - below[1])
