"""Codes of images moved to where they cost less and give more back, by an encoder that takes time.

The network and the format stay as they are: what is found is a better code for each image, and any
decoder reads it (Yang, Bamler and Mandt 2020, "Improving Inference for Neural Image Compression",
section 3.2).
"""

from __future__ import annotations

import torch

from imgcomp import _core
from imgcomp.codec.context_code import ContextCode
from imgcomp.models.model import Autoencoder
from imgcomp.models.pixels import images_of

MOST_EFFORT = 6
_OBJECTIVE = "rate+lambda*mse"


def rounds(effort: int) -> int:
    """How many times codes are moved at an effort, 0 … `MOST_EFFORT`."""
    return 25 << effort if effort else 0


def refined(
    model: Autoencoder, code: ContextCode, images: torch.Tensor, codes: torch.Tensor, effort: int
) -> torch.Tensor:
    """Better codes of images, each by itself; where none was found, the one that was given.

    Args:
        model: whose decoder gives the images back.
        code: that counts the bits, at its quality.
        images: uint8 (N, C, H, W).
        codes: of the encoder, ``(N, *code.shape)``, float32, not rounded.
        effort: 1 … `MOST_EFFORT`.
    """
    steps = _core.refine_steps(
        model._core, images.contiguous(), code.steps(codes), code.level, _OBJECTIVE, rounds(effort)
    )
    moved = code.values(steps)
    better = _costs(model, code, images, moved) < _costs(model, code, images, codes)
    return torch.where(better[:, None, None, None], moved, codes)


def _costs(
    model: Autoencoder, code: ContextCode, images: torch.Tensor, codes: torch.Tensor
) -> torch.Tensor:
    """What was trained for, of each image, float64 (N,), with real tables and 8-bit images."""
    weight = (code.shares * torch.tensor(model.spec["lambdas"]).log()).sum().exp()
    low, high = model.data_range
    back = images_of(model, code.values(code.symbols(codes)), level=code.level)
    errors = ((back.float() - images.float()) * ((high - low) / 255)).square().flatten(1).mean(1)
    return code.bits_of_each(codes) / images[0, 0].numel() + weight * errors
