"""Networks of several rates: what a level gives, what training makes of them, their files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_levels import one_rate

import imgcomp
from imgcomp import models
from imgcomp.errors import SpecError, UsageError
from imgcomp.models import layers
from imgcomp.models.pixels import codes_of, images_of

LAMBDAS = [50.0, 200.0, 3200.0]
GOLDEN = (math.sqrt(5) - 1) / 2


def network(lambdas: list[float] | None = LAMBDAS, seed: int = 0) -> models.Autoencoder:
    """1×8×8 images, latents of 4×4×4 in two groups."""
    encoder = [
        layers.conv2d(4, 2, stride=2, name="analysis"),
        layers.residual(3, name="block"),
        layers.entropy_model([1, 3], 5, gain=0.5, name="code"),
    ]
    decoder = [
        layers.residual(3, name="block"),
        layers.conv_transpose2d(1, 2, stride=2, name="synthesis"),
    ]
    spec = models.autoencoder_spec((1, 8, 8), encoder, decoder, lambdas=lambdas)
    return models.Autoencoder(spec, seed)


def shaken(seed: int = 0) -> models.Autoencoder:
    """With weights of every kind and level away from 0 and from each other."""
    model = network(seed=seed)
    draws = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        tensor.add_(0.2 * torch.randn(tensor.shape, generator=draws))
    return model


def smooth_images(count: int) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 1, 2, 2, generator=draws)
    fine = torch.nn.functional.interpolate(coarse, size=8, mode="bilinear", align_corners=True)
    return (fine * 255).to(torch.uint8)


IMAGES = smooth_images(40)
MODEL = shaken()


def test_parameters_of_levels() -> None:
    state = network().state_dict()
    gains = state["encoder.code.log_gain"]
    assert gains.shape == (3, 4)
    # Steps whose square falls as lambda grows.
    expected = [math.log(0.5 * math.sqrt(value)) for value in LAMBDAS]
    assert gains[:, 0].tolist() == pytest.approx(expected)
    assert torch.equal(gains, gains[:, :1].expand(3, 4))
    biases = {
        "encoder.code.group0.bias": 5,
        "encoder.code.group1.bias": 5,
        "encoder.block.bias": 3,
        "decoder.block.bias": 3,
    }
    for name, units in biases.items():
        assert torch.equal(state[name], torch.zeros(3, units))
    plain = network(None).state_dict()
    assert plain["encoder.code.log_gain"].tolist() == pytest.approx([math.log(0.5)] * 4)
    assert set(state) - set(plain) == set(biases) - {"encoder.code.group0.bias"}
    # What has no level is drawn as in the network of one rate.
    for name in set(plain) - set(biases) - {"encoder.code.log_gain"}:
        assert torch.equal(plain[name], state[name])


@pytest.mark.parametrize("level", [0, 1, 2, 0.5, 1.75])
def test_a_level_is_a_network_of_its_parameters(level: float) -> None:
    plain = one_rate(MODEL, level)
    expected = codes_of(plain, IMAGES)
    found = codes_of(MODEL, IMAGES, level=level)
    # Where a value is rounded to another step there is a difference of a whole one.
    gain = plain.state_dict()["encoder.code.log_gain"].exp().view(1, -1, 1, 1)
    steps = (found - expected).abs() * gain
    assert float((steps > 1e-3).float().mean()) < 1e-3
    images = images_of(MODEL, expected, level=level)
    assert int((images.int() - images_of(plain, expected).int()).abs().max()) <= 1
    others = codes_of(MODEL, IMAGES, level=2 - level if level != 1 else 0)
    assert float(((others - expected).abs() * gain > 1e-3).float().mean()) > 0.1


@pytest.mark.parametrize("distortion", ["mse", "l1", "ms_ssim"])
def test_evaluation_spreads_images_over_the_levels(distortion: str) -> None:
    costs, errors, lambdas = [], [], []
    for number, image in enumerate(IMAGES.split(1)):
        place = 2 * (number * GOLDEN % 1)
        below = min(int(place), 1)
        low, high = LAMBDAS[below], LAMBDAS[below + 1]
        lambdas.append(low ** (1 - place + below) * high ** (place - below))
        plain = one_rate(MODEL, place)
        costs.append(imgcomp.evaluate(plain, image, objective="rate")["loss"])
        errors.append(imgcomp.evaluate(plain, image, objective=distortion)["loss"])
    for batch_size in (500, 7):
        objective = f"rate+lambda*{distortion}"
        found = imgcomp.evaluate(MODEL, IMAGES, objective=objective, batch_size=batch_size)
        assert found["bpp"] == pytest.approx(sum(costs) / 40, rel=2e-3)
        # A per cent of the rate counts alike at every level.
        middle = (LAMBDAS[0] * LAMBDAS[-1]) ** 0.5
        weighed = [
            (each / middle) ** (-1 / 3) * (cost + each * error)
            for each, cost, error in zip(lambdas, costs, errors, strict=True)
        ]
        assert found["loss"] == pytest.approx(sum(weighed) / 40, rel=2e-3)
    assert max(costs) > 1.5 * min(costs)


def test_without_a_level_it_is_the_middle() -> None:
    middle = codes_of(MODEL, IMAGES, level=1.0)
    assert torch.equal(codes_of(MODEL, IMAGES), middle)
    assert torch.equal(MODEL.reconstruct(IMAGES), images_of(MODEL, middle, level=1.0))
    assert torch.equal(MODEL.encode(IMAGES.float() / 255).detach(), middle)
    two = models.Autoencoder(network([1.0, 16.0]).spec)
    between = codes_of(two, IMAGES, level=0.5)
    assert torch.equal(codes_of(two, IMAGES), between)
    # Gains of a half and 2 are 1 in the middle.
    torch.testing.assert_close(between, between.round())


@given(st.floats(0, 2))
@settings(max_examples=25, deadline=None)
def test_gains_are_mixed_geometrically(level: float) -> None:
    codes = codes_of(MODEL, IMAGES[:2], level=level)
    log_gain = MODEL.state_dict()["encoder.code.log_gain"].double()
    below = min(int(level), 1)
    mixed = log_gain[below] * (1 - level + below) + log_gain[below + 1] * (level - below)
    steps = codes * mixed.exp().view(1, -1, 1, 1)
    torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-3)


def trained(threads: int = 1, seed: int = 5, **changes: object) -> models.Autoencoder:
    model = shaken(seed=3)
    config = {"epochs": 3, "batch_size": 16, "optimizer": "adam", "lr": 1e-3, **changes}
    imgcomp.fit(
        model, IMAGES, objective="rate+lambda*mse", seed=seed, threads=threads, progress=False,
        **config,
    )  # fmt: skip
    return model


def test_the_same_training_again() -> None:
    first, second, third = trained(), trained(), trained(seed=6)
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor)
    name = "encoder.code.log_gain"
    assert not torch.equal(first.state_dict()[name], third.state_dict()[name])


def test_levels_belong_to_images_however_a_batch_is_cut() -> None:
    first, second = trained(threads=1), trained(threads=2)
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


def test_training_moves_every_level() -> None:
    model, before = trained(epochs=1), shaken(seed=3)
    for name, old in before.state_dict().items():
        if name.endswith((".code.log_gain", "group0.bias", "group1.bias", "block.bias")):
            changed = (model.state_dict()[name] != old).any(1)
            assert changed.tolist() == [True] * 3, name


def test_higher_levels_have_smaller_errors_and_larger_codes() -> None:
    data = smooth_images(600)
    model = network(seed=1)
    before = imgcomp.evaluate(model, data, objective="rate+lambda*mse")
    imgcomp.fit(
        model, data, objective="rate+lambda*mse", epochs=8, batch_size=20, optimizer="adam",
        lr=5e-3, progress=False,
    )  # fmt: skip
    after = imgcomp.evaluate(model, data, objective="rate+lambda*mse")
    assert after["loss"] < 0.5 * before["loss"]
    rates, errors = [], []
    for level in (0.0, 1.0, 2.0):
        plain = one_rate(model, level)
        rates.append(imgcomp.evaluate(plain, data, objective="rate")["loss"])
        errors.append(-imgcomp.evaluate(plain, data, objective="mse")["psnr"])
    assert rates == sorted(rates)
    assert errors == sorted(errors, reverse=True)
    assert rates[-1] > 2 * rates[0]
    assert errors[0] - errors[-1] > 3


def test_files_and_copies_keep_the_lambdas(tmp_path: Path) -> None:
    imgcomp.save(MODEL, tmp_path / "m.safetensors")
    again = imgcomp.load(tmp_path / "m.safetensors")
    assert again.spec["lambdas"] == LAMBDAS
    for model in (again, MODEL.copy(), models.from_spec(MODEL.spec)):
        assert model.spec == MODEL.spec
    assert torch.equal(codes_of(again, IMAGES, level=0.3), codes_of(MODEL, IMAGES, level=0.3))
    assert "lambdas" not in network(None).spec


def test_images_of_other_sizes_have_the_same_levels() -> None:
    wide = MODEL.for_images(8, 16)
    assert wide.spec["lambdas"] == LAMBDAS
    both = torch.cat([IMAGES[:5], IMAGES[:5]], dim=3)
    found = codes_of(wide, both, level=1.5)
    # Away from the seam, which residual blocks see two places wide.
    expected = codes_of(MODEL, IMAGES[:5], level=1.5)
    assert torch.equal(found[..., :2], expected[..., :2])


@pytest.mark.parametrize(
    ("lambdas", "message"),
    [
        ([1.0], "there must be 2 to 64 lambdas, not 1"),
        ([1.0, 1.0], "finite numbers above 0 that rise, not 1 at 1"),
        ([-1.0, 1.0], "finite numbers above 0 that rise, not -1 at 0"),
        ([1.0, math.inf], "finite numbers above 0 that rise, not inf at 1"),
        (["a", "b"], "lambdas"),
        (3.0, "lambdas"),
    ],
)
def test_lambdas_that_make_no_ladder(lambdas: object, message: str) -> None:
    spec = network().spec
    spec["lambdas"] = lambdas
    with pytest.raises(SpecError, match=message):
        models.from_spec(spec)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(UsageError, match="needs a network of several rates"):
        imgcomp.fit(network(None), IMAGES, objective="rate+lambda*mse", progress=False)
    with pytest.raises(UsageError, match=r"the level must be 0 to 2, not 2\.1"):
        codes_of(MODEL, IMAGES, level=2.1)
    with pytest.raises(UsageError, match="has no levels to choose"):
        images_of(network(None), codes_of(MODEL, IMAGES), level=0.0)
    classifier = models.classifier_spec((1, 8, 8), [layers.flatten(), layers.dense(3)])
    with pytest.raises(SpecError, match="only an autoencoder without iterations has lambdas"):
        models.from_spec({**classifier, "lambdas": LAMBDAS})
    spec = network().spec
    spec["parts"]["encoder"].pop()
    with pytest.raises(UsageError, match="several rates has no counterpart"):
        models.from_spec(spec).to_torch()
