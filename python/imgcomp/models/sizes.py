"""Images whose size is not the network's own: which sizes a network takes, and padding to them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_SIZE_BOUND = ("dense", "flatten", "reshape")
"""Layers whose weights or shapes belong to one size of images."""


def is_convolutional(spec: Mapping[str, Any]) -> bool:
    """Whether no layer of a network is tied to the size of its images."""
    return not any(
        layer["kind"] in _SIZE_BOUND for layers in spec["parts"].values() for layer in layers
    )


def differ(images: torch.Tensor, input_shape: Sequence[int]) -> bool:
    """Whether images (N, C, H, W) have the network's channels but another height or width."""
    return (
        images.dim() == 4
        and images.numel() > 0
        and images.shape[1] == input_shape[0]
        and tuple(images.shape[2:]) != tuple(input_shape[1:])
    )


def multiples(spec: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the pixels that one value of the code covers.

    The product of the strides on the way to the code, and likewise to a recurrent network's gain:
    heights and widths that are multiples of both come back from the decoder.
    """
    covered = [
        [_stride(layer) for layer in spec["parts"].get(part, ())] for part in ("encoder", "gain")
    ]
    height, width = (
        math.lcm(*(math.prod(stride[axis] for stride in strides) for strides in covered))
        for axis in (0, 1)
    )
    return height, width


def pad(images: torch.Tensor, multiple: tuple[int, int]) -> torch.Tensor:
    """Images (N, C, H, W) of any dtype, their last row and column repeated up to a multiple.

    The repeated edge costs a codec less than black would, and is what JPEG encoders do.
    """
    for dim, step in zip((2, 3), multiple, strict=True):
        size = images.shape[dim]
        wanted = -(-size // step) * step
        if wanted != size:
            index = torch.arange(wanted, device=images.device).clamp(max=size - 1)
            images = images.index_select(dim, index)
    return images


def _stride(layer: Mapping[str, Any]) -> tuple[int, int]:
    default = layer["kernel_size"] if layer["kind"].endswith("pool2d") else 1
    stride = layer.get("stride", default)
    return (stride, stride) if isinstance(stride, int) else (stride[0], stride[1])
