"""Patches under an orthonormal transform, and a decoder that undoes it and repairs the image.

The encoder is linear but for the rounding: each patch of the image times a few orthonormal
patterns, under which few of its coordinates are far from 0. The decoder's first layer gives the
patch back, and a few convolutions at a fraction of the image's size remove blocking and the error
of the rounding. These are trained as a network of their own, :func:`restoration_filter`, which
begins as the identity, and are then put behind the transform by :func:`assemble`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from imgcomp._checks import real_number, whole_number
from imgcomp.errors import UsageError
from imgcomp.models import layers as nn
from imgcomp.models.model import ArrayLike, Autoencoder, as_tensor
from imgcomp.models.specs import Spec, autoencoder_spec

_SCALE = 4
"""The filter works on images of so much less height and width, where wide layers cost little."""
_IMAGES_AT_A_TIME = 4096
_ROTATION_RATE = 0.02


def patch_transform(
    image_shape: Sequence[int],
    patch: int,
    channels: int,
    levels: int,
    *,
    width: int = 64,
    depth: int = 1,
) -> Spec:
    """The spec of an autoencoder whose code is each patch's coordinates, rounded to levels.

    Args:
        image_shape: (C, H, W).
        patch: its side; a multiple of 4, and divides H and W.
        channels: coordinates of a patch, 1 … C · patch².
        levels: of each coordinate; see :func:`imgcomp.models.layers.quantize`.
        width: channels of the filter, at least 16 C.
        depth: its 3×3 convolutions of so many channels.

    Raises:
        UsageError: an argument does not fit.
    """
    _check_patch(image_shape, patch, channels)
    if patch % _SCALE:
        raise UsageError(f"patch must be a multiple of {_SCALE}, not {patch}")
    encoder = [
        nn.conv2d(channels, patch, stride=patch, bias=False, name="transform"),
        nn.quantize(levels, name="quantize"),
    ]
    side = patch // _SCALE
    decoder = [
        nn.conv_transpose2d(width, side, stride=side, name="synthesis"),
        *_filter_layers(image_shape[0], width, depth),
    ]
    return autoencoder_spec(image_shape, encoder, decoder)


def restoration_filter(
    image_shape: Sequence[int], *, width: int = 64, depth: int = 1, seed: int = 0
) -> Autoencoder:
    """A convolutional filter of images as an autoencoder that begins as the identity.

    Its encoder is one convolution over windows of 4×4. Negative values come out as 0, before
    training as after it.

    Args:
        image_shape: (C, H, W), H and W multiples of 4.
        width: channels at a quarter of the image's size, at least 16 C.
        depth: 3×3 convolutions of so many channels; one more gives the image.
        seed: of the weights that are not part of the identity.

    Raises:
        UsageError: an argument does not fit.
    """
    own = image_shape[0] * _SCALE**2
    whole_number("width", width, own)
    encoder = [nn.conv2d(width, _SCALE, stride=_SCALE, name="windows")]
    decoder = _filter_layers(image_shape[0], width, depth)
    model = Autoencoder(autoencoder_spec(image_shape, encoder, decoder), seed)
    # The first channels hold the image's pixels, window by window. A pixel is not negative, so the
    # relus leave it alone.
    for name, tensor in model.state_dict().items():
        if name.endswith(".bias"):
            tensor.zero_()
        elif name == "encoder.windows.weight":
            tensor[:own] = torch.eye(own).view(own, *tensor.shape[1:])
        else:
            tensor[:own] = 0
            tensor[range(own), range(own), 1, 1] = 1
    return model


def _filter_layers(colours: int, width: int, depth: int) -> list[nn.LayerSpec]:
    """What follows the filter's first, linear layer."""
    layers = [nn.relu(name="relu0")]
    for number in range(1, whole_number("depth", depth, 0) + 1):
        layers += [
            nn.conv2d(width, 3, padding=1, name=f"conv{number}"),
            nn.relu(name=f"relu{number}"),
        ]
    return [
        *layers,
        nn.conv2d(colours * _SCALE**2, 3, padding=1, name="pixels"),
        nn.depth_to_space(_SCALE, name="image"),
    ]


