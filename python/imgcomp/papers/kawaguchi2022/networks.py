"""kawaguchi2022: the specs of both models and of their variants, for images of any even size."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from imgcomp import models
from imgcomp.errors import UsageError


def model_1(
    image_shape: Sequence[int],
    *,
    final_relu: bool = True,
    data_range: tuple[float, float] = (-1.0, 1.0),
    code_channels: int = 2,
    initialization: str = "pytorch",
) -> dict[str, Any]:
    """The spec of model 1 for images of a shape (C, H, W); the rest as `models.kawaguchi2022_1`."""
    network = models.kawaguchi2022_1(final_relu, data_range, code_channels)
    return {**_for_images(network.spec, image_shape), "initialization": initialization}


def model_2(image_shape: Sequence[int], code_channels: int = 64) -> dict[str, Any]:
    """The spec of model 2 for images of a shape (C, H, W)."""
    return _for_images(models.kawaguchi2022_2(code_channels).spec, image_shape)


def check_images(image_shape: Sequence[int], name: str) -> None:
    """See that both networks can take the images.

    Raises:
        UsageError: a side is odd or shorter than 16; pooling and unpooling would not give it back,
            and the classifier that judges needs 16.
    """
    channels, height, width = image_shape
    if height % 2 or width % 2 or min(height, width) < 16:
        raise UsageError(
            "kawaguchi2022 needs images whose sides are even and at least 16, those of "
            f"{name} have {channels}×{height}×{width}"
        )


def code_values(spec: dict[str, Any]) -> int:
    """Values in the code of one image."""
    shape = models.Autoencoder(spec).code_shape
    count = 1
    for size in shape:
        count *= size
    return count


def _for_images(spec: dict[str, Any], image_shape: Sequence[int]) -> dict[str, Any]:
    """The same layers for images of another shape: the last convolution gives their channels."""
    changed = copy.deepcopy(spec)
    changed["input_shape"] = list(image_shape)
    last = [layer for layer in changed["parts"]["decoder"] if layer["kind"] == "conv2d"][-1]
    last["out_channels"] = int(image_shape[0])
    return changed
