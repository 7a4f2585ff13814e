"""The network of the house codec: patches of an image, residual blocks, several rates.

Patches under orthonormal patterns are the whole way at first, since every residual block begins as
nothing: training starts from a working codec. The context model of
:func:`imgcomp.models.layers.entropy_model` says what the latent costs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from imgcomp._checks import whole_number
from imgcomp.errors import UsageError
from imgcomp.models import layers as nn
from imgcomp.models.model import ArrayLike, Autoencoder, as_tensor
from imgcomp.models.patch_transform import principal_components
from imgcomp.models.specs import Spec, autoencoder_spec

_FITTED = 20_000
"""Images that the patterns are found from."""


def house_spec(
    image_shape: Sequence[int],
    lambdas: Sequence[float],
    *,
    groups: Sequence[int],
    patch: int = 4,
    inner: int | None = None,
    width: int = 128,
    encoder_blocks: int = 2,
    decoder_blocks: int = 3,
    context: int = 96,
    kernel_size: int = 5,
    data_range: tuple[float, float] = (-0.5, 0.5),
) -> Spec:
    """The spec of the network.

    Args:
        image_shape: (C, H, W), H and W multiples of `patch`.
        lambdas: what distortion weighs at each rate, rising.
        groups: channels of the latent that are coded together, one group after the other.
        patch: side of the patches.
        inner: channels that the residual blocks see, at least those of the latent; None for these.
        width: channels within a residual block.
        encoder_blocks: how many of them.
        decoder_blocks: likewise.
        context: channels of the context model.
        kernel_size: of the context model's windows, odd.
        data_range: the values of bytes 0 and 255: (0, 1) makes black patches zeros.
    """
    channels = sum(groups)
    between = whole_number("inner", channels if inner is None else inner, channels)
    # A rounding error of step²/12 costs as much as a bit more when step² = 6 C / (lambda · ln 2).
    gain = math.sqrt(math.log(2) / (6 * image_shape[0]))
    wide = between > channels
    encoder = [
        nn.conv2d(between, patch, stride=patch, bias=False, name="transform"),
        *(nn.residual(width, name=f"analysis{i}") for i in range(encoder_blocks)),
        *([nn.conv2d(channels, 1, bias=False, name="narrow")] if wide else []),
        nn.entropy_model(groups, context, kernel_size=kernel_size, gain=gain, name="code"),
    ]
    decoder = [
        *([nn.conv2d(between, 1, bias=False, name="widen")] if wide else []),
        *(nn.residual(width, name=f"synthesis{i}") for i in range(decoder_blocks)),
        nn.conv_transpose2d(image_shape[0], patch, stride=patch, name="image"),
    ]
    return autoencoder_spec(image_shape, encoder, decoder, data_range=data_range, lambdas=lambdas)


def house(
    images: ArrayLike, lambdas: Sequence[float], *, seed: int = 0, **settings: object
) -> Autoencoder:
    """The network, untrained, as the codec of patches that it begins as.

    Args:
        images: uint8 (N, C, H, W), training images, whose patches' principal components are the
            transform.
        lambdas: as for :func:`house_spec`.
        seed: of the weights that do nothing yet.
        **settings: of :func:`house_spec`.

    Raises:
        UsageError: an argument does not fit.
    """
    given = as_tensor(images, "images")
    spec = house_spec(tuple(given.shape[1:]), lambdas, **settings)  # type: ignore[arg-type]
    model = Autoencoder(spec, seed)
    transform = spec["parts"]["encoder"][0]
    channels, patch = model.code_shape[0], transform["kernel_size"]
    if channels > given.shape[1] * patch**2:
        raise UsageError(
            f"a patch of {patch}×{patch} pixels has {given.shape[1] * patch**2} coordinates, so "
            f"the groups cannot have {channels} together"
        )
    draw = torch.randperm(len(given), generator=torch.Generator().manual_seed(seed))[:_FITTED]
    patterns = principal_components(given[draw], patch, channels)
    state = model.state_dict()
    state["encoder.transform.weight"][:channels].copy_(patterns)
    state["decoder.image.weight"].zero_()
    state["decoder.image.weight"][:channels].copy_(patterns)
    state["decoder.image.bias"].zero_()
    for name in ("encoder.narrow.weight", "decoder.widen.weight"):
        if name in state:
            state[name].zero_()
            state[name][range(channels), range(channels)] = 1.0
    return model
