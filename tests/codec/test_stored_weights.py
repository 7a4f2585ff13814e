"""What a codec with a context code keeps of its network, and that nothing is lost by it."""

from __future__ import annotations

import pytest
import torch

import imgcomp
from imgcomp import codec
from imgcomp.errors import CheckpointError
from imgcomp.models.house import house
from imgcomp.training import stored_weights
from imgcomp.training.checkpoint import read_model_file, write_model_file

IMAGES = imgcomp.datasets.digits().train.images[:60]


@pytest.fixture(scope="module")
def model():
    made = house(
        IMAGES, (50.0, 1000.0), groups=(1, 3), inner=6, width=8, context=8, kernel_size=3,
        encoder_blocks=1, decoder_blocks=1, seed=3,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(4)
    state = made.state_dict()
    for name, tensor in state.items():
        tensor += 0.02 * torch.randn(tensor.shape, generator=generator)
        if name.endswith("transform.weight"):
            tensor[0, 0, 0, 0] = 1e5  # beyond float16
    return made


def test_rounded(model):
    before = model.state_dict()
    after = stored_weights.rounded(model.spec, before)
    assert after.keys() == before.keys()
    for name, tensor in after.items():
        assert tensor.dtype == torch.float32
        kept = name.startswith("encoder.code.") or name == "encoder.transform.weight"
        assert torch.equal(tensor, before[name]) == kept
        torch.testing.assert_close(tensor, before[name], rtol=1e-3, atol=1e-6)


def test_a_file_holds_halves_and_no_entropy_model_beside_the_code(model, tmp_path):
    twin = model.copy()
    twin.load_state_dict(stored_weights.rounded(model.spec, model.state_dict()))
    made = codec.from_model(twin, IMAGES, name="tiny")
    made.save(tmp_path / "tiny.safetensors")
    content = read_model_file(tmp_path / "tiny.safetensors")
    kinds = {name: tensor.dtype for name, tensor in content.weights.items()}
    assert kinds.pop("encoder.transform.weight") == torch.float32
    assert set(kinds.values()) == {torch.float16}
    assert not any(name.startswith("encoder.code.") for name in kinds)

    again = codec.load(tmp_path / "tiny.safetensors")
    assert again.digest == made.digest
    data = made.at(80).compress(IMAGES)
    assert again.at(80).compress(IMAGES) == data
    assert torch.equal(again.decompress(data), made.decompress(data))


def test_weights_that_halves_do_not_hold_stay(model, tmp_path):
    made = codec.from_model(model, IMAGES)
    made.save(tmp_path / "tiny.safetensors")
    again = codec.load(tmp_path / "tiny.safetensors")
    for name, tensor in again.model.state_dict().items():
        if not name.startswith("encoder.code."):
            assert torch.equal(tensor, model.state_dict()[name])


def test_the_entropy_model_comes_back_from_whole_numbers(model, tmp_path):
    codec.from_model(model, IMAGES).save(tmp_path / "tiny.safetensors")
    again = imgcomp.load(tmp_path / "tiny.safetensors")
    assert torch.equal(again.state_dict()["encoder.code.log_gain"],
                       model.state_dict()["encoder.code.log_gain"])  # fmt: skip
    objective = "rate+lambda*mse"
    expected = imgcomp.evaluate(model, IMAGES, objective=objective)
    found = imgcomp.evaluate(again, IMAGES, objective=objective)
    assert found["bpp"] == pytest.approx(expected["bpp"], rel=1e-3)
    # and it can be trained on
    imgcomp.fit(again, IMAGES, epochs=1, objective=objective, progress=False)


@pytest.mark.parametrize("change", [lambda code: code.pop("1.last"), lambda code: code.clear()])
def test_a_file_without_the_whole_numbers(model, tmp_path, change):
    content = codec.from_model(model, IMAGES)._content()
    change(content.code)
    write_model_file(tmp_path / "tiny.safetensors", content)
    for load in (imgcomp.load, codec.load):
        with pytest.raises(CheckpointError, match="cannot be built"):
            load(tmp_path / "tiny.safetensors")
