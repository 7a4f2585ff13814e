"""Small images, codecs and senders that the tests of rate and distortion share."""

from __future__ import annotations

import torch

from imgcomp import codec, datasets, models
from imgcomp.models.house import house


def digits(count: int) -> torch.Tensor:
    """uint8 (count, 1, 28, 28)."""
    return datasets.load("digits").test.images[:count]


def smooth(count: int, channels: int = 3, side: int = 16) -> torch.Tensor:
    """uint8 (count, channels, side, side): ramps of different direction and brightness."""
    row = torch.linspace(0, 1, side)
    planes = []
    for number in range(count):
        turn = torch.tensor(0.7 * number)
        ramp = torch.cos(turn) * row[:, None] + torch.sin(turn) * row[None]
        planes.append(
            torch.stack([(ramp + 0.3 * plane + 0.1 * number) for plane in range(channels)])
        )
    return (torch.stack(planes) % 1.0 * 255).round().to(torch.uint8)


def dense_codec(bits: int = 4, name: str = "tiny") -> codec.Codec:
    """A codec of 28×28 gray images whose weights are as they were drawn."""
    model = models.feng2018_cnn(seed=1)
    return codec.from_model(model, datasets.load("digits").train.images[:200], bits=bits, name=name)


def several_rates(images: torch.Tensor, name: str = "several") -> codec.Codec:
    """A codec of several rates and any size: patches under principal components, not trained."""
    model = house(
        images,
        [50.0, 500.0, 5000.0],
        groups=(2, 4),
        width=8,
        encoder_blocks=1,
        decoder_blocks=1,
        context=8,
        kernel_size=3,
    )
    return codec.from_model(model, images, name=name)


def never() -> None:
    """For senders that nobody stops."""
