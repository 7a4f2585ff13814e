"""``imgcomp rd`` from the command line to the page, at the smallest size."""

from __future__ import annotations

import csv
import json
import re

import pytest
import torch
from PIL import Image
from rd_tools import dense_codec, smooth

from imgcomp.cli import main
from imgcomp.errors import DatasetError, UsageError
from imgcomp.rd import results as rd_results
from imgcomp.rd.material import material
from imgcomp.rd.run import compare_codecs
from imgcomp.rd.tables import retrained_table

IMAGES = 12


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A comparison of rivals and two codecs of different bits, on digits, with classifiers."""
    folder = tmp_path_factory.mktemp("rd")
    paths = []
    for bits in (2, 3, 4):
        paths.append(folder / f"tiny-{bits}.safetensors")
        dense_codec(bits, f"tiny-{bits}").save(paths[-1])
    return compare_codecs(
        "digits",
        ["+".join(map(str, paths)), "jpeg", "webp", "png"],
        images=IMAGES,
        out=folder / "run",
        judge_epochs=1,
        retrain_images=16,
        bootstrap=20,
        jobs=1,
        progress=False,
    )


def line(done, name):
    (found,) = [each for each in done.results["lines"] if each["name"] == name]
    return found


def test_the_folder(done):
    names = {path.name for path in done.folder.iterdir()}
    assert {"report.html", "results.json", "points.csv", "figures", "stages", "run.json"} <= names
    drawn = {path.name for path in (done.folder / "figures").iterdir()}
    for figure in ("rate-psnr", "rate-ssim", "rate-ms-ssim", "rate-accuracy"):
        assert {f"{figure}.png", f"{figure}.svg"} <= drawn
    assert json.loads((done.folder / "results.json").read_text()) == done.results


def test_every_line_has_its_points_and_sizes(done):
    names = [each["name"] for each in done.results["lines"]]
    assert names == ["tiny-2+tiny-3+tiny-4", "jpeg-gray", "webp", "webp-lossless", "png"]
    for each in done.results["lines"]:
        for point in each["points"]:
            size = point["bytes"]
            assert 0 < size["payload"] < size["file"]
            assert size["mosaic"] <= size["file"]
            assert point["bpp"]["file"] == pytest.approx(8 * size["file"] / 784)
            assert 0 <= point["accuracy"] <= 1
            if each["lossless"]:
                assert point["psnr"] == 99.0
                assert point["accuracy"] == done.results["originals_accuracy"]
            if not each["ours"]:
                assert 0 < point["mosaic"]["psnr"] <= 99
    rates = [point["bpp"]["file"] for point in line(done, "jpeg-gray")["points"]]
    assert rates == sorted(rates)


def test_ours_is_the_archive_and_the_model_is_told_apart(done):
    for point in line(done, "tiny-2+tiny-3+tiny-4")["points"]:
        assert point["bytes"]["file"] == point["bytes"]["mosaic"]
        assert point["bytes_alone"] > point["bytes"]["file"]
        assert "mosaic" not in point
        for count, rate in point["bpp_with_model"].items():
            extra = 8 * point["model_bytes"] / int(count) / 784
            assert rate == pytest.approx(point["bpp"]["file"] + extra)


def test_some_points_have_a_classifier_trained_on_what_comes_out(done):
    for each in done.results["lines"]:
        trained = [point for point in each["points"] if "accuracy_retrained" in point]
        assert len(trained) == (0 if each["lossless"] else 3 if len(each["points"]) > 3 else 2)
        assert all(0 <= point["accuracy_retrained"] <= 1 for point in trained)
    few = done.results["retrained"]
    assert (few["images"], len(few)) == (16, 2)
    assert 0 <= few["originals_accuracy"] <= 1
    table = retrained_table(done.results)
    assert [row[:2] for row in table.rows[:5]] == [
        ["tiny-2+tiny-3+tiny-4", "tiny-2"], ["", "tiny-3"],
        ["JPEG gray", "6"], ["", "20"], ["", "50"],
    ]  # fmt: skip
    assert "on 16 images that went through the same" in table.caption
    assert ">tiny-3</td>" in done.report.read_text()
    assert retrained_table({**done.results, "retrained": None}) is None


def test_bd_rates_against_each_rival_and_the_best_of_them(done):
    records = done.results["bd_rates"]
    assert {record["tested"] for record in records} == {"tiny-2+tiny-3+tiny-4"}
    pairs = [(record["measure"], record["anchor"], record["size"]) for record in records]
    assert pairs == [
        (measure, anchor, size)
        for measure in ("psnr", "ssim", "ms_ssim", "accuracy")
        for size in ("file", "payload", "mosaic")
        for anchor in ("jpeg-gray", "webp", "envelope")
    ]
    for record in records:
        if record["percent"] is not None:
            assert record["low"] <= record["high"]
            assert record["few_points"] == (record["points"] < 3)


def test_rates_at_equal_quality_lie_between_those_of_the_points(done):
    points = line(done, "jpeg-gray")["points"]
    rows = [
        row
        for row in done.results["at_quality"]
        if (row["line"], row["measure"]) == ("jpeg-gray", "psnr")
    ]
    assert len(rows) > 3
    for row in rows:
        below = max(p["bpp"]["file"] for p in points if p["psnr"] <= row["level"])
        above = min(p["bpp"]["file"] for p in points if p["psnr"] >= row["level"])
        assert below <= row["file"] <= above


def test_the_table_of_points(done):
    with (done.folder / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    points = [(each, point) for each in done.results["lines"] for point in each["points"]]
    assert len(rows) == len(points)
    for row, (each, point) in zip(rows, points, strict=True):
        assert (row["line"], row["setting"]) == (each["name"], point["label"])
        assert float(row["bpp_payload"]) == pytest.approx(point["bpp"]["payload"], rel=1e-5)
        assert float(row["psnr"]) == pytest.approx(point["psnr"], rel=1e-5)
        source = point.get("mosaic", point)
        assert float(row["mosaic_psnr"]) == pytest.approx(source["psnr"], rel=1e-5)
        assert row["whole_bpp"] == ""


def test_the_page_holds_everything_and_fetches_nothing(done):
    page = done.report.read_text()
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert "http" not in re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    for each in done.results["lines"]:
        assert each["title"] in page
    viewer = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    assert viewer["count"] == 8
    for each, shown in zip(done.results["lines"], viewer["lines"], strict=True):
        assert len(shown["points"]) == len(each["points"])
        for point in shown["points"]:
            assert point["images"].startswith("data:image/png;base64,")
    assert "the best of all rivals" in page
    for head in ("Over SSIM", "Over accuracy", "At equal MS-SSIM", "With the weights counted"):
        assert head in page


def test_what_the_page_shows_is_what_came_out(done):
    import base64
    import io

    import numpy as np

    from imgcomp import datasets

    page = done.report.read_text()
    viewer = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])

    def pixels(address):
        raw = base64.b64decode(address.partition(",")[2])
        return np.array(Image.open(io.BytesIO(raw)))

    first = datasets.load("digits").test.images[:8, 0]
    assert np.array_equal(pixels(viewer["originals"]), torch.cat(list(first), 1).numpy())
    (png,) = [shown for shown in viewer["lines"] if shown["title"] == "PNG"]
    assert np.array_equal(pixels(png["points"][0]["images"]), pixels(viewer["originals"]))


def test_the_command_goes_on_and_prints_json(done, capsys, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in (done.folder / "stages").iterdir()}
    common = ["rd", "--data", "digits", "--codecs", "jpeg,png", "--images", str(IMAGES), "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*common, "--judge-epochs", "1", "--out", str(done.folder), "--resume"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found["lines"]] == ["jpeg-gray", "png"]
    assert found["lines"][0]["points"][3]["psnr"] == line(done, "jpeg-gray")["points"][3]["psnr"]
    after = {path: path.stat().st_mtime_ns for path in (done.folder / "stages").iterdir()}
    assert after == before  # nothing was computed again


def test_the_command_prints_tables(tmp_path, capsys):
    small = ["--images", "3", "--judge-epochs", "0", "--jobs", "1"]
    with pytest.raises(SystemExit) as ended:
        main(["rd", "--codecs", "jpeg,webp", *small, "--out", str(tmp_path / "run")])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "Bits per pixel at equal PSNR" in printed
    assert "JPEG gray" in printed
    assert str(tmp_path) in printed.replace("\n", "")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["originals_accuracy"] is None
    # Without a codec of the package the rivals are compared with each other.
    assert {(r["tested"], r["anchor"]) for r in results["bd_rates"]} == {
        ("jpeg-gray", "webp"),
        ("webp", "jpeg-gray"),
    }
    assert all(record["interval"] is None for record in results["bd_rates"])


def test_an_unknown_codec_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["rd", "--codecs", "jpeg,gif", "--out", str(tmp_path / "run")])
    assert ended.value.code == 1
    assert "imgcomp: error: there is no codec 'gif'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.fixture
def photographs(tmp_path):
    """A folder of two pictures of 64×96 and 70×64 pixels."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    whole = smooth(1, 3, 96)[0]
    for name, picture in {"a": whole[:, :64], "b": whole[:, 20:90, :64]}.items():
        pixels = picture.permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_photographs_are_tiles_and_whole(photographs, tmp_path):
    found = compare_codecs(
        str(photographs), ["webp"], images=5, out=tmp_path / "run", jobs=1, progress=False
    )
    assert found.results["data"]["photographs"] == ["a", "b"]
    assert found.results["data"]["images"] == 5
    assert found.results["originals_accuracy"] is None
    webp, lossless = found.results["lines"]
    for point in webp["points"]:
        # A tile's header is most of its file; a photograph's is nothing.
        assert point["whole"]["bpp"] < point["bpp"]["file"]
        assert 0 < point["whole"]["ms_ssim"] <= 1
    assert lossless["points"][0]["whole"]["psnr"] == 99.0
    assert (found.folder / "figures" / "whole-pictures.png").exists()


