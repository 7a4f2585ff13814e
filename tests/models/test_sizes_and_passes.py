"""What a network is said to need, what it may need, and images through its two halves."""

from __future__ import annotations

import pytest
import torch

import imgcomp
from imgcomp import models
from imgcomp.errors import CheckpointError, SpecError, UsageError
from imgcomp.models import layers
from imgcomp.models.pixels import codes_of, images_of
from imgcomp.training.checkpoint import ModelFile, write_model_file


def small(seed: int = 0) -> models.Autoencoder:
    """1×8×8 → 2×4×4 → 1×8×8."""
    spec = models.autoencoder_spec(
        (1, 8, 8),
        [layers.conv2d(2, 3, stride=2, padding=1, name="conv")],
        [layers.upsample(2), layers.conv2d(1, 3, padding=1, name="conv")],
        data_range=(-1.0, 1.0),
    )
    return models.Autoencoder(spec, seed)


def test_activations_are_the_values_of_all_outputs() -> None:
    assert small().activations == 2 * 4 * 4 + 2 * 8 * 8 + 8 * 8


def test_more_parameters_than_allowed_are_refused() -> None:
    spec = small().spec
    assert small().num_parameters == (9 + 1) * 2 + (2 * 9 + 1)
    assert models.Autoencoder(spec, max_parameters=39).num_parameters == 39
    with pytest.raises(SpecError, match=r"'decoder.conv.bias' of shape .* would be more than"):
        models.Autoencoder(spec, max_parameters=38)


def test_a_file_cannot_ask_for_more_weights_than_it_has(tmp_path) -> None:
    spec = small().spec
    spec["parts"]["encoder"][0]["out_channels"] = 4_000_000
    path = tmp_path / "large.safetensors"
    write_model_file(path, ModelFile(spec, small().state_dict()))
    with pytest.raises(CheckpointError, match="would be more than the 1048576 values"):
        imgcomp.load(path)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_codes_and_images_do_not_depend_on_how_they_are_cut(threads: int, batch_size: int) -> None:
    model = small(seed=4)
    images = torch.randint(256, (50, 1, 8, 8), dtype=torch.uint8)
    inputs = images.float() / 127.5 - 1
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        codes = codes_of(model, images, batch_size)
        found = images_of(model, codes, batch_size)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(codes, model.encode(inputs).detach(), rtol=1e-5, atol=1e-6)
    assert not codes.requires_grad
    expected = ((model.decode(codes).detach() + 1) * 127.5).clamp(0, 255)
    assert found.dtype == torch.uint8
    assert float((found.float() - expected).abs().max()) <= 0.501


def test_codes_that_do_not_fit_are_refused() -> None:
    model = small()
    for codes in (torch.zeros(3, 2, 4), torch.zeros(3, 1, 4, 4), torch.zeros(3, 2, 4, 4).int()):
        with pytest.raises(UsageError, match="the input of 'decoder' must be"):
            images_of(model, codes)
    with pytest.raises(UsageError, match="images must have shape"):
        codes_of(model, torch.zeros(3, 3, 8, 8, dtype=torch.uint8))
