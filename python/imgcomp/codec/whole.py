"""Images to the bytes of an ``.imc`` file and back in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from imgcomp.codec import registry
from imgcomp.codec.archive import Archive
from imgcomp.codec.codec import Codec
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, as_tensor


def compress(
    images: ArrayLike, *, codec: Codec | str | Path | None = None, **options: Any
) -> bytes:
    """Images as an ``.imc`` file.

    Args:
        images: uint8 (N, C, H, W).
        codec: a codec, its name or its file; None for the package's one for this shape.
        **options: as for :meth:`Codec.compress`: labels, names, classes, metadata, ….

    Raises:
        UsageError: an argument does not fit, or there is no codec for this shape.
    """
    return chosen(codec, tuple(as_tensor(images, "images").shape[1:])).compress(images, **options)


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
        UsageError: there is none.
    """
    if isinstance(codec, Codec):
        return codec
    if codec is not None:
        return registry.load(codec)
    if len(shape) != 3:
        raise UsageError(f"images must be (N, C, H, W), not of {len(shape) + 1} axes")
    return registry.for_shape(tuple(shape))
