"""Builds a codec of patches from images alone: transform, levels, filter and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from imgcomp.codec.codec import Codec
from imgcomp.codec.codes import StaticCode, Tables
from imgcomp.codec.quantizer import Quantizer
from imgcomp.models.model import ArrayLike, as_tensor
from imgcomp.models.patch_transform import (
    assemble,
    linear_images,
    restoration_filter,
    sparse_patterns,
    untrained,
)
from imgcomp.models.pixels import codes_of
from imgcomp.training.config import FitConfig
from imgcomp.training.fit import fit


def patch_codec(
    images: ArrayLike,
    *,
    patch: int,
    channels: int,
    step: float,
    width: int = 64,
    depth: int = 1,
    tables: Tables = "auto",
    training: FitConfig | Mapping[str, Any] | None = None,
    progress: bool | str = "auto",
    seed: int = 0,
    name: str = "",
) -> Codec:
    """Makes a codec of images: a linear transform of patches and a trained decoder.

    Args:
        images: uint8 (N, C, H, W), the training images.
        patch: side of the patches; a multiple of 4, divides H and W.
        channels: coordinates of a patch that are kept, 1 … C · patch².
        step: between two levels, the same for all coordinates, in units of the range 0 … 1. It
            alone decides between rate and quality.
        width: channels of the decoder's filter, at least 16 C.
        depth: its 3×3 convolutions of so many channels.
        tables: as for :meth:`StaticCode.fit <imgcomp.codec.StaticCode.fit>`.
        training: settings of :func:`imgcomp.fit` for the filter.
        progress: as for :func:`imgcomp.fit`.
        seed: of the filter's weights and the draw of images for the transform.
        name: of the codec.

    Raises:
        UsageError: an argument does not fit.
    """
    originals = as_tensor(images, "images")
    patterns = sparse_patterns(originals, patch, channels, step, seed=seed)
    shape = tuple(originals.shape[1:])
    model = untrained(shape, patterns, step, width=width, depth=depth, seed=seed)
    codes = codes_of(model, originals)
    code = StaticCode.fit(codes, Quantizer.of(model), tables=tables)
    filter_ = restoration_filter(shape, width=width, depth=depth, seed=seed)
    fit(
        filter_,
        linear_images(codes, patterns),
        training,
        targets=originals.to(torch.float32) / 255,
        progress=progress,
    )
    assemble(model, patterns, filter_)
    return Codec(model, code, name=name)
