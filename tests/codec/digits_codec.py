"""A small house codec of the embedded digits that several tests train, each as long as it needs."""

from __future__ import annotations

import torch

import imgcomp
from imgcomp import codec
from imgcomp.codec import Codec
from imgcomp.models.house import house

LAMBDAS = [100.0, 400.0, 1600.0]


def digits() -> torch.Tensor:
    """uint8 (200, 1, 28, 28), training images."""
    return imgcomp.datasets.load("digits").train.images[:200]


def digits_codec(images: torch.Tensor, epochs: int, batch_size: int) -> Codec:
    """28×28 images, latents of 6×7×7."""
    model = house(
        images, LAMBDAS, groups=(1, 2, 3), width=8, encoder_blocks=1, decoder_blocks=1, context=12,
        kernel_size=3, data_range=(0.0, 1.0), seed=1,
    )  # fmt: skip
    imgcomp.fit(
        model, images, objective="rate+lambda*mse", epochs=epochs, batch_size=batch_size,
        optimizer="adam", lr=3e-3, threads=1, progress=False,
    )  # fmt: skip
    return codec.from_model(model, images, name="digits")
