"""The codecs that ship with the package: that they load, and do what their cards say."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
import torch

import imgcomp
from imgcomp import metrics
from imgcomp.codec import Codec, StaticCode
from imgcomp.codec.patch_codec import patch_codec
from imgcomp.codec.recipe import Recipe
from imgcomp.models import Classifier
from imgcomp.models.patch_transform import restoration_filter
from imgcomp.papers.judges import judge_config

SHIPPED = Path(imgcomp.codec.__file__).parent / "shipped"
RECORDS = Path(__file__).parents[2] / "results" / "codecs"
PATCH = {"patch-gray": (1, 28, 28), "patch-colour": (3, 32, 32)}
HOUSE = {
    "house-gray": (1, 28, 28),
    "house-gray-classifier": (1, 28, 28),
    "house-gray-ms-ssim": (1, 28, 28),
    "house-colour": (3, 32, 32),
    "house-colour-ms-ssim": (3, 32, 32),
    "house-colour-classifier": (3, 32, 32),
}
SHAPES = PATCH | HOUSE
SETS = {
    "patch-gray": ("Fashion-MNIST", "MNIST"),
    "patch-colour": ("CIFAR-10", "CIFAR-100"),
}
HOUSE_SETS = [
    ("house-gray", "Fashion-MNIST"),
    ("house-gray", "MNIST"),
    ("house-colour", "CIFAR-10"),
    ("house-colour", "CIFAR-100"),
]


def shipped(name: str) -> Codec:
    return Codec.load(SHIPPED / f"{name}.safetensors")


def rate_and_psnr(codec: Codec, images: torch.Tensor) -> tuple[float, float]:
    data = codec.encode(images)
    decoded = codec.decode(data, len(images))
    pixels = len(images) * images.shape[2] * images.shape[3]
    return len(data) * 8 / pixels, float(metrics.psnr(images, decoded).mean())


def on_the_card(name: str, test_set: str) -> tuple[float, float, float]:
    """Bits per pixel of one stream, PSNR and WebP's bits per pixel."""
    text = (SHIPPED / f"{name}.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {test_set} \|(.*)\|$", text, re.MULTILINE)
    assert row, f"{name}.md has no row for {test_set}"
    cells = [float(cell.replace(",", "")) for cell in row[1].split("|")]
    return cells[1], cells[3], cells[5]


@pytest.mark.parametrize("name", SHAPES)
def test_files(name: str) -> None:
    codec = shipped(name)
    assert codec.name == name
    assert codec.image_shape == SHAPES[name]
    size = (SHIPPED / f"{name}.safetensors").stat().st_size
    assert size <= (2_000_000 if name in HOUSE else 500_000)
    assert f"the file has {size:,} bytes" in (SHIPPED / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "test_set", "bpp", "psnr"),
    [("patch-gray", "Fashion-MNIST", 1.5, 32.0), ("patch-colour", "CIFAR-10", 1.8, 30.0)],
)
def test_cards_promise_less_than_webp(name: str, test_set: str, bpp: float, psnr: float) -> None:
    found = on_the_card(name, test_set)
    assert found[0] <= bpp
    assert found[1] >= psnr
    for each in SETS[name]:
        rate, _, webp = on_the_card(name, each)
        assert rate < 0.85 * webp


@pytest.mark.needs_data
@pytest.mark.parametrize(("name", "test_set"), [(n, s) for n, sets in SETS.items() for s in sets])
def test_cards_are_kept(name: str, test_set: str, data_root: Path) -> None:
    images = imgcomp.datasets.load(test_set, data_root).test.images[:2000]
    bpp, psnr = rate_and_psnr(shipped(name), images)
    expected = on_the_card(name, test_set)
    assert bpp == pytest.approx(expected[0], rel=0.03)
    assert psnr == pytest.approx(expected[1], abs=0.2)


def house_card(name: str, test_set: str) -> dict[int, list[float]]:
    """Quality → bits per pixel, PSNR, SSIM, MS-SSIM, bits alone, WebP's bits (NaN where none)."""
    text = (SHIPPED / f"{name}.md").read_text(encoding="utf-8")
    table = text.split(f"\n{test_set}, ")[1].split("\n\n")[1]
    found = {}
    for row in table.splitlines()[2:]:
        first, *rest = (cell.strip() for cell in row.strip("|").split("|"))
        found[int(first)] = [float(cell.replace("–", "nan")) for cell in rest]
    return found


@pytest.mark.parametrize(("name", "test_set"), HOUSE_SETS)
def test_cards_of_several_rates_promise_much_less_than_webp(name: str, test_set: str) -> None:
    rows = house_card(name, test_set)
    assert min(rows) == 1
    assert max(rows) == 100
    for row, after in pairwise(rows.values()):
        assert row[0] < after[0]
        assert row[1] < after[1]
    compared = [row for row in rows.values() if row[5] == row[5]]  # those that are no NaN
    assert len(compared) >= 3
    assert all(row[4] < 0.75 * row[5] for row in compared)


