"""donis2020's own measures, bounds and images, beside values that are known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from paper_runs import context

from imgcomp import datasets, metrics, models
from imgcomp.datasets import Split
from imgcomp.papers.common import in_colour
from imgcomp.papers.donis2020 import bounds
from imgcomp.papers.donis2020.data import rotated
from imgcomp.papers.donis2020.inspection import count_parameters, layer_gradients
from imgcomp.papers.donis2020.stages import (
    colour_errors,
    colour_planes,
    image_measures,
    variation,
)


def noise(count: int, seed: int = 0) -> torch.Tensor:
    """Smooth colour images, uint8, (N, 3, 32, 32)."""
    draws = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 5, 5, generator=draws)
    large = torch.nn.functional.interpolate(small, (32, 32), mode="bilinear")
    return (large * 255).round().to(torch.uint8)


def split(images: torch.Tensor) -> Split:
    return Split(images, torch.zeros(len(images), dtype=torch.int64), ("image",), "noise")


@pytest.mark.parametrize("bits", [0.5, 3.0, 40.0])
def test_water_level_spends_the_bits(bits: float) -> None:
    variances = torch.tensor([9.0, 4.0, 1.0, 0.01], dtype=torch.float64)
    level = bounds.water_level(variances, bits)
    spent = (0.5 * (variances / level).log2()).clamp(min=0).sum()
    assert float(spent) == pytest.approx(bits, abs=1e-9)


def test_bits_go_to_the_largest_variance() -> None:
    assert bounds.allocate(torch.tensor([16.9, 4.2, 1.0]), 4) == [3, 1, 0]
    assert sum(bounds.allocate(torch.rand(20, dtype=torch.float64), 128)) == 128


def test_lloyd_levels_of_a_normal_distribution() -> None:
    draws = torch.Generator().manual_seed(1)
    values = torch.randn(40_000, generator=draws, dtype=torch.float64)
    one, two = (bounds.lloyd_levels(values, bits) for bits in (1, 2))
    # Max (1960), Table I.
    assert one.tolist() == pytest.approx([-0.798, 0.798], abs=0.02)
    assert two.tolist() == pytest.approx([-1.510, -0.4528, 0.4528, 1.510], abs=0.03)
    error = float((bounds.quantise(values, two) - values).square().mean())
    assert error == pytest.approx(0.1175, abs=0.003)


def test_levels_of_few_different_numbers() -> None:
    levels = bounds.lloyd_levels(torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64), 3)
    assert levels.tolist() == [1.0, 2.0]


def test_the_channel_has_the_functions_error(tmp_path: Path) -> None:
    # Gaussian images of few components that no byte cuts off.
    draws = torch.Generator().manual_seed(3)
    basis = torch.linalg.qr(torch.randn(3072, 6, generator=draws)).Q
    scales = torch.tensor([900.0, 700.0, 500.0, 300.0, 200.0, 100.0])
    vectors = (torch.randn(4000, 6, generator=draws) * scales) @ basis.T + 128.0
    images = split(vectors.round().clamp(0, 255).to(torch.uint8).reshape(-1, 3, 32, 32))
    config = {"bits": [4.0, 8.0], "seed": 0, "shown": 2}
    components = bounds.principal_components.function(context(tmp_path), images)
    found = bounds.gaussian_bound.function(context(tmp_path, **config), components, images[:1500])
    for point in found.data["points"]:
        # Rounding to bytes adds errors twice, each 1/12 of a squared grey level.
        expected = point["mse"] + 1 / 6 / 255**2
        mse = 10 ** (-point["psnr_of_mse"] / 10)
        assert mse == pytest.approx(point["mse"])
        sent = found.tensors[f"bits-{point['bits']:g}"]
        assert sent.shape == (2, 3, 32, 32)
        residual = point["residual"]
        # A normal error's mean absolute value is √(2/π) of its deviation, at most.
        assert residual <= math.sqrt(expected)
        assert residual >= 0.5 * math.sqrt(expected)
    assert found.data["points"][0]["mse"] > found.data["points"][1]["mse"]


def test_pca_in_real_bits_is_worse_than_the_bound(tmp_path: Path) -> None:
    train, test = split(noise(600)), split(noise(100, 1))
    config = {"bits": 128, "shown": 3}
    components = bounds.principal_components.function(context(tmp_path), train)
    found = bounds.rivals.function(context(tmp_path, **config), components, train, test)
    ideal = bounds.gaussian_bound.function(
        context(tmp_path, bits=[128.0], seed=0, shown=1), components, test
    )
    pca, mean = found.data["pca"], found.data["mean"]
    assert ideal.data["points"][0]["psnr_of_mse"] > pca["psnr"] > mean["psnr"] + 1
    assert 1 <= found.data["components"] <= 75  # 3 planes of 5×5 values
    assert found.data["mean"]["psnr"] >= found.data["constant"]["psnr"] - 0.1
    gray = found.data["gray"]["colour"]
    assert gray["kept"] < 1e-3
    assert gray["luma"] < 1e-3
    assert 0.99 < gray["chroma"] < 1.2  # neutral in place of the mean colour


def test_statistics_do_not_depend_on_how_they_are_summed() -> None:
    images = noise(3100)
    mean, directions, variances = bounds._statistics(split(images))
    vectors = images.flatten(1).to(torch.float64) / 255
    assert torch.allclose(mean, vectors.mean(dim=0), atol=1e-6)
    total = vectors.var(dim=0, correction=0).sum()
    assert float(variances.sum()) == pytest.approx(float(total), rel=1e-4)
    projected = ((vectors - mean) @ directions).var(dim=0, correction=0)
    assert torch.allclose(projected[:20], variances[:20], rtol=1e-3)


def test_colour_planes_are_those_of_pillow() -> None:
    from PIL import Image

    image = noise(1)
    array = image[0].permute(1, 2, 0).numpy()
    theirs = torch.from_numpy(np.array(Image.fromarray(array).convert("YCbCr"))).flatten(0, 1)
    ours = colour_planes(image)[0].flatten(1).T + torch.tensor([0.0, 128.0, 128.0])
    assert float((ours - theirs).abs().max()) <= 1.01


def test_colour_errors_tell_luma_from_chroma() -> None:
    images = noise(40)
    same = colour_errors(images, images)
    assert (same["luma"], same["chroma"], same["kept"]) == (0.0, 0.0, 1.0)
    brighter = (images.to(torch.int16) + 20).clamp(0, 255).to(torch.uint8)
    found = colour_errors(images, brighter)
    assert found["luma"] > 10 * found["chroma"]
    gray = images[:, :1].expand(-1, 3, -1, -1)
    assert colour_errors(gray, brighter)["chroma"] == 0.0


def test_measures_of_an_image() -> None:
    images, other = noise(6), noise(6, 1)
    found = image_measures(images, other)
    assert torch.equal(found["adaptive"], metrics.ms_ssim(images, other))
    residual = (images.double() - other.double()).abs().mean(dim=(1, 2, 3)) / 255
    assert torch.allclose(found["residual"], residual, atol=1e-6)
    assert image_measures(images, images)["psnr"].tolist() == [99.0] * 6


def test_variation_is_none_for_one_image() -> None:
    images = noise(20)
    assert variation(images, images) == pytest.approx(1.0)
    assert variation(images, images[:1].expand(20, -1, -1, -1)) == pytest.approx(0.0, abs=1e-12)


def test_images_in_colour_and_turned() -> None:
    digits = datasets.digits().test.take(5)
    framed = in_colour(digits)
    assert framed.image_shape == (3, 32, 32)
    assert torch.equal(framed.images[:, 2, 2:30, 2:30], digits.images[:, 0])
    assert framed.images.sum() == 3 * digits.images.sum()
    assert in_colour(framed) is framed
    both = rotated(framed)
    assert len(both) == 10
    assert torch.equal(both.labels[5:], framed.labels)
    # A quarter turn to the left takes the right column to the top row.
    assert torch.equal(both.images[5:, :, 0, :], framed.images[:, :, :, 31])


def test_gradients_are_those_of_the_mean() -> None:
    model = models.donis2020(seed=1)
    images = noise(70)
    found = layer_gradients(model, images)
    assert next(iter(found)) == "encoder.conv"
    assert len(found) == 11
    inputs = images.float() / 255 - 0.5
    loss = 1 - metrics.ms_ssim(inputs, model(inputs), data_range=1.0).mean()
    parameters = dict(zip(model.state_dict(), model.parameters(), strict=True))
    names = ["encoder.conv", "decoder.output"]
    expected = torch.autograd.grad(loss, [parameters[f"{name}.weight"] for name in names])
    for name, gradient in zip(names, expected, strict=True):
        assert found[name]["gradient"] == pytest.approx(float(gradient.norm()), rel=1e-3)
        weight = float(parameters[f"{name}.weight"].detach().norm())
        assert found[name]["relative"] == pytest.approx(float(gradient.norm()) / weight, rel=1e-3)


def test_parameters_are_shared_over_iterations(tmp_path: Path) -> None:
    config = {"cell": "lstm", "iterations": [1, 16]}
    rows = count_parameters.function(context(tmp_path, **config)).data["networks"]
    assert [row["parameters"] for row in rows[:2]] == [3_868_539] * 2
    assert rows[2]["parameters"] == rows[3]["parameters"] > 7 * rows[0]["parameters"]
    assert rows[1]["unrolled"] == 16 * 3_868_539
