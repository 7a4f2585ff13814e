"""The network of Bhattacharya (2020), "Image Compression using Convolutional Autoencoder"."""

from __future__ import annotations

from imgcomp.models import layers as nn
from imgcomp.models.model import Autoencoder
from imgcomp.models.specs import autoencoder_spec

# Output channels of the convolutions, a tuple for each size of the image. The paper prints the
# order of the layers and the totals of parameters, and of the widths only that they fall from 128
# to 1 and rise back: these are ours, and give the totals exactly.
_ENCODER = ((128, 50), (32, 32, 30), (20, 10))
_DECODER = ((10, 28, 32), (32, 32, 48), (128,))


def bhattacharya2020(code_channels: int = 1, seed: int = 0) -> Autoencoder:
    """The 20-layer convolutional autoencoder of section 4: 28×28 → code 7×7×1 → 28×28.

    3×3 convolutions that keep the size, each followed by ReLU; two of them, 2×2 max pooling, three,
    pooling, two and the code; back with three, nearest upsampling by 2, three, upsampling, one and
    the output under tanh. 98,601 parameters in the encoder and 99,689 in the decoder, as the paper
    has it. Images are in [0, 1]; weights are drawn as Keras does (Glorot-uniform, zero biases).

    The code is a single channel under ReLU. It is zero for every image, and stays so, where all its
    inputs fall below zero: see `imgcomp.papers.bhattacharya2020`.

    Args:
        code_channels: channels of the 7×7 code; 1 in the paper.
        seed: of the weights.
    """
    encoder: list[nn.LayerSpec] = []
    for block, widths in enumerate(_ENCODER, start=1):
        for position, width in enumerate(widths, start=1):
            encoder += _convolution(width, f"conv{block}_{position}")
        if block < len(_ENCODER):
            encoder.append(nn.max_pool2d(2, name=f"pool{block}"))
    encoder += _convolution(code_channels, "code")

    decoder: list[nn.LayerSpec] = []
    for block, widths in enumerate(_DECODER, start=1):
        for position, width in enumerate(widths, start=1):
            decoder += _convolution(width, f"conv{block}_{position}")
        if block < len(_DECODER):
            decoder.append(nn.upsample(2, name=f"upsample{block}"))
    decoder += [nn.conv2d(1, 3, padding=1, name="output"), nn.tanh(name="output_tanh")]
    spec = autoencoder_spec((1, 28, 28), encoder, decoder, initialization="keras")
    return Autoencoder(spec, seed)


def _convolution(width: int, name: str) -> list[nn.LayerSpec]:
    return [nn.conv2d(width, 3, padding=1, name=name), nn.relu(name=f"{name}_relu")]