def test_material_of_photographs_and_of_small_pictures(photographs, tmp_path):
    found = material(str(photographs), 5)
    assert found.test.image_shape == (3, 32, 32)
    assert (len(found.test), len(found.train)) == (5, 10 - 5)
    assert not found.labelled
    assert [tuple(image.shape) for image in found.pictures.images] == [(3, 64, 96), (3, 64, 64)]
    small = tmp_path / "small"
    small.mkdir()
    for number, image in enumerate(smooth(10, 3, 16)):
        Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(small / f"{number}.png")
    found = material(str(small), 100)
    assert found.pictures is None
    assert found.test.image_shape == (3, 16, 16)
    assert (len(found.test), len(found.train)) == (2, 8)
    with pytest.raises(DatasetError, match="nothing"):
        material(str(tmp_path / "nothing"), 5)
    with pytest.raises(UsageError, match="at least 1, got 0"):
        material("digits", 0)


def test_rivals_that_learn_need_something_to_learn_from(photographs, tmp_path):
    with pytest.raises(UsageError, match="pca: needs images to learn from"):
        compare_codecs(str(photographs), ["pca"], images=10, out=tmp_path / "run", progress=False)


def test_csv_of_numbers_that_are_not_known():
    assert rd_results.csv_text([]).startswith("line,family,unit,setting,bytes_file,")
