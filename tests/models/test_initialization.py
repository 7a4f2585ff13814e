"""Fresh weights: PyTorch's to the bit, Keras's and Chainer's by their stated distributions."""

import pytest
import torch
from reference_networks import PAIRS
from torch import nn

from imgcomp import models
from imgcomp.models import layers


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", [0, 1, 12345678901])
def test_pytorch_is_torch_to_the_bit(name, seed):
    ours, theirs = PAIRS[name]
    torch.manual_seed(seed)
    reference = list(theirs().parameters())
    for parameter, expected in zip(ours(seed).parameters(), reference, strict=True):
        assert torch.equal(parameter, expected)


@pytest.mark.parametrize("fan_in", [1, 2, 3, 5, 7, 10, 11, 50, 127, 320, 784])
def test_pytorch_is_torch_whatever_the_fan_in(fan_in):
    # The bound is computed in another way there, so a last bit might differ.
    spec = models.classifier_spec((1, 1, fan_in), [layers.flatten(), layers.dense(2000)])
    for seed in range(3):
        model = models.from_spec(spec, seed)
        torch.manual_seed(seed)
        reference = nn.Linear(fan_in, 2000)
        weight, bias = model.parameters()
        assert torch.equal(weight, reference.weight)
        assert torch.equal(bias, reference.bias)


def test_pytorch_for_convolutions_of_both_kinds():
    spec = models.autoencoder_spec(
        (3, 8, 8),
        [layers.conv2d(5, [3, 2], bias=False), layers.conv2d(7, 3)],
        [layers.conv_transpose2d(4, 3), layers.conv_transpose2d(3, [3, 2], bias=False)],
    )
    torch.manual_seed(9)
    reference = nn.Sequential(
        nn.Conv2d(3, 5, (3, 2), bias=False),
        nn.Conv2d(5, 7, 3),
        nn.ConvTranspose2d(7, 4, 3),
        nn.ConvTranspose2d(4, 3, (3, 2), bias=False),
    )
    ours = models.from_spec(spec, 9).parameters()
    for parameter, expected in zip(ours, reference.parameters(), strict=True):
        assert torch.equal(parameter, expected)


# Layer, fan-in and fan-out as Keras and Chainer count them, for an input of 6 channels.
WEIGHTED = [
    (layers.conv2d(20, [5, 4]), 6 * 20, 20 * 20),
    (layers.conv_transpose2d(20, [5, 4]), 20 * 20, 6 * 20),
    (layers.dense(300), 6 * 30 * 30, 300),
]


def weight_and_bias(layer, initialization, seed=0):
    before = [layers.flatten()] if layer["kind"] == "dense" else []
    spec = models.classifier_spec(
        (6, 30, 30), [*before, layer, layers.flatten()], initialization=initialization
    )
    return [tensor.detach() for tensor in models.from_spec(spec, seed).parameters()]


@pytest.mark.parametrize(("layer", "fan_in", "fan_out"), WEIGHTED, ids=lambda v: str(v)[:20])
def test_keras_is_glorot_uniform(layer, fan_in, fan_out):
    weight, bias = weight_and_bias(layer, "keras")
    limit = (6 / (fan_in + fan_out)) ** 0.5
    assert weight.abs().max() <= limit
    assert weight.abs().max() > 0.98 * limit  # of thousands of draws, one comes near
    assert weight.mean().abs() < 0.05 * limit
    torch.testing.assert_close(weight.std().item(), limit / 3**0.5, rtol=0.05, atol=0)
    assert (bias == 0).all()


@pytest.mark.parametrize(("layer", "fan_in", "fan_out"), WEIGHTED, ids=lambda v: str(v)[:20])
def test_chainer_is_lecun_normal(layer, fan_in, fan_out):
    weight, bias = weight_and_bias(layer, "chainer")
    std = fan_in**-0.5
    torch.testing.assert_close(weight.std().item(), std, rtol=0.05, atol=0)
    beyond_two = (weight.abs() > 2 * std).double().mean().item()
    assert 0.03 < beyond_two < 0.06  # 4.6 % of a normal distribution
    assert (bias == 0).all()


@pytest.mark.parametrize("initialization", ["pytorch", "keras", "chainer"])
def test_the_seed_decides(initialization):
    layer = WEIGHTED[0][0]
    first, _ = weight_and_bias(layer, initialization, seed=3)
    torch.manual_seed(99)  # the global generator has no say
    torch.rand(7)
    again, _ = weight_and_bias(layer, initialization, seed=3)
    other, _ = weight_and_bias(layer, initialization, seed=4)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    models.feng2018_cnn(seed=1).to_torch()
    assert torch.equal(torch.get_rng_state(), before)
