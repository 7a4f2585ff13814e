"""toderici2017: JPEG and WebP on the same images, in real bytes of whole files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from imgcomp.papers.toderici2017.stages import MEASURES, scores
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgcomp.datasets import Photographs, Split

CODECS = {"jpeg": "JPEG", "webp": "WebP"}
_SAVE: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "JPEG", "subsampling": "4:2:0", "optimize": True},
    "webp": {"format": "WEBP", "method": 6},
}
"""How Pillow writes them: JPEG with colour at half the resolution, each at its most thorough."""


def sent(image: torch.Tensor, codec: str, quality: int) -> tuple[int, torch.Tensor]:
    """An image through an ordinary codec.

    Args:
        image: uint8 (3, H, W).
        codec: Key of `CODECS`.
        quality: 0 to 100, as the codec understands it.

    Returns:
        Bytes of the whole file, and the image that it gives back.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(
        buffer, quality=quality, **_SAVE[codec]
    )
    size = buffer.tell()
    buffer.seek(0)
    with Image.open(buffer) as opened:
        pixels = np.array(opened.convert("RGB"))
    return size, torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


@stage(version="1")
def peers(context: Context, images: Split | Photographs) -> Artifact:
    """Images through JPEG and WebP at several qualities.

    Config: ``qualities``.

    Returns:
        Data: codec → list of ``quality``, ``bytes`` and ``rate`` (bits per pixel), means over
        images, header included, and the means of `MEASURES`; ``images``: how many.
    """
    found: dict[str, Any] = {"images": len(images)}
    for codec in CODECS:
        points = [_point(context, images.images, codec, q) for q in context.config["qualities"]]
        # A quality more may leave the file as it is.
        kept = {point["rate"]: point for point in points}
        found[codec] = [kept[rate] for rate in sorted(kept)]
    return Artifact({}, found)


def _point(
    context: Context, images: Sequence[torch.Tensor] | torch.Tensor, codec: str, quality: int
) -> dict[str, float]:
    totals = dict.fromkeys(("bytes", "rate", *MEASURES), 0.0)
    for image in images:
        if context.stop.is_set():
            raise StageStopped
        size, back = sent(image, codec, quality)
        totals["bytes"] += size
        totals["rate"] += 8 * size / image[0].numel()
        for name, value in scores(image[None], back[None]).items():
            totals[name] += float(value)
    return {"quality": quality, **{name: value / len(images) for name, value in totals.items()}}
