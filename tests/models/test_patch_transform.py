"""Transforms of patches, and the filter behind them before it is trained."""

from __future__ import annotations

import pytest
import torch

import imgcomp
from imgcomp.codec import Quantizer
from imgcomp.errors import UsageError
from imgcomp.models import Autoencoder
from imgcomp.models.patch_transform import (
    assemble,
    linear_images,
    patch_transform,
    principal_components,
    restoration_filter,
    sparse_patterns,
    untrained,
)
from imgcomp.models.pixels import codes_of


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return imgcomp.datasets.load("digits").train.images[:200]


@pytest.fixture(scope="module")
def patterns(images: torch.Tensor) -> torch.Tensor:
    return sparse_patterns(images, 4, 16, 0.1, iterations=30, samples=100)


def gram(patterns: torch.Tensor) -> torch.Tensor:
    rows = patterns.flatten(1).double()
    return rows @ rows.T


def test_two_patterns_of_two_kinds_of_patches() -> None:
    # Upper half lit, three times as often as the lower one: these two are the components.
    images = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    images[:3, 0, 0] = 255
    images[3:, 0, 1] = 255
    found = principal_components(images, 2, 2)
    half = 0.5**0.5
    expected = torch.tensor([[[[half, half], [0, 0]]], [[[0, 0], [half, half]]]])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_patterns_are_orthonormal(images: torch.Tensor, patterns: torch.Tensor) -> None:
    for found in (principal_components(images, 4, 16), patterns):
        torch.testing.assert_close(
            gram(found), torch.eye(16, dtype=torch.float64), atol=1e-5, rtol=0
        )


def test_sparse_patterns_are_found_where_components_mix_them() -> None:
    # The rows of 2×2 patches are lit independently, the upper one three times as often: that they
    # are lit together at times turns the components, by about 8 degrees.
    lit = torch.rand(2000, 2, generator=torch.Generator().manual_seed(1)) < torch.tensor([0.3, 0.1])
    images = (lit[:, None, :, None] * 255).expand(-1, 1, 2, 2).to(torch.uint8)
    half = 0.5**0.5
    rows = torch.tensor([[half, half, 0, 0], [0, 0, half, half]])
    mixed = principal_components(images, 2, 2).flatten(1)
    assert float((mixed[0] - rows[0]).abs().max()) > 0.07
    found = sparse_patterns(images, 2, 2, 0.1).flatten(1)
    torch.testing.assert_close(found, rows, atol=0.02, rtol=0)
    assert torch.equal(sparse_patterns(images, 2, 2, 0.1).flatten(1), found)


def test_the_untrained_filter_is_the_identity(images: torch.Tensor) -> None:
    model = restoration_filter((1, 28, 28), width=24, depth=2, seed=3)
    given = images[:5].float() / 255
    torch.testing.assert_close(model(given), given, atol=1e-5, rtol=0)
    colour = torch.rand(2, 3, 8, 8)
    found = restoration_filter((3, 8, 8), width=50)(colour)
    torch.testing.assert_close(found, colour, atol=1e-5, rtol=0)


def test_the_untrained_network_errs_by_the_rounding_alone(
    images: torch.Tensor, patterns: torch.Tensor
) -> None:
    model = untrained((1, 28, 28), patterns, 0.1, width=16)
    codes = codes_of(model, images[:20])
    assert codes.shape == (20, 16, 7, 7)
    # Multiples of the step, at most half a step from the coordinates themselves.
    torch.testing.assert_close(codes, (codes / 0.1).round() * 0.1)
    exact = torch.nn.functional.conv2d(images[:20].float() / 255, patterns, stride=4)
    assert float((codes - exact).abs().max()) <= 0.05 + 1e-5
    linear = linear_images(codes, patterns)
    torch.testing.assert_close(model.decode(codes), linear.clamp(min=0), atol=1e-5, rtol=0)


def test_no_image_is_clamped(patterns: torch.Tensor) -> None:
    # The images that give each coordinate its greatest and its least value.
    signs = torch.cat([patterns > 0, patterns < 0]).float()
    images = signs.repeat(1, 1, 7, 7)
    model = untrained((1, 28, 28), patterns, 0.07)
    exact = torch.nn.functional.conv2d(images, patterns, stride=4)
    assert float((model.encode(images).detach() - exact).abs().max()) <= 0.035 + 1e-5
    assert int(Quantizer.of(model).symbols(exact).max()) < Quantizer.of(model).levels


def test_a_filter_behind_the_transform(images: torch.Tensor, patterns: torch.Tensor) -> None:
    model = untrained((1, 28, 28), patterns, 0.1, width=20)
    filter_ = restoration_filter((1, 28, 28), width=20)
    for tensor in filter_.state_dict().values():
        tensor += 0.05 * torch.randn_like(tensor)
    assemble(model, patterns, filter_)
    codes = codes_of(model, images[:5])
    expected = filter_(linear_images(codes, patterns))
    torch.testing.assert_close(model.decode(codes), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patch_transform((1, 28, 28), 7, 3, 9), "multiple of 4, not 7"),
        (lambda: patch_transform((1, 28, 28), 8, 3, 9), "28 and 28, not 8"),
        (lambda: patch_transform((1, 28, 28), 4, 17, 9), "channels must be"),
        (lambda: restoration_filter((3, 32, 32), width=47), "width must be"),
        (lambda: principal_components(torch.zeros(2, 1, 4, 4), 4, 2), "not torch.float32"),
    ],
)
def test_what_does_not_fit_is_said(call, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_the_spec_builds() -> None:
    model = Autoencoder(patch_transform((3, 32, 32), 8, 10, 33))
    assert model.code_shape == (10, 4, 4)
