"""Networks with a code of their own: images to bytes and back, and their files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import imgcomp
from imgcomp import codec, models
from imgcomp.codec import Codec, CorruptStreamError, Quantizer, StaticCode
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.models import layers
from imgcomp.models.pixels import codes_of, images_of


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return imgcomp.datasets.load("digits").train.images[:300]


@pytest.fixture(scope="module")
def trained(images: torch.Tensor) -> Codec:
    model = models.feng2018_cnn(seed=1)
    imgcomp.fit(model, images, epochs=3, lr=3e-3, optimizer="adam", progress=False)
    return codec.from_model(model, images, bits=5, name="digits")


def test_images_come_back_as_the_network_gives_them(trained: Codec, images: torch.Tensor) -> None:
    data = trained.encode(images)
    found = trained.decode(data, len(images))
    assert found.dtype == torch.uint8
    assert found.shape == images.shape
    code = trained.code
    assert isinstance(code, StaticCode)
    with torch.no_grad():
        expected = trained.model.decode(code.quantizer(trained.codes(images)))
    assert int((found.float() - expected * 255).abs().max()) <= 1
    # 5 bits are nearly as good as floats, and the tables know more than that.
    psnr = [float(imgcomp.metrics.psnr(images, each).mean())
            for each in (found, trained.model.reconstruct(images))]  # fmt: skip
    assert psnr[0] > psnr[1] - 0.5
    raw = 5 * math.prod(trained.model.code_shape) / 8 * len(images)
    assert len(data) < 0.95 * raw
    assert len(data) <= math.ceil(code.bits(trained.codes(images)) / 8 * 1.001) + 4


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_images(trained: Codec, images: torch.Tensor, count: int) -> None:
    data = trained.encode(images[:count])
    assert trained.decode(data, count).shape == (count, 1, 28, 28)
    if count == 0:
        assert data == b""


def test_batches_change_nothing(trained: Codec, images: torch.Tensor) -> None:
    whole, parts = (codes_of(trained.model, images, size) for size in (300, 7))
    torch.testing.assert_close(parts, whole)
    code = trained.code
    assert isinstance(code, StaticCode)
    assert code.encode(parts) == trained.encode(images)
    for codes in (whole, whole[:0]):
        assert torch.equal(images_of(trained.model, codes, 7), images_of(trained.model, codes))


def test_saved_and_loaded(trained: Codec, images: torch.Tensor, tmp_path: Path) -> None:
    path = tmp_path / "digits.safetensors"
    trained.save(path)
    again = Codec.load(path)
    assert again.name == "digits"
    assert again.digest == trained.digest
    assert again.encode(images) == trained.encode(images)
    assert imgcomp.load(path).spec == trained.model.spec
    shape = trained.model.code_shape
    assert repr(again) == f"Codec('digits', {trained.model!r}, StaticCode {shape})"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="altered"):
        Codec.load(path)


def test_the_digest_is_of_weights_and_code(trained: Codec, images: torch.Tensor) -> None:
    other = codec.from_model(trained.model, images, bits=5, name="another name")
    assert other.digest == trained.digest
    assert codec.from_model(trained.model, images, bits=4).digest != trained.digest
    model = trained.model.copy()
    with torch.no_grad():
        model.parameters()[0].view(-1)[0] += 1
    assert Codec(model, trained.code).digest != trained.digest


def test_levels_of_the_network_are_taken(images: torch.Tensor, tmp_path: Path) -> None:
    model = models.feng2018_cnn(seed=1)
    codes = model.encode(images.float() / 255)
    with_levels = Quantizer.fit(codes, 3).built_into(model)
    found = codec.from_model(with_levels, images, bits=12)
    assert isinstance(found.code, StaticCode)
    assert found.code.quantizer.levels == 8
    assert torch.equal(found.code.quantizer(codes), with_levels.encode(images.float() / 255))


def test_bits_of_iterations(images: torch.Tensor, tmp_path: Path) -> None:
    model = models.donis2020(iterations=2, seed=1)
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (100, 3, 32, 32), dtype=torch.uint8, generator=generator)
    found = codec.from_model(model, pictures)
    data = found.encode(pictures)
    # Even of noise and a network that has learnt nothing, bits are not quite as likely 0 as 1. Of
    # few images the coder has not learnt which, and what it tries costs something.
    assert len(data) < 100 * 32
    assert len(found.encode(pictures[:5])) < 1.2 * 5 * 32
    # In other batches sums may be rounded otherwise, and one pixel of many falls the other way.
    difference = found.decode(data, 100).int() - model.reconstruct(pictures).int()
    assert int(difference.abs().max()) <= 1
    assert float((difference != 0).float().mean()) < 1e-4
    found.save(tmp_path / "r.safetensors")
    assert Codec.load(tmp_path / "r.safetensors").encode(pictures) == data


def test_model_files_without_a_codec(tmp_path: Path) -> None:
    imgcomp.save(models.feng2018_ann(), tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match="a model file, but without a codec"):
        Codec.load(tmp_path / "m.safetensors")


def test_other_bytes(trained: Codec, images: torch.Tensor) -> None:
    data = trained.encode(images)
    with pytest.raises(CorruptStreamError):
        trained.decode(data + b"\x01", 300)


CLASSIFIER = models.feng2018_classifier()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, x: c.encode(x[:, :, :9]), r"uint8 of shape \(N, 1, 28, 28\), not torch.uint8"),
        (lambda c, x: c.encode(x.float()), "not torch.float32"),
        (lambda c, x: c.decode(b"", -1), "count must be a whole number"),
        (lambda c, x: codec.from_model(CLASSIFIER, x), "must be an Autoencoder, not Classifier"),
        (lambda c, x: codec.from_model(c.model, x[:1]), "at least 2 images, not 1"),
        (lambda c, x: codec.from_model(c.model, x, bits=13), "bits must be"),
        (lambda c, x: Codec(c.model, None), "StaticCode, BinaryCode or ContextCode, not NoneType"),
        (lambda c, x: Codec(models.feng2018_ann(), c.code), "code is of shape"),
    ],
)
def test_what_does_not_fit_is_said(
    trained: Codec, images: torch.Tensor, call: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        call(trained, images)


def test_a_network_without_channels_of_its_own() -> None:
    spec = models.autoencoder_spec(
        (1, 4, 4),
        [layers.flatten(), layers.dense(3)],
        [layers.dense(16), layers.reshape((1, 4, 4))],
    )
    model = models.from_spec(spec, seed=1)
    pictures = torch.randint(256, (40, 1, 4, 4), dtype=torch.uint8)
    found = codec.from_model(model, pictures, bits=6)  # type: ignore[arg-type]
    assert found.decode(found.encode(pictures), 40).shape == pictures.shape