def principal_components(images: ArrayLike, patch: int, channels: int) -> torch.Tensor:
    """The orthonormal patterns that hold most of the energy of images' patches.

    Patches are taken as they are, not less their mean: a decoder's bias is one number for a whole
    channel, which could not give a mean patch back, and a black patch so has the code 0.

    Args:
        images: uint8 (N, C, H, W).
        patch: side of the patches, which lie beside one another; divides H and W.
        channels: how many patterns, 1 … C · patch².

    Returns:
        float32 (channels, C, patch, patch), by falling energy. Each one's largest value in
        magnitude is positive.

    Raises:
        UsageError: an argument does not fit.
    """
    given = as_tensor(images, "images")
    if given.dtype != torch.uint8 or given.dim() != 4 or len(given) == 0:
        raise UsageError(
            f"images must be uint8 of shape (N, C, H, W), not {given.dtype} of shape "
            f"{tuple(given.shape)}"
        )
    _check_patch(given.shape[1:], patch, channels)
    size = given.shape[1] * patch**2
    moments = torch.zeros(size, size, dtype=torch.float64)
    for part in torch.split(given, _IMAGES_AT_A_TIME):
        rows = _patches(part, patch).flatten(0, 1)
        moments += (rows.T @ rows).double()
    patterns = torch.linalg.eigh(moments)[1].T.flip(0)[:channels]
    return _shown_positive(patterns).float().view(channels, given.shape[1], patch, patch)


def sparse_patterns(
    images: ArrayLike,
    patch: int,
    channels: int,
    step: float,
    *,
    iterations: int = 300,
    samples: int = 4000,
    seed: int = 0,
) -> torch.Tensor:
    """Orthonormal patterns under which images' patches cost few bits.

    Principal components are best for Gaussian values. Patches are far from Gaussian, and the same
    subspace has a basis in which more of their coordinates are near 0: a sparse orthonormal
    transform (Sezer, Guleryuz and Altunbasak 2015, "Approximation and Compression with Sparse
    Orthonormal Transforms"). Here the principal components are rotated by gradient descent so that
    the mean over coordinates and places of log(0.3 + E |y / step|) falls, which goes with the bits
    of a place that has a table of its own; |·| is smoothed at 0.

    Args:
        images: as for :func:`principal_components`; so are patch and channels.
        patch: side of the patches.
        channels: how many patterns.
        step: that the coordinates are going to be rounded to, above 0.
        iterations: of gradient descent.
        samples: images that these look at, drawn from the others.
        seed: of the draw.

    Returns:
        float32 (channels, C, patch, patch), in no order that means anything.

    Raises:
        UsageError: an argument does not fit.
    """
    real_number("step", step, above=True)
    given = as_tensor(images, "images")
    first = principal_components(given, patch, channels)
    generator = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(given), generator=generator)[: whole_number("samples", samples)]
    coordinates = _patches(given[some], patch) @ first.flatten(1).T / step
    # The exponential of a skew-symmetric matrix is a rotation, and every rotation is one.
    rotation = torch.zeros(channels, channels, requires_grad=True)
    optimizer = torch.optim.Adam([rotation], lr=_ROTATION_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, iterations))
    for _ in range(whole_number("iterations", iterations, 0)):
        rotated = coordinates @ torch.matrix_exp(rotation - rotation.T)
        loss = torch.log(0.3 + (rotated.square() + 0.01).sqrt().mean(0)).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        skew = (rotation - rotation.T).double()
        patterns = torch.matrix_exp(skew).T @ first.flatten(1).double()
    return _shown_positive(patterns).float().view_as(first)


