"""BD-rates against the best of the formats that everybody reads, from a comparison's points."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcomp.errors import UsageError
from imgcomp.rd.compact import read_comparison
from imgcomp.rd.formats import against_formats, formats_table

COMMITTED = Path(__file__).parents[2] / "results" / "rd"


def line(name, kind, rates, psnr, *, mosaic=None, whole=None, lossless=False):
    points = []
    for rate, quality in zip(rates, psnr, strict=True):
        point = {"bpp": {"file": rate, "payload": rate / 2, "mosaic": rate / 4}, "psnr": quality}
        if mosaic is not None:
            point["mosaic"] = {"psnr": quality + mosaic}
        if whole is not None:
            point["whole"] = {"bpp": rate * whole, "psnr": quality}
        points.append(point)
    return {
        "name": name,
        "title": name.upper(),
        "kind": kind,
        "family": name,
        "ours": kind == "codec",
        "lossless": lossless,
        "points": points,
    }


def results(*lines, bd_rates=()):
    return {"lines": list(lines), "bd_rates": list(bd_rates)}


PSNR = [30.0, 35.0, 40.0]
OURS = line("ours", "codec", [1.0, 2.0, 4.0], PSNR, whole=3.0)
JPEG = line("jpeg", "ordinary", [2.0, 4.0, 8.0], PSNR, mosaic=0.0, whole=2.0)
PNG = line("png", "ordinary", [0.1], [99.0], lossless=True)
PCA = line("pca", "pca", [0.1, 0.2, 0.4], PSNR)


def test_half_the_rate_is_half_the_rate():
    some = results(OURS, JPEG)
    for size in ("file", "payload", "mosaic"):
        found = against_formats(some, "ours", size)
        assert found.percent == pytest.approx(-50.0, abs=1e-6)
        assert (found.low, found.high, found.points) == (30.0, 40.0, 3)
    assert against_formats(some, "ours", "whole").percent == pytest.approx(-25.0, abs=1e-6)


def test_what_learns_and_what_loses_nothing_is_no_such_format():
    alone = against_formats(results(OURS, JPEG), "ours", "file")
    assert against_formats(results(OURS, JPEG, PCA, PNG), "ours", "file") == alone
    assert against_formats(results(OURS, PCA, PNG), "ours", "file").percent is None


def test_the_best_of_several_at_each_quality():
    cheap = line("webp", "ordinary", [1.0, 2.0, 4.0], PSNR)
    assert against_formats(results(OURS, JPEG, cheap), "ours", "file").percent == pytest.approx(0)
    # Each of two halves of the range has another best one, at twice the rate of ours.
    low = line("low", "ordinary", [2.0, 4.0], [30.0, 35.0])
    high = line("high", "ordinary", [4.0, 8.0], [35.0, 40.0])
    found = against_formats(results(OURS, low, high), "ours", "file")
    assert found.percent == pytest.approx(-50.0, abs=1.0)


def test_a_mosaic_is_measured_by_what_comes_out_of_it():
    worse = line("jpeg", "ordinary", [2.0, 4.0, 8.0], PSNR, mosaic=-5.0)
    # 5 dB are a factor of 2: what has 35 dB in a file of its own has 30 in the mosaic.
    assert against_formats(results(OURS, worse), "ours", "mosaic").percent == pytest.approx(
        -75.0, abs=0.5
    )
    assert against_formats(results(OURS, worse), "ours", "file").percent == pytest.approx(-50.0)


def test_the_table_names_the_formats_and_every_way_of_counting():
    shown = formats_table(results(OURS, JPEG, PCA, PNG))
    assert shown.rows == [["OURS", "PSNR", "−50.0 %", "−50.0 %", "−50.0 %"]]
    assert "of JPEG, without what learns" in shown.caption
    photographs = results(OURS, JPEG, PCA, bd_rates=[{"size": "whole"}])
    assert formats_table(photographs).rows[0][-1] == "−25.0 %"
    assert formats_table(results(OURS, PCA)) is None
    assert formats_table(results(OURS, JPEG)) is None  # the best of all rivals is JPEG anyway
    assert formats_table(results(JPEG, PCA)) is None


def test_accuracies_of_two_classifiers_are_not_compared():
    lines = [
        {**each, "points": [{**point, "accuracy": point["psnr"] / 50} for point in each["points"]]}
        for each in (OURS, JPEG)
    ]
    some = results(*lines)
    assert against_formats(some, "ours", "file", "accuracy").percent == pytest.approx(-50.0)
    kept = {**some, "kept": {"lines": ["ours"]}}
    assert against_formats(kept, "ours", "file", "accuracy").percent is None
    assert against_formats(kept, "ours", "file").percent == pytest.approx(-50.0)


def test_an_unknown_line_is_named():
    with pytest.raises(UsageError, match="no line 'mine'"):
        against_formats(results(OURS, JPEG), "mine", "file")
    assert against_formats(results(OURS, JPEG), "ours", "file", "accuracy").percent is None


@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist", "kodak"])
def test_points_give_what_stages_gave(name):
    """A BD-rate that was computed from all images, with a single format, is that of the points."""
    content = read_comparison(COMMITTED / name / "results.json")
    compared, kept = 0, content.get("kept", {"lines": ()})["lines"]
    for record in content["bd_rates"]:
        if record["anchor"] == "webp" and record["percent"] is not None:
            if record["tested"] in kept and record["measure"] == "accuracy":
                continue  # compared with another WebP line, of the same classifier
            pair = {record["tested"], "webp"}
            some = results(*(each for each in content["lines"] if each["name"] in pair))
            found = against_formats(some, record["tested"], record["size"], record["measure"])
            assert found.percent == pytest.approx(record["percent"], abs=0.02)
            assert found.points == record["points"]
            compared += 1
    assert compared > 20
