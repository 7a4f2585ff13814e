"""The networks of donis2020 and toderici2017: sizes, codes, and what can be changed."""

import pytest
import torch
from reference_networks import refused

from imgcomp import models
from imgcomp.errors import SpecError, UsageError


def test_donis2020():
    model = models.donis2020()
    assert model.code_shape == (1, 32, 2, 2)  # 128 bits
    assert model.data_range == (-0.5, 0.5)
    # Convolutions: 32·27 + 32, 32·128 + 32, 128·9·32 + 128, 3·9·8 + 3; cells of c channels on i:
    # 4c(9i + 9c) + 4c, with 4 in place of 9 for the 2×2 kernels.
    cells = [(32, 64, 9), (64, 128, 9), (128, 128, 9), (128, 128, 4), (32, 128, 9), (32, 64, 9),
             (16, 32, 9)]  # fmt: skip
    weights = sum(4 * c * area * (i + c) + 4 * c for i, c, area in cells)
    assert model.num_parameters == weights + 896 + 4128 + 36_992 + 219
    images = model(torch.rand(2, 3, 32, 32) - 0.5)
    assert images.shape == (2, 3, 32, 32)
    assert images.abs().max() < 0.5


def test_weights_are_shared_over_the_iterations():
    one, many = models.donis2020(), models.donis2020(iterations=16)
    assert many.num_parameters == one.num_parameters
    assert many.code_shape == (16, 32, 2, 2)
    torch.testing.assert_close(
        many.reconstructions(torch.zeros(1, 3, 32, 32))[0], one(torch.zeros(1, 3, 32, 32))
    )


def test_toderici2017_at_full_width():
    model = models.toderici2017()
    assert model.code_shape == (16, 32, 2, 2)  # an eighth of a bit per pixel and iteration
    assert model.state_dict()["encoder.rnn3.weight"].shape == (2048, 512, 3, 3)
    assert model.state_dict()["decoder.rnn4.state_weight"].shape == (512, 128, 3, 3)


def test_the_associative_lstm_is_in_the_decoder_alone():
    model = models.toderici2017("associative_lstm", width=0.5, iterations=2)
    plain = models.toderici2017("lstm", width=0.5, iterations=2)

    def cells(network, part):
        return [layer["kind"] for layer in network.spec["parts"][part] if "rnn" in layer["name"]]

    assert cells(model, "encoder") == ["conv_lstm"] * 3
    assert cells(model, "decoder") == ["conv_associative_lstm"] * 4
    # Nine gates for two channels in place of eight: 4.5 c on i channels of 4 or 9 places and on c
    # channels of 1 or 9.
    decoder = [(256, 256, 4, 1), (64, 256, 9, 1), (64, 128, 9, 9), (32, 64, 9, 9)]
    more = sum(c * (area * i + state * c + 1) // 2 for i, c, area, state in decoder)
    assert model.num_parameters == plain.num_parameters + more
    assert model.state_dict()["decoder.rnn4.state_weight"].shape == (288, 64, 3, 3)


@pytest.mark.parametrize("cell", ["lstm", "associative_lstm", "gru"])
@pytest.mark.parametrize("reconstruction", ["one_shot", "additive", "residual_scaling"])
def test_toderici2017_narrower(cell, reconstruction):
    model = models.toderici2017(cell, reconstruction, width=1 / 16, iterations=2)
    x = torch.rand(1, 3, 64, 32) - 0.5  # any multiples
    images = model.reconstructions(x)
    assert [image.shape for image in images] == [x.shape] * 2
    assert model.encode(x).shape == (1, 2, 32, 4, 2)
    gray = models.toderici2017(cell, reconstruction, 1 / 16, 1, (1, 32, 32))
    assert gray(torch.zeros(1, 1, 32, 32)).shape == (1, 1, 32, 32)


def test_what_does_not_fit():
    with refused(UsageError, "cell", "lstm", "peephole"):
        models.donis2020(cell="peephole")
    with refused(UsageError, "cell", "associative_lstm", "peephole"):
        models.toderici2017("peephole")
    with refused(UsageError, "activation", "swish"):
        models.donis2020(activation="swish")
    with refused(SpecError, "'gain'"):
        models.donis2020(reconstruction="residual_scaling")
    with refused(UsageError, "width"):
        models.toderici2017(width=0.0)
