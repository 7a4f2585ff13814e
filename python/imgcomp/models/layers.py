"""Layers as data: each function returns one entry of a network spec.

A network is a list of such entries for each of its parts; the C++ core checks and interprets them.
``name`` may be left out: the builder then calls the layer by its kind and position. Whole numbers
that stand for both axes may also be given as ``[height, width]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LayerSpec = dict[str, Any]
IntOrPair = int | Sequence[int]


def _layer(kind: str, name: str | None, **options: Any) -> LayerSpec:
    layer: LayerSpec = {"kind": kind}
    if name is not None:
        layer["name"] = name
    for key, value in options.items():
        if value is not None:
            is_pair = isinstance(value, Sequence) and not isinstance(value, str)
            layer[key] = list(value) if is_pair else value
    return layer


def conv2d(
    out_channels: int,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: IntOrPair | None = None,
    dilation: IntOrPair | None = None,
    bias: bool | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Convolution (C, H, W) → (out_channels, H', W'), H' = ⌊(H + 2p − d(k − 1) − 1) / s⌋ + 1."""
    return _layer(
        "conv2d",
        name,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        bias=bias,
    )


def conv_transpose2d(
    out_channels: int,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: IntOrPair | None = None,
    output_padding: IntOrPair | None = None,
    bias: bool | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Transposed convolution (C, H, W) → (out_channels, H', W'), H' = (H − 1)s − 2p + k + o."""
    return _layer(
        "conv_transpose2d",
        name,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        bias=bias,
    )


def _recurrent(
    kind: str,
    out_channels: int,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    state_kernel_size: IntOrPair | None,
    bias: bool | None,
    name: str | None,
) -> LayerSpec:
    return _layer(
        kind,
        name,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=stride,
        state_kernel_size=state_kernel_size,
        bias=bias,
    )


def conv_lstm(
    out_channels: int,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    state_kernel_size: IntOrPair | None = None,
    bias: bool | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Convolutional long short-term memory (C, H, W) → (out_channels, ⌈H / s⌉, ⌈W / s⌉).

    Its state begins as zero for each image and is carried from one iteration to the next; see
    :func:`imgcomp.models.autoencoder_spec`. Convolutions are padded to keep the size, even kernels
    below and to the right. In its weights the gates lie in the order forget, input, output,
    candidate.

    Args:
        out_channels: of the hidden state, which is the output.
        kernel_size: of the input's convolution.
        stride: of the input's convolution.
        state_kernel_size: of the state's convolution; by default ``kernel_size``.
        bias: whether the gates have one (default true).
        name: of the layer.
    """
    return _recurrent("conv_lstm", out_channels, kernel_size, stride, state_kernel_size, bias, name)


def conv_associative_lstm(
    out_channels: int,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    state_kernel_size: IntOrPair | None = None,
    bias: bool | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Convolutional associative LSTM; as :func:`conv_lstm`, with an even number of channels.

    The state is complex: the first half of the channels are real parts, the second half imaginary
    ones. With x the input, h the output and ∘ the product of complex numbers::

        f, i, o = σ(W x + U h + b)                  real, one for each complex number
        j, rᵢ, rₒ = bound(W x + U h + b)            complex
        c ← f c + rᵢ ∘ (i j)
        h ← o bound(rₒ ∘ c)                         bound(z) = z / max(1, |z|)

    Toderici et al. (2017), "Full Resolution Image Compression with Recurrent Neural Networks",
    section 3.1, after Danihelka et al. (2016), "Associative Long Short-Term Memory". The latter
    keep several permuted copies of the memory; with images, where Toderici et al. say nothing of
    them, one is kept. Chosen too: no bias of the forget gate's own.
    """
    return _recurrent(
        "conv_associative_lstm", out_channels, kernel_size, stride, state_kernel_size, bias, name
    )


def conv_gru(
    out_channels: int,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    state_kernel_size: IntOrPair | None = None,
    bias: bool | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Convolutional gated recurrent unit; as :func:`conv_lstm`.

    In its weights the gates lie in the order reset, update, candidate.
    """
    return _recurrent("conv_gru", out_channels, kernel_size, stride, state_kernel_size, bias, name)


def binarize(*, name: str | None = None) -> LayerSpec:
    """Values in −1 … 1 to −1 or +1: by their sign, in training +1 with probability (1 + x) / 2.

    The gradient goes straight through (Toderici et al. 2016, section 3.2).
    """
    return _layer("binarize", name)


def quantize(levels: int, *, name: str | None = None) -> LayerSpec:
    """Values to the nearest of so many equally spaced levels, which each channel learns.

    Channel c has the levels ``offset[c] + k · |step[c]|``, k = 0 … levels − 1; at first they span
    0 … 1. The gradient goes through the rounding as if it were not there, but not beyond the
    outermost levels (Esser et al. 2020, "Learned Step Size Quantization", section 2).

    Args:
        levels: 2 … 65536.
        name: of the layer.
    """
    return _layer("quantize", name, levels=levels)


def residual(
    hidden_channels: int,
    *,
    kernel_size: int | None = None,
    negative_slope: float | None = None,
    name: str | None = None,
) -> LayerSpec:
    """What comes in plus what two convolutions make of it, with a leaky ReLU between them.

    The second convolution begins with zeros: at first the block changes nothing (He et al. 2016;
    Zhang et al. 2019, "Fixup Initialization").

    Args:
        hidden_channels: between the convolutions.
        kernel_size: of both, odd; 3 by default.
        negative_slope: of the leaky ReLU, 0.1 by default.
        name: of the layer.
    """
    return _layer(
        "residual",
        name,
        hidden_channels=hidden_channels,
        kernel_size=kernel_size,
        negative_slope=negative_slope,
    )


def entropy_model(
    groups: Sequence[int],
    hidden_channels: int,
    *,
    kernel_size: int | None = None,
    gain: float | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Rounds a latent to whole steps, and counts the bits that these take.

    Each channel is multiplied by a gain that is learnt, rounded, and divided by it again. The
    values are coded group of channels by group of channels (Minnen and Singh 2020), in each group
    first those where row + column is even, then the others (He et al. 2021): a small network gives
    the mean and the scale of each from those before it, under a logistic distribution. In training
    the rate sees uniform noise in place of rounding, the decoder rounded values. The objective
    ``rate`` is the bits per pixel; the last layer of an encoder.

    Args:
        groups: channels of each group; together those of the input.
        hidden_channels: of the small networks.
        kernel_size: of their first convolution, odd; 3 by default.
        gain: at first, of every channel; 1 by default.
        name: of the layer.
    """
    return _layer(
        "entropy_model",
        name,
        groups=list(groups),
        hidden_channels=hidden_channels,
        kernel_size=kernel_size,
        gain=gain,
    )


def depth_to_space(factor: int = 2, *, name: str | None = None) -> LayerSpec:
    """(C · factor², H, W) → (C, H · factor, W · factor), as torch.nn.PixelShuffle."""
    return _layer("depth_to_space", name, factor=factor)


def dense(
    out_features: int | None = None,
    *,
    tied_to: str | None = None,
    bias: bool | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Fully connected layer (in,) → (out_features,).

    Args:
        out_features: size of the output; may be left out where ``tied_to`` tells it.
        tied_to: ``"<part>.<layer>"`` of an earlier dense layer whose weight is used transposed: one
            parameter tensor serves both. The bias remains each layer's own.
        bias: whether there is one (default true).
        name: of the layer.
    """
    return _layer("dense", name, out_features=out_features, tied_to=tied_to, bias=bias)


def max_pool2d(
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: IntOrPair | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Maximum over windows; the stride is the window's size unless given."""
    return _layer("max_pool2d", name, kernel_size=kernel_size, stride=stride, padding=padding)


def avg_pool2d(
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: IntOrPair | None = None,
    name: str | None = None,
) -> LayerSpec:
    """Mean over windows, zeros of the padding counted; the stride is the window's size."""
    return _layer("avg_pool2d", name, kernel_size=kernel_size, stride=stride, padding=padding)


def upsample(factor: int = 2, *, mode: str = "nearest", name: str | None = None) -> LayerSpec:
    """Spatial sizes times ``factor``.

    Args:
        factor: 2 doubles height and width.
        mode: ``"nearest"``: each value fills its window of ``factor`` × ``factor``;
            ``"bilinear"``, between pixel centres; ``"zeros"``: unpooling, each value in the upper
            left of its window with zeros around it.
        name: of the layer.
    """
    return _layer("upsample", name, factor=factor, mode=mode)


def flatten(*, name: str | None = None) -> LayerSpec:
    """(C, H, W) → (C · H · W,), in that order."""
    return _layer("flatten", name)


def reshape(shape: Sequence[int], *, name: str | None = None) -> LayerSpec:
    """To ``shape`` (without the batch axis); the number of values stays."""
    return _layer("reshape", name, shape=shape)


def relu(*, name: str | None = None) -> LayerSpec:
    """max(x, 0)."""
    return _layer("relu", name)


def affine(factor: float = 1.0, offset: float = 0.0, *, name: str | None = None) -> LayerSpec:
    """Multiplies by ``factor`` and adds ``offset``, which are not trained."""
    return _layer("affine", name, factor=float(factor), offset=float(offset))


def elu(*, name: str | None = None) -> LayerSpec:
    """Identity where x is positive, else exp(x) − 1."""
    return _layer("elu", name)


def leaky_relu(negative_slope: float = 0.01, *, name: str | None = None) -> LayerSpec:
    """Identity where x is positive, else negative_slope · x."""
    return _layer("leaky_relu", name, negative_slope=float(negative_slope))


def sigmoid(*, name: str | None = None) -> LayerSpec:
    """1 / (1 + exp(−x))."""
    return _layer("sigmoid", name)


def tanh(*, name: str | None = None) -> LayerSpec:
    """Hyperbolic tangent."""
    return _layer("tanh", name)


def dropout(p: float = 0.5, *, name: str | None = None) -> LayerSpec:
    """In training, sets values to 0 with probability p and scales the others by 1 / (1 − p)."""
    return _layer("dropout", name, p=float(p))


def dropout2d(p: float = 0.5, *, name: str | None = None) -> LayerSpec:
    """Dropout of whole channels."""
    return _layer("dropout2d", name, p=float(p))
