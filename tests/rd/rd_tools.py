"""Small images, codecs and senders that the tests of rate and distortion share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from imgcomp import codec, datasets, models
from imgcomp.models.house import house
from imgcomp.rd.found import Found
from imgcomp.rd.lines import Line, Point
from imgcomp.stages import Artifact


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


def several_rates(
    images: torch.Tensor, name: str = "several", objective: str = "rate+lambda*mse"
) -> codec.Codec:
    """A codec of several rates and any size: patches under principal components, not trained.

    Its file says, all the same, that it was trained for `objective`.
    """
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
    return codec.from_model(model, images, name=name, objective=objective)


IMAGES = 5
"""Of `made_up`, all alike."""


def made_up(
    name: str,
    rates: Sequence[float],
    qualities: Mapping[str, Sequence[float]],
    *,
    ours: bool = False,
    lossless: bool = False,
    model_bytes: int = 0,
) -> Found:
    """A line of images of 8 pixels, whose rates in bits per pixel are its bytes.

    Args:
        name: of the line.
        rates: of its points.
        qualities: tensors of `imgcomp.rd.stages.point`, a mean for each point.
        ours: whether it is of the package.
        lossless: whether nothing is lost.
        model_bytes: of what must be known beforehand.
    """
    artifacts = []
    for number, rate in enumerate(rates):
        tensors = dict.fromkeys(("file", "payload", "mosaic"), rate)
        tensors |= {measure: values[number] for measure, values in qualities.items()}
        artifacts.append(
            Artifact(
                {key: torch.full((IMAGES,), v, dtype=torch.float64) for key, v in tensors.items()},
                {"model_bytes": model_bytes, "alone": None},
            )
        )
    points = tuple(Point(float(number)) for number in range(len(rates)))
    kind = "codec" if ours else "ordinary"
    return Found(Line(name, name.upper(), name, kind, "step", points, lossless), artifacts, 8)


def never() -> None:
    """For senders that nobody stops."""
