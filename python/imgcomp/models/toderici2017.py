"""The networks of Toderici et al. (2017), "Full Resolution Image Compression with Recurrent …"."""

from __future__ import annotations

from imgcomp._checks import choice, real_number
from imgcomp.models import layers as nn
from imgcomp.models.model import Autoencoder
from imgcomp.models.specs import autoencoder_spec

_BITS = 32
"""Bits for each 16×16 pixels and iteration: ⅛ bit per pixel."""

_CELLS = {
    "lstm": (nn.conv_lstm, nn.conv_lstm),
    "associative_lstm": (nn.conv_lstm, nn.conv_associative_lstm),
    "gru": (nn.conv_gru, nn.conv_gru),
}
"""Of the encoder and of the decoder."""


def toderici2017(
    cell: str = "lstm",
    reconstruction: str = "one_shot",
    width: float = 1.0,
    iterations: int = 16,
    input_shape: tuple[int, int, int] = (3, 32, 32),
    seed: int = 0,
    initialization: str = "chainer",
) -> Autoencoder:
    """The compressor of section 3: 32 bits for each 16×16 pixels in every iteration.

    Encoder: convolution 64 with stride 2; cells of 256, 512 and 512 channels with stride 2 (3×3
    kernels, 1×1 for the state); the binarizer. Decoder: 1×1 convolution 512; cells of 512 (2×2),
    512, 256 and 128 channels (3×3; 1×1 for the state of the first two, 3×3 for the others), each
    followed by depth to space; 1×1 convolution under tanh. Inputs are x/255 − 0.5.

    With ``reconstruction="residual_scaling"`` five convolutions of stride 2 (four of 32 channels
    3×3, one 2×2, each under ELU) give one gain for each 32×32 pixels, plus 2.

    Args:
        cell: ``"lstm"``, ``"gru"``, or ``"associative_lstm"``: in the decoder alone, where it was
            found to help; the encoder then has LSTMs.
        reconstruction: ``"one_shot"``, ``"additive"`` or ``"residual_scaling"``.
        width: factor of all channels but those of the bits and the image; 1 in the paper.
        iterations: at most 16 in the paper.
        input_shape: (C, H, W), sides multiples of 16 (of 32 with residual scaling).
        seed: of the weights.
        initialization: how they are drawn, as `imgcomp.models.autoencoder_spec` takes it; the paper
            does not say. LeCun's normal keeps most of the signal through seven cells, each of which
            halves it twice at the beginning; with the smaller weights of ``"pytorch"`` the image
            hardly reaches the code, and trainings stay long at one image for all.

    Raises:
        UsageError: an unknown cell, or a width that leaves nothing.
        SpecError: sides or a reconstruction that do not fit.
    """
    encoding, decoding = _CELLS[choice("cell", cell, tuple(_CELLS))]
    factor = real_number("width", width, above=True)

    def wide(channels: int) -> int:
        # Of four, for depth to space.
        return max(4, round(channels * factor / 4) * 4)

    encoder = [
        nn.conv2d(wide(64), 3, stride=2, padding=1, name="conv"),
        encoding(wide(256), 3, stride=2, state_kernel_size=1, name="rnn1"),
        encoding(wide(512), 3, stride=2, state_kernel_size=1, name="rnn2"),
        encoding(wide(512), 3, stride=2, state_kernel_size=1, name="rnn3"),
        nn.conv2d(_BITS, 1, name="bits"),
        nn.tanh(name="bits_tanh"),
        nn.binarize(name="binarize"),
    ]
    decoder = [nn.conv2d(wide(512), 1, name="conv")]
    cells = ((512, 2, 1), (512, 3, 1), (256, 3, 3), (128, 3, 3))
    for position, (channels, kernel, state) in enumerate(cells, start=1):
        decoder.append(
            decoding(wide(channels), kernel, state_kernel_size=state, name=f"rnn{position}")
        )
        decoder.append(nn.depth_to_space(2, name=f"space{position}"))
    decoder += [nn.conv2d(input_shape[0], 1, name="output"), nn.tanh(name="output_tanh")]
    gain = None
    if reconstruction == "residual_scaling":
        gain = []
        for position in range(1, 5):
            gain.append(nn.conv2d(wide(32), 3, stride=2, padding=1, name=f"conv{position}"))
            gain.append(nn.elu(name=f"elu{position}"))
        gain += [nn.conv2d(1, 2, stride=2, name="conv5"), nn.elu(name="elu5")]
        gain.append(nn.affine(1.0, 2.0, name="above_one"))
    spec = autoencoder_spec(
        input_shape,
        encoder,
        decoder,
        data_range=(-0.5, 0.5),
        initialization=initialization,
        iterations=iterations,
        reconstruction=reconstruction,
        gain=gain,
    )
    return Autoencoder(spec, seed)
