"""Images to the bytes of an ``.imc`` file and back in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from imgcomp._checks import real_number
from imgcomp.codec import registry
from imgcomp.codec.archive import Archive
from imgcomp.codec.codec import Codec
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, Classifier, as_tensor

SAMPLE = 256
"""Images that a quality is chosen by, where a rate is asked for."""


def compress(
    images: ArrayLike,
    *,
    codec: Codec | str | Path | None = None,
    quality: int | None = None,
    target_bpp: float | None = None,
    effort: int = 0,
    judge: Classifier | None = None,
    **options: Any,
) -> bytes:
    """Images as an ``.imc`` file.

    Args:
        images: uint8 (N, C, H, W).
        codec: a codec, its name or its file; None for the package's one for these images.
        quality: 1 … 100, higher is better and larger; None for the codec's usual one.
        target_bpp: bits per pixel, instead of a quality: the highest quality that needs no more.
            Codes alone are counted, of some images, without any effort.
        effort: how long a better code is looked for, see :meth:`Codec.with_effort`.
        judge: a classifier for which, likewise.
        **options: as for :meth:`Codec.compress`: labels, names, classes, metadata, ….

    Raises:
        UsageError: an argument does not fit, or there is no codec for such images.
    """
    given = as_tensor(images, "images")
    found = chosen(codec, tuple(given.shape[1:]))

    def sample() -> torch.Tensor:
        return given[:: max(1, len(given) // SAMPLE)]

    found = at_rate(found, quality, target_bpp, sample)
    return found.with_effort(effort, judge=judge).compress(given, **options)


def at_rate(
    codec: Codec,
    quality: int | None,
    target_bpp: float | None,
    sample: Callable[[], torch.Tensor],
) -> Codec:
    """A codec at a quality, or at the one that gives a rate.

    Args:
        codec: any.
        quality: 1 … 100, or None.
        target_bpp: bits per pixel, or None.
        sample: gives the images that the rate is that of, uint8 (N, C, H, W).

    Raises:
        UsageError: both are given, or the codec has one rate only.
    """
    if quality is not None and target_bpp is not None:
        raise UsageError("give a quality or a rate, not both")
    if target_bpp is not None:
        real_number("target_bpp", target_bpp, above=True)
        images = sample()
        quality = codec.quality_for(images, target_bpp) if len(images) else codec.quality
    return codec if quality is None else codec.at(quality)


def decompress(data: bytes, *, codec: Codec | str | Path | None = None) -> torch.Tensor:
    """The images of an ``.imc`` file.

    Args:
        data: the file.
        codec: as for :func:`imgcomp.codec.open`.

    Returns:
        uint8 (N, C, H, W).

    Raises:
        CorruptStreamError: the file is truncated, altered, something else, or its codec is not
            here.
    """
    with Archive(data, codec=codec) as archive:
        return archive[:]


def chosen(codec: Codec | str | Path | None, shape: Sequence[int]) -> Codec:
    """A codec for images of a shape (C, H, W).

    Raises:
        UsageError: there is none, or the given one takes others.
    """
    if len(shape) != 3:
        raise UsageError(f"images must be (N, C, H, W), not of {len(shape) + 1} axes")
    if codec is None:
        return registry.for_shape(tuple(shape))
    found = codec if isinstance(codec, Codec) else registry.load(codec)
    fits = found.any_size and found.image_shape[0] == shape[0]
    return found.for_images(*shape[1:]) if fits else found