def _patches(images: torch.Tensor, patch: int) -> torch.Tensor:
    """uint8 (N, C, H, W) → float32 (N, patches, C · patch²), 0 … 1."""
    windows = torch.nn.functional.unfold(images.float() / 255, patch, stride=patch)
    return windows.transpose(1, 2)


def _shown_positive(patterns: torch.Tensor) -> torch.Tensor:
    """Rows with the sign that makes their largest value in magnitude positive."""
    largest = patterns.gather(1, patterns.abs().argmax(1, keepdim=True))
    return patterns * largest.sign()


def untrained(
    image_shape: Sequence[int],
    patterns: torch.Tensor,
    step: float,
    *,
    width: int = 64,
    depth: int = 1,
    seed: int = 0,
) -> Autoencoder:
    """The network of :func:`patch_transform` whose filter does nothing yet.

    Every coordinate is rounded to multiples of one step: where the patterns are orthonormal, the
    error of the image is the error of the code. The levels reach as far as any image's coordinates
    can, so that none is ever clamped.

    Args:
        image_shape: (C, H, W).
        patterns: of :func:`sparse_patterns` or :func:`principal_components`.
        step: above 0; the data range is 0 … 1.
        width: of the filter.
        depth: of the filter.
        seed: of the filter's weights.

    Raises:
        UsageError: an argument does not fit.
    """
    real_number("step", step, above=True)
    channels, patch = len(patterns), patterns.shape[-1]
    lowest = (patterns.clamp(max=0).flatten(1).sum(1) / step).floor()
    highest = (patterns.clamp(min=0).flatten(1).sum(1) / step).ceil()
    levels = int((highest - lowest).max()) + 1
    spec = patch_transform(image_shape, patch, channels, levels, width=width, depth=depth)
    model = Autoencoder(spec, seed)
    state = model.state_dict()
    state["encoder.transform.weight"].copy_(patterns)
    # Level 0 is a multiple of the step as well, so that one of the levels is 0 itself.
    state["encoder.quantize.offset"].copy_(lowest * step)
    state["encoder.quantize.step"].fill_(step)
    filter_ = restoration_filter(image_shape, width=width, depth=depth, seed=seed)
    assemble(model, patterns, filter_)
    return model


def assemble(model: Autoencoder, patterns: torch.Tensor, filter_: Autoencoder) -> None:
    """Makes a filter's weights those of the decoder, in place.

    Args:
        model: of the spec of :func:`patch_transform`.
        patterns: its transform's.
        filter_: of :func:`restoration_filter`, of the same width and depth.
    """
    weights = filter_.state_dict()
    first = weights.pop("encoder.windows.weight")
    # The inverse transform and the filter's first layer are both linear, and so one layer: the
    # filter's first layer sees each pattern as an image.
    synthesis = {
        "decoder.synthesis.weight": torch.nn.functional.conv2d(patterns, first, stride=_SCALE),
        "decoder.synthesis.bias": weights.pop("encoder.windows.bias"),
    }
    encoder = {name: w for name, w in model.state_dict().items() if name.startswith("encoder.")}
    model.load_state_dict(encoder | synthesis | weights)


def linear_images(codes: torch.Tensor, patterns: torch.Tensor) -> torch.Tensor:
    """The images of codes (N, K, h, w) without any filter, float32 (N, C, H, W), not clamped."""
    with torch.no_grad():
        patch = patterns.shape[-1]
        parts = [
            torch.nn.functional.conv_transpose2d(part, patterns, stride=patch)
            for part in torch.split(codes, _IMAGES_AT_A_TIME)
        ]
        return torch.cat(parts)


def _check_patch(image_shape: Sequence[int], patch: int, channels: int) -> None:
    colours, height, width = image_shape
    whole_number("patch", patch)
    if height % patch or width % patch:
        raise UsageError(
            f"patch must divide the image's height and width, {height} and {width}, not {patch}"
        )
    whole_number("channels", channels, 1, colours * patch**2)