@pytest.mark.needs_data
@pytest.mark.parametrize(("name", "test_set"), HOUSE_SETS)
def test_cards_of_several_rates_are_kept(name: str, test_set: str, data_root: Path) -> None:
    images = imgcomp.datasets.load(test_set, data_root).test.images[:1000]
    for quality, row in house_card(name, test_set).items():
        if quality in (17, 67):
            bpp, psnr = rate_and_psnr(shipped(name).at(quality), images)
            assert bpp == pytest.approx(row[0], rel=0.04)
            assert psnr == pytest.approx(row[1], abs=0.3)


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("name", "data", "usual", "small"),
    [("house-gray", "fashion-mnist", 1, 60), ("house-colour", "cifar-10", 30, 47)],
)
def test_a_classifier_reads_half_the_bytes(
    name: str, data: str, usual: int, small: int, data_root: Path
) -> None:
    """A classifier that neither codec has seen, at about equal accuracy."""
    found = imgcomp.datasets.load(data, data_root)
    if data == "cifar-10":
        config = judge_config((3, 32, 32), 10, epochs=2, seed=3)
        judge = cast(Classifier, imgcomp.models.from_spec(config["spec"], seed=3))
    else:
        judge = imgcomp.models.feng2018_classifier(seed=3)
    imgcomp.fit(judge, found.train.take(20_000), epochs=2, lr=1e-3, batch_size=128, progress=False)
    images, labels = found.test.images[:1500], found.test.labels[:1500]
    sizes, right = [], []
    for codec in (shipped(name).at(usual), shipped(f"{name}-classifier").at(small)):
        stream = codec.compress(images)
        sizes.append(len(stream))
        decided = judge.predict(codec.decompress(stream)).argmax(1)
        right.append(float((decided == labels).float().mean()))
    assert sizes[1] < 0.5 * sizes[0]
    assert right[1] > right[0] - 0.02


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("name", "data"), [("house-gray", "fashion-mnist"), ("house-colour", "cifar-10")]
)
def test_the_variant_for_ms_ssim_needs_fewer_bytes_for_it(
    name: str, data: str, data_root: Path
) -> None:
    images = imgcomp.datasets.load(data, data_root).test.images[:500]
    codecs = [shipped(each).at(34) for each in (name, f"{name}-ms-ssim")]
    usual, small = streams = [codec.compress(images) for codec in codecs]
    assert len(small) < 0.9 * len(usual)
    decoded = [codec.decompress(data) for codec, data in zip(codecs, streams, strict=True)]
    usually, kept = (float(metrics.ms_ssim(images, each).mean()) for each in decoded)
    assert kept > usually


@pytest.mark.parametrize("name", HOUSE)
def test_cards_tell_of_the_training_as_it_was(name: str) -> None:
    record = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    assert record["digest"] == shipped(name).digest
    card = (SHIPPED / f"{name}.md").read_text(encoding="utf-8")
    recipe = Recipe.load(name)
    assert f"- Command: `{record['command']}`; seed {recipe.seed}" in card
    epochs = len(record["history"]["columns"]["epoch"])
    assert f"- Objective `{recipe.fit.objective}`, {epochs} epochs in batches of 32" in card
    for words, given in (("weights of", recipe.start), ("classifier in", recipe.judge)):
        found = re.search(rf"{words} `(.+)`\.$", card, re.MULTILINE)
        assert (found and found[1]) == (given and Path(given).name)


def test_the_house_codecs_are_the_ones_that_are_taken() -> None:
    digits = imgcomp.datasets.digits().test.images[:40]
    with imgcomp.codec.open(imgcomp.codec.compress(digits, quality=50)) as archive:
        assert (archive.codec_name, archive.quality) == ("house-gray", 50)
        assert float(metrics.psnr(digits, archive[:]).mean()) > 25
    odd = digits[:3, :, :23, :17].expand(-1, 3, -1, -1).contiguous()
    with imgcomp.codec.open(imgcomp.codec.compress(odd, target_bpp=2.0)) as archive:
        assert (archive.codec_name, archive.shape) == ("house-colour", (3, 23, 17))
        assert float(metrics.psnr(odd, archive[:]).mean()) > 20


def test_digits() -> None:
    images = imgcomp.datasets.load("digits").test.images
    bpp, psnr = rate_and_psnr(shipped("patch-gray"), images)
    assert bpp < 1.0
    assert psnr > 33


# Not the variants, which are for images like those of their training.
@pytest.mark.parametrize("name", sorted(name for name in SHAPES if name.count("-") == 1))
def test_images_unlike_any_other(name: str) -> None:
    codec = shipped(name)
    noise = torch.randint(256, (20, *codec.image_shape), dtype=torch.uint8)
    flat = torch.arange(0, 256, 15, dtype=torch.uint8).view(-1, 1, 1, 1)
    bars = 255 * (torch.arange(codec.image_shape[2]) % 2).to(torch.uint8)
    # In colour half of the patterns are left out, and with them half of the noise's energy; a
    # plain gray image in its place would have 10.7 dB.
    for images, least in ((noise, 12), (flat, 28), (bars.view(1, 1, 1, -1), 15)):
        given = images.expand(len(images), *codec.image_shape).contiguous()
        bpp, psnr = rate_and_psnr(codec.at(90) if name in HOUSE else codec, given)
        assert psnr > least
        assert bpp < 8 * codec.image_shape[0]


def test_a_codec_of_few_images() -> None:
    images = imgcomp.datasets.load("digits").train.images[:300]
    settings = {"epochs": 2, "lr": 1e-3, "batch_size": 32, "threads": 1}
    made = [
        patch_codec(
            images, patch=4, channels=12, step=0.2, width=16, tables="channel",
            training=settings, progress=False, seed=5, name="few",
        )
        for _ in range(2)
    ]  # fmt: skip
    codec = made[0]
    assert codec.digest == made[1].digest
    assert codec.name == "few"
    assert isinstance(codec.code, StaticCode)
    assert codec.code.shape == (12, 7, 7)
    assert len(codec.code.tables) == 12
    torch.testing.assert_close(codec.code.quantizer.step, torch.full((12,), 0.2))
    # Every step has come through training, and it did the images good.
    untouched = restoration_filter((1, 28, 28), width=16, seed=5).state_dict()
    trained = codec.model.state_dict()["decoder.pixels.weight"]
    assert not torch.equal(trained, untouched["decoder.pixels.weight"])
    bpp, psnr = rate_and_psnr(codec, images)
    assert psnr > 27
    assert bpp < 2
