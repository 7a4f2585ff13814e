"""Real bytes of codes and of plain images, and the accounting note that is made of them."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from paper_runs import context
from PIL import Image

import imgcomp
from imgcomp import models
from imgcomp.codec import Quantizer
from imgcomp.datasets import Split
from imgcomp.models import Autoencoder
from imgcomp.models.pixels import codes_of, images_of, scaled, scaled_back
from imgcomp.papers.accounting import Coded, Sent, accounting_table, chosen, real_bytes
from imgcomp.papers.code_bytes import code_bytes, image_bytes
from imgcomp.papers.common import image_errors, in_colour
from imgcomp.stages import Artifact, StageStopped

DIGITS = imgcomp.datasets.digits()
TRAIN, TEST = DIGITS.train.take(200), DIGITS.test.take(30)


def artifact(model: Autoencoder) -> Artifact:
    """A network as the stages that train leave it."""
    tensors = {f"final/{name}": tensor for name, tensor in model.state_dict().items()}
    return Artifact(tensors, {"spec": model.spec, "diverged": None})


@pytest.fixture
def sent(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def send(model: Autoencoder, test: Split = TEST, **config: Any) -> dict[str, Any]:
        found = code_bytes.function(context(tmp_path, **config), artifact(model), TRAIN, test)
        assert not found.tensors
        return dict(found.data)

    return send


def test_levels_are_packed_and_sent_as_one_stream(sent: Callable[..., dict[str, Any]]) -> None:
    model = models.feng2018_cnn(seed=1)
    found = sent(model, bits=[2, 5])
    assert (found["images"], found["alone"], found["diverged"]) == (30, 30, None)
    floats, *forms = found["forms"]
    # 10×2×2 values: 4 bytes each, 5 bits, 2 bits.
    assert [form["packed"] for form in (floats, *forms)] == [160.0, 25.0, 10.0]
    assert [form["bits"] for form in (floats, *forms)] == [32, 5, 2]
    assert {floats[key] for key in ("stream", "single", "estimated", "archive")} == {None}
    assert floats["psnr"] == image_errors(TEST.images, model.reconstruct(TEST.images))["psnr"]
    for form in forms:
        levels = Quantizer.fit(codes_of(model, TRAIN.images), form["bits"])
        back = images_of(model, levels(codes_of(model, TEST.images)))
        expected = image_errors(TEST.images, back)
        assert {name: form[name] for name in expected} == expected
        # A whole number of bytes, and hardly more than the tables say.
        assert form["stream"] * 30 == pytest.approx(round(form["stream"] * 30))
        assert form["estimated"] * 30 - 1 <= form["stream"] * 30 <= form["estimated"] * 30 + 4
        assert form["stream"] < form["packed"]
        assert form["stream"] <= form["single"] + 1e-9
        # Header, one block, index: a hundred bytes, whatever is in there.
        assert form["stream"] * 30 + 60 < form["archive"] * 30 < form["stream"] * 30 + 120
        assert form["single"] <= form["estimated"] + 2


def test_a_dead_code_costs_next_to_nothing(sent: Callable[..., dict[str, Any]]) -> None:
    model = models.bhattacharya2020(seed=2)
    model.state_dict()["encoder.code.bias"].fill_(-1e3)
    assert float(codes_of(model, TEST.images).abs().max()) == 0
    _, form = sent(model, bits=[4])["forms"]
    assert form["packed"] == 24.5
    assert form["stream"] * 30 < 6
    # PSNR is that of one image for all.
    one = model.reconstruct(TEST.images[:1]).expand_as(TEST.images)
    assert form["psnr"] == pytest.approx(image_errors(TEST.images, one)["psnr"], abs=1e-9)


def test_bits_of_several_iterations_can_be_cut(sent: Callable[..., dict[str, Any]]) -> None:
    model = models.toderici2017("gru", width=0.03, iterations=3, seed=4)
    test = in_colour(TEST)
    found = sent(model, test, iterations=[3, 1])
    first, last = found["forms"]
    assert (first["iterations"], last["iterations"]) == (1, 3)
    # 32 bits for each of 2×2 places.
    assert (first["packed"], last["packed"]) == (16.0, 48.0)
    assert (first["values"], last["values"]) == (128, 384)
    with torch.no_grad():
        outputs = model.reconstructions(scaled(test.images, model.data_range))
    for form in (first, last):
        output = outputs[form["iterations"] - 1]
        images = scaled_back(output, model.data_range)
        assert form["psnr"] == pytest.approx(image_errors(test.images, images)["psnr"], abs=1e-3)
        assert form["single"] <= form["packed"] + 2
        assert form["estimated"] <= form["packed"]
    assert 0 < first["stream"] < last["stream"] <= last["packed"] + 1
    codes = codes_of(model, test.images) > 0
    ones = codes.double().mean(dim=0)
    entropy = -(ones * ones.log2() + (1 - ones) * (1 - ones).log2()).nan_to_num()
    assert last["estimated"] == pytest.approx(float(entropy.sum()) / 8)
    assert first["estimated"] == pytest.approx(float(entropy[0].sum()) / 8)


def test_a_training_that_diverged_has_no_code(tmp_path: Path) -> None:
    gone = Artifact({}, {"diverged": "the loss is nan"})
    found = code_bytes.function(context(tmp_path, bits=[2]), gone, TRAIN, TEST)
    assert found.data == {"diverged": "the loss is nan"}


def test_it_stops_when_asked(tmp_path: Path) -> None:
    surroundings = context(tmp_path, bits=[2])
    surroundings.stop.set()
    with pytest.raises(StageStopped):
        code_bytes.function(surroundings, artifact(models.feng2018_cnn()), TRAIN, TEST)


def png(pixels: torch.Tensor) -> int:
    buffer = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(buffer, format="png", optimize=True)
    return len(buffer.getvalue())


def test_images_as_png_files(tmp_path: Path) -> None:
    def count(images: torch.Tensor) -> dict[str, Any]:
        split = Split(images, torch.zeros(len(images), dtype=torch.int64), ("a",), "some")
        return dict(image_bytes.function(context(tmp_path), split).data)

    five = TEST.images[:5]
    found = count(five)
    assert (found["images"], found["input"]) == (5, 784)
    assert found["png"] == pytest.approx(sum(png(image[0]) for image in five) / 5)
    # Three in a row, and a place left black.
    black = torch.zeros(28, 28, dtype=torch.uint8)
    rows = [torch.cat([*five[:3, 0]], dim=1), torch.cat([*five[3:, 0], black], dim=1)]
    assert found["mosaic"] == pytest.approx(png(torch.cat(rows)) / 5)

    torch.manual_seed(0)
    colour = torch.randint(0, 256, (1, 3, 6, 9), dtype=torch.uint8)
    found = count(colour)
    assert found["input"] == 162
    assert found["png"] == found["mosaic"] == png(colour[0].permute(1, 2, 0).contiguous())
    assert count(colour[:, :2]) == {"images": 1, "input": 108, "png": None, "mosaic": None}


def form(bits: int, psnr: float, stream: float | None = None, **more: Any) -> dict[str, Any]:
    sizes = {"packed": bits * 40 / 8, "stream": stream, "estimated": stream, "single": stream}
    sizes["archive"] = None if stream is None else stream + 0.1
    return {"bits": bits, "iterations": None, "values": 40, **sizes, "psnr": psnr} | more


def repeat(*forms: dict[str, Any]) -> dict[str, Any]:
    return {"images": 1000, "alone": 100, "forms": list(forms), "diverged": None}


PLAIN = {"images": 1000, "input": 784, "png": 300.0, "mosaic": None}


def test_the_table_shows_means_over_repeats() -> None:
    first = repeat(form(32, 20.0), form(4, 19.95, 18.0), form(2, 18.0, 6.0))
    second = repeat(form(32, 22.0), form(4, 21.95, 16.0), form(2, 19.0, 8.0))
    lost = {"diverged": "the loss is nan"}
    sets = [Sent("digits", [PLAIN], [Coded("CNN", [first, lost, second])])]
    table = accounting_table(sets, "A note.")
    assert table.caption.startswith("A note. Bytes of an image, means over 1,000 test images and 3")
    assert [column.name for column in table.columns][:3] == [
        "What is stored", "Values", "Bits per value",
    ]  # fmt: skip
    rows = [list(row) for row in table.rows]
    assert rows[0] == ["the image, 8 bits per value", 784, 8, 784.0, *[None] * 4, 1.0, None]
    png = ["PNG, a file of each image", 784, None, *[None] * 3, 300.0, None, 300 / 784, None]
    assert rows[1] == png
    assert rows[2] == ["CNN", 40, 32, 160.0, *[None] * 4, 160 / 784, 21.0]
    sizes = [20.0, 17.0, 17.0, 17.0, pytest.approx(17.1)]
    assert rows[3] == ["CNN", 40, 4, *sizes, 17 / 784, pytest.approx(20.95)]
    assert rows[4][:5] == ["CNN", 40, 2, 10.0, 7.0]
    assert real_bytes(sets) == (
        "An image of digits has 784 bytes, 300 as a PNG file, which loses nothing. CNN: 160 bytes "
        "as floats, 20.0 at 4 bits a value, 17.0 entropy coded, 0.022 of the image’s bytes, at "
        "20.95 dB. Bits of a value: the fewest tried that cost at most 0.1 dB, else the most."
    )


def test_several_data_sets_and_iterations_have_columns() -> None:
    cuts = [form(1, 20.0 + n, 3.0 * n, iterations=n, packed=5.0 * n) for n in (1, 2)]
    two = [Sent(name, [PLAIN], [Coded("GRU", [repeat(*cuts)])]) for name in ("a", "b")]
    table = accounting_table(two)
    assert [column.name for column in table.columns][:3] == [
        "Data", "What is stored", "Iterations",
    ]  # fmt: skip
    assert [row[:3] for row in table.rows if row[1] == "GRU"] == [
        ["a", "GRU", 1], ["a", "GRU", 2], ["b", "GRU", 1], ["b", "GRU", 2],
    ]  # fmt: skip
    text = real_bytes(two[:1])
    assert "GRU: 10.0 bytes packed, 6.0 entropy coded" in text
    assert "as floats" not in text
    alone = accounting_table([Sent("a", [PLAIN], [Coded("GRU", [repeat(cuts[0])])])])
    assert "Iterations" not in {column.name for column in alone.columns}


def test_what_the_sentence_speaks_of() -> None:
    floats = form(32, 20.0)
    close = [form(8, 20.0), form(6, 19.95), form(4, 19.9 + 1e-9), form(2, 19.8)]
    assert chosen([floats, *close])["bits"] == 4
    assert chosen([floats, form(8, 15.0), form(4, 10.0)])["bits"] == 8
    assert math.isclose(chosen([floats])["packed"], 160)
    assert real_bytes([Sent("a", [PLAIN], [Coded("CNN", [{"diverged": "nan"}])])]) == ""
