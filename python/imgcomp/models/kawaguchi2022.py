"""The networks of Kawaguchi (2022), "Image Compression using Convolutional Networks"."""

from __future__ import annotations

from imgcomp.models import layers as nn
from imgcomp.models.model import Autoencoder
from imgcomp.models.specs import autoencoder_spec

_IMAGE = (3, 32, 32)


def kawaguchi2022_1(
    final_relu: bool = True,
    data_range: tuple[float, float] = (-1.0, 1.0),
    code_channels: int = 2,
    seed: int = 0,
) -> Autoencoder:
    """Model 1 of section 6.1 and appendix 9.1: 3×32×32 → code 2×16×16 → 3×32×32.

    Weights are drawn as PyTorch does.

    Args:
        final_relu: whether ReLU follows the last convolution, as in the paper. It cannot give the
            negative half of the data range.
        data_range: what bytes 0 and 255 become; [-1, 1] in the paper.
        code_channels: channels of the 16×16 code; 2 in the paper.
        seed: of the weights.
    """
    encoder = [
        *_convolution(32, "conv1"),
        *_convolution(16, "conv2"),
        *_convolution(code_channels, "conv3"),
        nn.max_pool2d(2, name="pool"),
    ]
    decoder = [
        nn.conv_transpose2d(16, 2, stride=2, name="deconv1"),
        nn.relu(name="deconv1_relu"),
        *_convolution(32, "conv2"),
        nn.conv2d(3, 3, padding=1, name="conv3"),
    ]
    if final_relu:
        decoder.append(nn.relu(name="conv3_relu"))
    return Autoencoder(autoencoder_spec(_IMAGE, encoder, decoder, data_range=data_range), seed)


def kawaguchi2022_2(code_channels: int = 64, seed: int = 0) -> Autoencoder:
    """Model 2 of section 6.4: 3×32×32 → code 64×16×16 → 3×32×32.

    The code has 16,384 values where the image has 3,072 bytes. Chainer's unpooling repeats each
    value over its window, so it is nearest upsampling here. Images are in [0, 1]. Weights are drawn
    as Chainer does (LeCun-normal, zero biases).

    Args:
        code_channels: channels of the 16×16 code; 64 in the paper.
        seed: of the weights.
    """
    encoder = [
        *_convolution(32, "conv1"),
        nn.max_pool2d(2, name="pool"),
        *_convolution(code_channels, "conv2"),
    ]
    decoder = [
        nn.upsample(2, name="unpool"),
        nn.conv2d(3, 3, padding=1, name="conv3"),
        nn.sigmoid(name="output"),
    ]
    spec = autoencoder_spec(_IMAGE, encoder, decoder, initialization="chainer")
    return Autoencoder(spec, seed)


def _convolution(width: int, name: str) -> list[nn.LayerSpec]:
    return [nn.conv2d(width, 3, padding=1, name=name), nn.relu(name=f"{name}_relu")]
