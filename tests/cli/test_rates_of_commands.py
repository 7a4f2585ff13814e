"""``imgcomp compress`` with a quality or a rate, and images of other sizes than the codec's."""

import dataclasses
import json

import archives
import numpy as np
import pytest
import torch

import imgcomp
from imgcomp import codec, models
from imgcomp.cli import main
from imgcomp.errors import UsageError
from imgcomp.models import layers as nn

_TABLES = archives.context_codec("rates")
RATES = codec.Codec(
    _TABLES.model, dataclasses.replace(_TABLES.code, objective="rate+lambda*mse"), name="rates"
)
IMAGES = torch.randint(
    256, (30, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to work in, where a codec of several rates and some images are."""
    RATES.save(tmp_path / "rates.safetensors")
    archives.static_codec().save(tmp_path / "one.safetensors")
    np.save(tmp_path / "x.npy", IMAGES.numpy())
    monkeypatch.setenv("IMGCOMP_CODECS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compress(capsys, *options, source="x.npy", name="rates"):
    status = 0
    try:
        main(["compress", source, "-o", "x.imc", "--force", "--codec", name, *options])
    except SystemExit as leave:
        status = leave.code or 0
    out, err = capsys.readouterr()
    return status, out, err


def test_a_quality(capsys, folder):
    sizes = []
    for quality in (1, 50, 100):
        status, out, err = compress(capsys, "--quality", str(quality))
        assert status == 0, err
        assert f"with 'rates' at quality {quality}" in out
        with codec.open(folder / "x.imc") as archive:
            assert archive.quality == quality
            assert torch.equal(archive[:], codec.decompress(RATES.at(quality).compress(IMAGES)))
        sizes.append((folder / "x.imc").stat().st_size)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1] < sizes[2]
    with pytest.raises(SystemExit):
        main(["info", "x.imc", "--json"])
    assert json.loads(capsys.readouterr().out)["quality"] == 100
    # Where nothing is said, the usual one.
    assert "at quality 60" in compress(capsys)[1]


def test_an_effort(capsys, folder):
    status, _, err = compress(capsys, "--effort", "1", "--quality", "70")
    assert status == 0, err
    # As its file has it: the network that counts bits is kept in whole numbers there.
    given = codec.load("rates").at(70).with_effort(1)
    with codec.open(folder / "x.imc") as archive:
        found = archive[:]
    assert torch.equal(found, codec.decompress(given.compress(IMAGES)))
    assert not torch.equal(found, codec.decompress(given.with_effort(0).compress(IMAGES)))
    assert compress(capsys, "--effort", "7")[0] == 2


def test_a_judge(capsys, folder):
    judged = dataclasses.replace(RATES.code, objective="rate+lambda*judge")
    codec.Codec(RATES.model, judged, name="judged").save(folder / "judged.safetensors")
    layers = [nn.flatten(), nn.dense(4)]
    classifier = models.Classifier(models.classifier_spec((1, 8, 8), layers), seed=1)
    imgcomp.save(classifier, folder / "classifier.safetensors")
    assert "give that one, or another" in compress(capsys, "--effort", "1", name="judged")[2]
    options = ("--effort", "1", "--judge", "classifier.safetensors")
    status, _, err = compress(capsys, *options, name="judged")
    assert status == 0, err
    with codec.open(folder / "x.imc") as archive:
        found = archive[:]
    given = codec.load("judged")
    patient = given.with_effort(1, judge=classifier)
    assert torch.equal(found, given.decompress(patient.compress(IMAGES)))
    wrong = (*options[:3], "judged.safetensors")
    assert "holds no classifier" in compress(capsys, *wrong, name="judged")[2]


def test_a_rate(capsys, folder):
    pixels = IMAGES.numel()
    low, high = (
        RATES.at(quality).code.bits(RATES.at(quality).codes(IMAGES)) / pixels
        for quality in (30, 31)
    )
    status, _, err = compress(capsys, "--target-bpp", f"{(low + high) / 2}")
    assert status == 0, err
    with codec.open(folder / "x.imc") as archive:
        assert archive.quality == 30
    data = codec.compress(IMAGES, codec="rates", target_bpp=(low + high) / 2)
    assert codec.open(data).quality == 30
    # Less than the codec can: the lowest quality.
    compress(capsys, "--target-bpp", "0.001")
    with codec.open(folder / "x.imc") as archive:
        assert archive.quality == 1


def test_other_sizes(capsys, folder):
    images = torch.randint(256, (5, 1, 11, 6), dtype=torch.uint8)
    np.save(folder / "y.npy", images.numpy())
    status, _, err = compress(capsys, "--quality", "100", source="y.npy")
    assert status == 0, err
    with codec.open(folder / "x.imc") as archive:
        assert (archive.shape, len(archive)) == ((1, 11, 6), 5)
        assert float((archive[:].int() - images.int()).abs().float().mean()) < 80


@pytest.mark.parametrize(
    ("options", "name", "message"),
    [
        (["--quality", "50", "--target-bpp", "1"], "rates", "a quality or a rate, not both"),
        (["--quality", "0"], "rates", "should be greater than or equal to 1"),
        (["--quality", "101"], "rates", "should be less than or equal to 100"),
        (["--target-bpp", "0"], "rates", "target_bpp must be"),
        (["--quality", "50"], "one", "images of 1×8×8, but the codec"),
    ],
)
def test_what_does_not_fit_is_said(capsys, folder, options, name, message):
    status, _, err = compress(capsys, *options, name=name)
    assert status != 0
    assert message in " ".join(err.replace("│", " ").split())
    assert not (folder / "x.imc").exists()


def test_a_codec_of_one_rate_has_no_quality():
    images = archives.images(4)
    with pytest.raises(UsageError, match="has one rate"):
        codec.compress(images, codec="one", quality=50)
    with pytest.raises(UsageError, match="has one rate"):
        codec.compress(images, codec="one", target_bpp=1.0)
