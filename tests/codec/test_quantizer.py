"""Codes as whole numbers: levels that are fitted, levels that a network has learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import imgcomp
from imgcomp import models
from imgcomp.codec import Quantizer
from imgcomp.errors import UsageError
from imgcomp.models import layers

HALVES = Quantizer(torch.tensor([0.0, -1.0]), torch.tensor([0.5, 1.0]), 3)


def network(**options: Any) -> models.Autoencoder:
    spec = models.autoencoder_spec(
        (1, 28, 28),
        [layers.conv2d(3, 3, stride=2, padding=1, name="down"), layers.tanh()],
        [layers.upsample(2), layers.conv2d(1, 3, padding=1)],
        **options,
    )
    model = models.from_spec(spec, seed=3)
    assert isinstance(model, models.Autoencoder)
    return model


def test_levels_by_hand() -> None:
    code = torch.tensor([[-9.0, -2.0], [0.3, -0.6], [0.9, 0.4], [torch.inf, 7.0]])
    assert HALVES.symbols(code).tolist() == [[0, 0], [1, 0], [2, 1], [2, 2]]
    assert HALVES.symbols(code).dtype == torch.int32
    assert HALVES(code).tolist() == [[0.0, -1.0], [0.5, -1.0], [1.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_so_many_levels_and_the_nearest_of_them(bits: int) -> None:
    torch.manual_seed(1)
    codes = torch.randn(500, 3, 8) * torch.tensor([0.1, 1.0, 20.0])[:, None]
    quantizer = Quantizer.fit(codes, bits)
    found = quantizer(codes)
    for channel in range(3):
        values = codes[:, channel].flatten()
        levels = found[:, channel].unique()
        assert len(levels) <= 2**bits
        nearest = (values[:, None] - levels).abs().amin(dim=1)
        torch.testing.assert_close(nearest, (values - found[:, channel].flatten()).abs())
    assert int(quantizer.symbols(codes).min()) == 0
    assert int(quantizer.symbols(codes).max()) == 2**bits - 1
    low, high = codes.amin((0, 2)), codes.amax((0, 2))
    whole = Quantizer(low, (high - low) / (2**bits - 1), 2**bits)
    error, other = ((one(codes) - codes).square().mean(dim=(0, 2)) for one in (quantizer, whole))
    assert bool((error <= other).all())
    if bits > 1:  # outliers are given up
        assert bool((error < other).any())


def test_a_constant_channel_stays_as_it_is() -> None:
    codes = torch.full((10, 1), 3.0)
    assert torch.equal(Quantizer.fit(codes, 4)(codes), codes)


@given(st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_levels_are_their_own_nearest(levels: int, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    offset = torch.randn(2, generator=draws)
    step = torch.rand(2, generator=draws) + 0.01
    quantizer = Quantizer(offset, step, levels)
    symbols = torch.randint(levels, (4, 2, 3), generator=draws, dtype=torch.int32)
    assert torch.equal(quantizer.symbols(quantizer.values(symbols)), symbols)


def test_built_into_a_network_and_trained_there() -> None:
    model = network()
    images = imgcomp.datasets.load("digits").train.take(200)
    codes = model.encode(images.images.float() / 255)
    quantizer = Quantizer.fit(codes, 2)
    with_levels = quantizer.built_into(model)
    x = images.images[:20].float() / 255
    torch.testing.assert_close(with_levels.encode(x), quantizer(model.encode(x)))
    again = Quantizer.of(with_levels)
    assert torch.equal(again.offset, quantizer.offset)
    assert torch.equal(again.step, quantizer.step)
    assert again.levels == 4
    with pytest.raises(UsageError, match="already ends with quantize"):
        quantizer.built_into(with_levels)
    history = imgcomp.fit(with_levels, images, epochs=3, lr=1e-3, optimizer="adam", progress=False)
    assert history["loss"][-1] < history["loss"][0]
    trained = Quantizer.of(with_levels)
    assert not torch.equal(trained.step, quantizer.step)
    assert len(with_levels.encode(x)[:, 0].unique()) <= 4
    assert torch.equal(Quantizer.of(with_levels)(with_levels.encode(x)), with_levels.encode(x))


def test_bits_of_a_binarizer() -> None:
    model = models.donis2020(input_shape=(3, 32, 32))
    quantizer = Quantizer.of(model)
    assert quantizer.levels == 2
    bits = torch.tensor([[-1.0] * len(quantizer.offset), [1.0] * len(quantizer.offset)])
    assert torch.equal(quantizer(bits), bits)
    assert quantizer.symbols(bits).tolist() == [[0] * bits.shape[1], [1] * bits.shape[1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HALVES.symbols(torch.zeros(2, 3)), r"of shape \(N, 2, …\), not \(2, 3\)"),
        (lambda: HALVES.symbols(torch.zeros(2)), "floating point of shape"),
        (lambda: HALVES.symbols(torch.zeros(1, 2, dtype=torch.int64)), "floating point"),
        (lambda: HALVES.symbols(torch.full((1, 2), torch.nan)), "not NaN"),
        (lambda: Quantizer.fit(torch.zeros(0, 2), 3), "must not be empty"),
        (lambda: Quantizer.fit(torch.full((1, 2), torch.inf), 3), "must be finite"),
        (lambda: Quantizer.fit(torch.zeros(2, 2), 17), "bits must be a whole number in 1 … 16"),
        (lambda: Quantizer(torch.zeros(2), torch.zeros(2), 3), "2 values above 0"),
        (lambda: Quantizer(torch.zeros(2), torch.ones(3), 3), "2 values above 0"),
        (lambda: Quantizer(torch.zeros(2).double(), torch.ones(2), 3), "finite float32"),
        (lambda: Quantizer(torch.zeros(2), torch.ones(2), 1), "levels must be"),
        (lambda: Quantizer.of(network()), "must end with quantize or binarize, not tanh"),
        (
            lambda: HALVES.built_into(network()),
            r"2 channels do not fit a code of shape \(3, 14, 14\)",
        ),
    ],
)
def test_what_does_not_fit_is_said(call: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()
