"""The network of bhattacharya2020: its size, its weights, and its function in plain PyTorch."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from imgcomp import models


def plain(widths, code_channels=1):
    """The text's layers in its order, as one would write them."""

    def block(*channels):
        return [
            layer
            for a, b in pairwise(channels)
            for layer in (nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
        ]

    first, second, third = widths
    return nn.Sequential(
        *block(1, *first), nn.MaxPool2d(2),
        *block(first[-1], *second), nn.MaxPool2d(2),
        *block(second[-1], *third, code_channels),
        *block(code_channels, 10, 28, 32), nn.Upsample(scale_factor=2),
        *block(32, 32, 32, 48), nn.Upsample(scale_factor=2),
        *block(48, 128), nn.Conv2d(128, 1, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def test_size():
    model = models.bhattacharya2020()
    encoder = sum(w.numel() for name, w in model.state_dict().items() if "encoder" in name)
    assert encoder == 98_601
    assert model.num_parameters - encoder == 99_689
    assert model.num_parameters == 198_290
    convolutions_and_resampling = [
        layer
        for part in model.spec["parts"].values()
        for layer in part
        if layer["kind"] not in ("relu", "tanh")
    ]
    # Ten layers in each half, as the text counts: convolutions, pooling and upsampling.
    assert len(convolutions_and_resampling) == 20
    assert model.code_shape == (1, 7, 7)
    assert models.bhattacharya2020(code_channels=4).code_shape == (4, 7, 7)


def test_glorot_uniform_weights_and_zero_biases():
    state = models.bhattacharya2020(seed=1).state_dict()
    kernel = state["encoder.conv1_2.weight"]
    bound = (6 / (9 * 128 + 9 * 50)) ** 0.5
    assert 0.95 * bound < kernel.abs().max() <= bound
    assert all(not tensor.any() for name, tensor in state.items() if name.endswith("bias"))


@pytest.mark.parametrize("channels_last", [False, True])
def test_it_is_the_network_of_the_paper(channels_last):
    """Values and all gradients; channels-last images take the fused operations."""
    model = models.bhattacharya2020(seed=2)
    reference = plain(((128, 50), (32, 32, 30), (20, 10)))
    parameters = list(reference.parameters())
    with torch.no_grad():
        for to, weight in zip(parameters, model.state_dict().values(), strict=True):
            to.copy_(weight)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.rand(2, 1, 28, 28).contiguous(memory_format=layout)
    ours, theirs = model(x), reference(x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    found = torch.autograd.grad((ours - x).square().mean(), model.parameters())
    wanted = torch.autograd.grad((theirs - x).square().mean(), parameters)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()) + 1e-9)
