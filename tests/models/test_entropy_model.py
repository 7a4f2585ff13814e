"""Latents under a conditional entropy model: rounding, bits, what they depend on, training."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import imgcomp
from imgcomp import models
from imgcomp.errors import SpecError, UsageError
from imgcomp.models import layers

GROUPS = (1, 2, 3)


def network(
    groups: tuple[int, ...] = GROUPS, hidden: int = 5, gain: float = 2.0, seed: int = 0
) -> models.Autoencoder:
    """1×8×8 images, latents of 6×4×4, with weights of every kind away from 0."""
    encoder = [
        layers.conv2d(sum(groups), 2, stride=2, name="analysis"),
        layers.residual(4, name="block"),
        layers.entropy_model(groups, hidden, gain=gain, name="code"),
    ]
    decoder = [layers.conv_transpose2d(1, 2, stride=2, name="synthesis")]
    model = models.Autoencoder(models.autoencoder_spec((1, 8, 8), encoder, decoder), seed)
    draws = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        tensor.add_(0.2 * torch.randn(tensor.shape, generator=draws))
    return model


def latent(model: models.Autoencoder, x: torch.Tensor) -> torch.Tensor:
    """What goes into the entropy model."""
    state = model.state_dict()
    y = nn.functional.conv2d(
        x, state["encoder.analysis.weight"], state["encoder.analysis.bias"], stride=2
    )
    first, second = (
        [state[f"encoder.block.{name}.{part}"] for part in ("weight", "bias")]
        for name in ("first", "second")
    )
    inside = nn.functional.leaky_relu(nn.functional.conv2d(y, *first, padding=1), 0.1)
    return y + nn.functional.conv2d(inside, *second, padding=1)


def bits_one_by_one(model: models.Autoencoder, values: torch.Tensor) -> torch.Tensor:
    """Bits of each value (N, C, H, W), each from only those that a decoder has by then."""
    state = {
        name.removeprefix("encoder.code."): tensor.double()
        for name, tensor in model.state_dict().items()
    }
    values = values.double()
    even = torch.tensor([[(row + column) % 2 == 0 for column in range(4)] for row in range(4)])
    known = torch.zeros_like(values)
    found = torch.zeros_like(values)
    first = 0
    for i, size in enumerate(GROUPS):
        own = slice(first, first + size)
        for half in (even, ~even):
            # Everything that is not known is 0.
            if first:
                weight, bias = state[f"group{i}.earlier.weight"], state[f"group{i}.earlier.bias"]
                hidden = nn.functional.conv2d(known[:, :first], weight, bias, padding=1)
            else:
                hidden = state[f"group{i}.bias"].view(1, -1, 1, 1).expand(len(values), -1, 4, 4)
            if half is not even:
                weight, bias = state[f"group{i}.anchors.weight"], state[f"group{i}.anchors.bias"]
                hidden = hidden + nn.functional.conv2d(known[:, own], weight, bias, padding=1)
            for name in ("between", "last"):
                hidden = nn.functional.leaky_relu(hidden, 0.125)
                weight, bias = state[f"group{i}.{name}.weight"], state[f"group{i}.{name}.bias"]
                hidden = nn.functional.conv2d(hidden, weight, bias)
            mean, log_scale = hidden[:, :size], hidden[:, size:].clamp(-4, 6)
            upper, lower = (
                torch.sigmoid((values[:, own] + end - mean) / log_scale.exp())
                for end in (0.5, -0.5)
            )
            found[:, own][..., half] = -(upper - lower).clamp(min=1e-9).log2()[..., half]
            known[:, own][..., half] = values[:, own][..., half]
        first += size
    return found


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(256, (7, 1, 8, 8), dtype=torch.uint8)


def test_values_are_rounded_in_steps_of_the_gain(images: torch.Tensor) -> None:
    model = network()
    x = images.float() / 255
    gain = model.state_dict()["encoder.code.log_gain"].exp().view(1, -1, 1, 1)
    expected = (latent(model, x) * gain).round() / gain
    torch.testing.assert_close(model.encode(x), expected, rtol=0, atol=1e-5)


def test_bits_are_those_of_a_decoder_that_goes_step_by_step(images: torch.Tensor) -> None:
    model = network()
    x = images.float() / 255
    gain = model.state_dict()["encoder.code.log_gain"].exp().view(1, -1, 1, 1)
    expected = bits_one_by_one(model, (latent(model, x) * gain).round())
    assert expected.std() > 0.5  # neither all alike nor all at the bound
    assert expected.max() < 29
    found = imgcomp.evaluate(model, images, objective="rate")
    assert found["loss"] == pytest.approx(float(expected.sum()) / 7 / 64, rel=1e-5)
    assert found["bpp"] == pytest.approx(found["loss"])


def test_a_fresh_model_has_one_distribution_for_all(images: torch.Tensor) -> None:
    spec = network().spec
    model = models.Autoencoder(spec)
    codes = model.encode(images.float() / 255).detach()
    values = (codes * 2).round()
    assert torch.equal(values / 2, codes)
    distance = values.double().abs()
    bits = -(torch.sigmoid(0.5 - distance) - torch.sigmoid(-0.5 - distance)).log2()
    found = imgcomp.evaluate(model, images, objective="rate")
    assert found["loss"] == pytest.approx(float(bits.sum()) / 7 / 64, rel=1e-5)


def test_outliers_cost_thirty_bits(images: torch.Tensor) -> None:
    model = models.Autoencoder(network(gain=1e5).spec)
    found = imgcomp.evaluate(model, images, objective="rate")
    assert found["loss"] == pytest.approx(96 / 64 * -math.log2(1e-9), rel=0.05)


def smooth_images(count: int) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 1, 2, 2, generator=draws)
    fine = nn.functional.interpolate(coarse, size=8, mode="bilinear", align_corners=True)
    return (fine * 255).to(torch.uint8)


@pytest.mark.parametrize("weight", [30.0, 3000.0])
def test_training_weighs_bits_against_errors(weight: float) -> None:
    data = smooth_images(600)
    model = models.Autoencoder(network(gain=16.0).spec, seed=1)
    config = {"epochs": 15, "batch_size": 20, "optimizer": "adam", "lr": 5e-3, "progress": False}
    history = imgcomp.fit(model, data, objective=f"rate+{weight:g}*mse", **config)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    found = imgcomp.evaluate(model, data, objective=f"rate+{weight:g}*mse")
    plain = imgcomp.evaluate(model, data, objective="mse")
    assert found["loss"] == pytest.approx(found["bpp"] + weight * plain["loss"], rel=1e-5)
    # Few bits where they weigh much, few errors where these do.
    low = weight < 100
    assert (found["bpp"] < 0.6) == low
    assert (found["psnr"] > 27) == (not low)


def test_the_noise_belongs_to_the_images() -> None:
    data = smooth_images(64)
    found = []
    for threads in (1, 2):
        model = network(seed=3)
        imgcomp.fit(
            model, data, objective="rate+100*mse", epochs=2, batch_size=32, optimizer="adam",
            seed=5, threads=threads, progress=False,
        )  # fmt: skip
        found.append(model.state_dict())
    for name, tensor in found[0].items():
        torch.testing.assert_close(found[1][name], tensor, rtol=1e-3, atol=1e-4)


def test_distortion_alone_trains_all_but_the_rate() -> None:
    model = network(seed=3)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    imgcomp.fit(model, smooth_images(64), epochs=1, lr=1e-3, optimizer="adam", progress=False)
    after = model.state_dict()
    changed = {name for name, old in before.items() if not torch.equal(after[name], old)}
    assert "encoder.analysis.weight" in changed
    assert not any("group" in name for name in changed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": [1, 2]}, "all 6 channels of the input together, not 3"),
        ({"groups": [0, 6]}, "sizes of at least 1, not 0"),
        ({"groups": [6], "kernel_size": 4}, "must be odd"),
        ({"groups": [6], "hidden_channels": 0}, "hidden_channels"),
    ],
)
def test_what_does_not_fit_is_said(options: dict, message: str) -> None:
    spec = network().spec
    layer = spec["parts"]["encoder"][-1]
    layer |= options
    with pytest.raises(SpecError, match=message):
        models.Autoencoder(spec)


def test_the_rate_needs_an_entropy_model() -> None:
    gray = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)
    with pytest.raises(UsageError, match="needs a network without iterations whose encoder ends"):
        imgcomp.fit(models.feng2018_ann(), gray, objective="rate", progress=False)
    colour = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(UsageError, match="needs a network without iterations"):
        imgcomp.fit(models.donis2020(), colour, objective="rate+mse", progress=False)
