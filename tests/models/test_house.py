"""The house network: a codec of patches at first, better after a few steps."""

from __future__ import annotations

import math

import pytest
import torch

import imgcomp
from imgcomp import codec, models
from imgcomp.errors import SpecError, UsageError
from imgcomp.models.house import house, house_spec
from imgcomp.models.pixels import codes_of, images_of

LAMBDAS = [100.0, 1000.0, 10_000.0]
SMALL = {"width": 8, "context": 8, "kernel_size": 3, "encoder_blocks": 1, "decoder_blocks": 1}


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return imgcomp.datasets.load("digits").train.images[:300]


def psnr(images: torch.Tensor, others: torch.Tensor) -> float:
    return float(imgcomp.metrics.psnr(images, others).mean())


def test_its_layers() -> None:
    spec = house_spec((3, 32, 32), LAMBDAS, groups=(4, 8), inner=20)
    names = {part: [each["name"] for each in spec["parts"][part]] for part in spec["parts"]}
    assert names == {
        "encoder": ["transform", "analysis0", "analysis1", "narrow", "code"],
        "decoder": ["widen", "synthesis0", "synthesis1", "synthesis2", "image"],
    }
    model = models.from_spec(spec)
    assert model.code_shape == (12, 8, 8)
    assert spec["lambdas"] == LAMBDAS
    plain = house_spec((3, 32, 32), LAMBDAS, groups=(4, 8), encoder_blocks=0)
    assert [each["name"] for each in plain["parts"]["encoder"]] == ["transform", "code"]
    # The gain at which a rounding error of 1/12 step² weighs as much as half a bit's derivative:
    # step² = 6 · 3 / (lambda · ln 2).
    gains = model.state_dict()["encoder.code.log_gain"][:, 0].exp()
    steps = [math.sqrt(6 * 3 / (value * math.log(2))) for value in LAMBDAS]
    assert (1 / gains).tolist() == pytest.approx(steps)


@pytest.mark.parametrize("inner", [None, 9])
def test_it_begins_as_the_codec_of_patches(images: torch.Tensor, inner: int | None) -> None:
    model = house(images, LAMBDAS, groups=(2, 4), inner=inner, data_range=(0.0, 1.0), **SMALL)
    state = model.state_dict()
    patterns = state["decoder.image.weight"][:6].flatten(1)
    torch.testing.assert_close(patterns @ patterns.T, torch.eye(6), rtol=0, atol=1e-5)
    # Patches of 4×4, their coordinates rounded, and back.
    patches = torch.nn.functional.unfold(images.float() / 255, 4, stride=4)
    gain = state["encoder.code.log_gain"][2].exp().view(1, -1, 1)
    rounded = (patterns @ patches * gain).round() / gain
    back = torch.nn.functional.fold(patterns.T @ rounded, (28, 28), 4, stride=4)
    expected = (back * 255).round().clamp(0, 255)
    codes = codes_of(model, images, level=2.0)
    found = images_of(model, codes, level=2.0)
    assert float(((found - expected).abs() > 1).float().mean()) < 1e-3
    assert psnr(images, found) > 28


def test_all_coordinates_leave_the_rounding_alone(images: torch.Tensor) -> None:
    settings = {**SMALL, "data_range": (0.0, 1.0)}
    model = house(images, [10.0, 1e5], groups=(6, 10), **settings)
    fine = images_of(model, codes_of(model, images, level=1.0), level=1.0)
    coarse = images_of(model, codes_of(model, images, level=0.0), level=0.0)
    # A step of √(6 / (10⁵ · ln 2)) has an error of step² / 12 where a value is not 0.
    assert psnr(images, fine) > -10 * math.log10(6 / (1e5 * math.log(2)) / 12)
    assert psnr(images, coarse) < psnr(images, fine) - 20


def test_the_seed_draws_what_does_nothing_yet(images: torch.Tensor) -> None:
    first, second, third = (
        house(images, LAMBDAS, groups=(2, 4), seed=seed, **SMALL) for seed in (0, 0, 1)
    )
    name = "encoder.analysis0.first.weight"
    assert all(
        torch.equal(first.state_dict()[each], second.state_dict()[each])
        for each in first.state_dict()
    )
    assert not torch.equal(first.state_dict()[name], third.state_dict()[name])
    # All 300 images are looked at, in whatever order.
    codes = [codes_of(model, images[:20]).abs() for model in (first, third)]
    torch.testing.assert_close(codes[0], codes[1], rtol=0, atol=0.2)
    assert float((codes[0] - codes[1]).abs().mean()) < 1e-3


def test_a_few_steps_make_it_better(images: torch.Tensor) -> None:
    model = house(images, LAMBDAS, groups=(1, 2, 5), data_range=(0.0, 1.0), **SMALL)
    before = imgcomp.evaluate(model, images, objective="rate+lambda*mse")
    patches = codec.from_model(model, images)
    assert psnr(images, patches.at(100).decode(patches.at(100).encode(images), 300)) > 29
    imgcomp.fit(
        model, images, objective="rate+lambda*mse", epochs=6, batch_size=20, optimizer="adam",
        lr=3e-3, threads=1, progress=False,
    )  # fmt: skip
    after = imgcomp.evaluate(model, images, objective="rate+lambda*mse")
    assert after["loss"] < 0.8 * before["loss"]
    better = codec.from_model(model, images)
    for quality in (1, 100):
        costs = []
        for each in (patches.at(quality), better.at(quality)):
            data = each.encode(images)
            error = (each.decode(data, 300).float() - images.float()).square().mean() / 255**2
            weight = LAMBDAS[0] if quality == 1 else LAMBDAS[-1]
            costs.append(8 * len(data) / images.numel() + weight * float(error))
        assert costs[1] < 0.95 * costs[0]


def test_colours() -> None:
    images = torch.randint(90, 160, (40, 3, 8, 12), dtype=torch.uint8)
    model = house(images, LAMBDAS, groups=(24, 24), **SMALL)
    assert model.code_shape == (48, 2, 3)
    fine = images_of(model, codes_of(model, images, level=2.0), level=2.0)
    assert psnr(images, fine) > 35


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"groups": (8, 9)}, UsageError, "4×4 pixels has 16 coordinates"),
        ({"inner": 5}, UsageError, "inner must be a whole number"),
        ({"patch": 5}, SpecError, "28"),
        ({"lambdas": [3.0]}, SpecError, "2 to 64 lambdas"),
        ({"kernel_size": 2}, SpecError, "must be odd"),
    ],
)
def test_what_does_not_fit_is_said(
    images: torch.Tensor, change: dict, error: type[Exception], message: str
) -> None:
    settings = {"lambdas": LAMBDAS, "groups": (2, 4), **SMALL, **change}
    with pytest.raises(error, match=message):
        house(images, **settings)
