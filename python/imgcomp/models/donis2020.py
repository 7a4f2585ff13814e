"""The network of Donis (2020), which compresses small images with one pass of ConvLSTMs."""

from __future__ import annotations

from imgcomp._checks import choice
from imgcomp.models import layers as nn
from imgcomp.models.model import Autoencoder
from imgcomp.models.specs import autoencoder_spec

_SLOPE = 0.2
_BITS = 32
"""Bits for each 16×16 pixels."""


def donis2020(
    cell: str = "lstm",
    activation: str = "leaky_relu",
    iterations: int = 1,
    reconstruction: str = "one_shot",
    input_shape: tuple[int, int, int] = (3, 32, 32),
    seed: int = 0,
    initialization: str = "chainer",
) -> Autoencoder:
    """The paper's network: 3×32×32 → 32×2×2 bits → 3×32×32, a quarter of Toderici's width.

    Convolution 32 with stride 2; cells of 64, 128 and 128 channels with stride 2, 3×3 kernels for
    input and state; the binarizer. Back: convolution 128; cells of 128 (2×2 kernels), 128, 64 and
    32 channels (3×3), each followed by depth to space; convolution 3 under tanh, halved. Inputs are
    x/255 − 0.5.

    Args:
        cell: ``"lstm"`` as in the paper, or ``"gru"``.
        activation: after both convolutions: ``"leaky_relu"`` (slope 0.2) as in the paper,
            ``"relu"``, or ``"none"``.
        iterations: 1 in the paper: the states are zero then.
        reconstruction: as `imgcomp.models.autoencoder_spec` takes it, without residual scaling.
        input_shape: (C, H, W) of the images; H and W multiples of 16.
        seed: of the weights.
        initialization: how they are drawn, as `imgcomp.models.autoencoder_spec` takes it; the paper
            does not say. LeCun's normal keeps most of the signal through seven cells, each of which
            halves it twice at the beginning; with the smaller weights of ``"pytorch"`` the image
            hardly reaches the code, and trainings stay long at one image for all.

    Raises:
        UsageError: an unknown cell or activation.
        SpecError: sides or a reconstruction that do not fit.
    """
    layer = {"lstm": nn.conv_lstm, "gru": nn.conv_gru}[choice("cell", cell, ("lstm", "gru"))]
    activated = {"leaky_relu": [nn.leaky_relu(_SLOPE)], "relu": [nn.relu()], "none": []}[
        choice("activation", activation, ("leaky_relu", "relu", "none"))
    ]
    encoder = [
        nn.conv2d(32, 3, stride=2, padding=1, name="conv"),
        *activated,
        layer(64, 3, stride=2, name="rnn1"),
        layer(128, 3, stride=2, name="rnn2"),
        layer(128, 3, stride=2, name="rnn3"),
        nn.conv2d(_BITS, 1, name="bits"),
        nn.tanh(name="bits_tanh"),
        nn.binarize(name="binarize"),
    ]
    decoder = [nn.conv2d(128, 3, padding=1, name="conv"), *activated]
    for position, (width, kernel) in enumerate(((128, 2), (128, 3), (64, 3), (32, 3)), start=1):
        decoder.append(layer(width, kernel, name=f"rnn{position}"))
        decoder.append(nn.depth_to_space(2, name=f"space{position}"))
    decoder += [
        nn.conv2d(input_shape[0], 3, padding=1, name="output"),
        nn.tanh(name="output_tanh"),
        nn.affine(0.5, name="halved"),
    ]
    spec = autoencoder_spec(
        input_shape,
        encoder,
        decoder,
        data_range=(-0.5, 0.5),
        initialization=initialization,
        iterations=iterations,
        reconstruction=reconstruction,
    )
    return Autoencoder(spec, seed)
