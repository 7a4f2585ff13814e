"""BD-rates over every measure, and with what must be known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from rd_tools import made_up

from imgcomp.rd.curves import Curves
from imgcomp.rd.rates import bd_records, with_model
from imgcomp.rd.scales import SCALES, decibels
from imgcomp.stages import Artifact

DECIBELS = np.array([10.0, 12.5, 15.0, 17.5, 20.0])
SIMILAR = (1 - 10 ** (-DECIBELS / 10)).tolist()
FLAT, STEEP = np.exp(0.1 * (DECIBELS - 10)), np.exp(0.2 * (DECIBELS - 10))


def only(records, **wanted):
    (found,) = [
        record for record in records if all(record[key] == value for key, value in wanted.items())
    ]
    return found


def test_similarities_in_decibels():
    given = np.array([-0.5, 0.0, 0.9, 0.99, 0.999, 1.0, 1.0 + 1e-12])
    expected = [-1.760913, 0.0, 10.0, 20.0, 30.0, 99.0, 99.0]
    assert decibels(given).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("measure", ["ssim", "ms_ssim"])
def test_similarities_are_compared_on_a_scale_of_decibels(measure):
    # log ratio = 0.1 (q − 10) dB: 0.5 on the average over 10 … 20 dB. Over the similarities
    # themselves, of which most of that range is 0.97 … 0.99, it would be another average.
    rival = made_up("rival", FLAT, {measure: SIMILAR})
    ours = made_up("ours", STEEP, {measure: SIMILAR}, ours=True)
    found = only(bd_records(Curves([ours, rival], repeats=8)), size="file")
    assert (found["tested"], found["anchor"], found["measure"]) == ("ours", "rival", measure)
    assert found["percent"] == pytest.approx(100 * math.expm1(0.5), rel=1e-6)
    assert (found["low"], found["high"]) == pytest.approx((10.0, 20.0))
    assert found["points"] == 5
    # All images are alike, so that all draws of them are.
    assert found["interval"] == pytest.approx([found["percent"]] * 2)


def test_accuracy_is_compared_in_per_cent_and_points_that_others_beat_are_left_out():
    shares = [0.3, 0.5, 0.45, 0.6]
    rates = np.array([1.0, 2.0, 3.0, 4.0])
    rival = made_up("rival", rates, {"correct": shares})
    ours = made_up("ours", 0.8 * rates, {"correct": shares}, ours=True)
    found = only(bd_records(Curves([ours, rival], repeats=0)), size="mosaic")
    assert found["measure"] == "accuracy"
    assert found["percent"] == pytest.approx(-20.0)
    assert (found["low"], found["high"]) == pytest.approx((30.0, 60.0))
    assert (found["points"], found["few_points"]) == (3, False)
    assert found["interval"] is None


def test_each_measure_has_its_own_rate_and_psnr_is_the_first():
    rates = np.array([1.0, 2.0, 4.0])
    rival = made_up("rival", rates, {"ms_ssim": SIMILAR[:3], "psnr": [30, 35, 40]})
    # Twice the rate at equal PSNR; at equal MS-SSIM the same.
    shifted = {"ms_ssim": SIMILAR[:3], "psnr": [25, 30, 35]}
    ours = made_up("ours", rates, shifted, ours=True)
    records = bd_records(Curves([ours, rival], repeats=0))
    assert [(r["measure"], r["size"]) for r in records] == [
        (measure, size) for measure in ("psnr", "ms_ssim") for size in ("file", "payload", "mosaic")
    ]
    assert only(records, measure="psnr", size="file")["percent"] == pytest.approx(100.0)
    assert only(records, measure="psnr", size="file")["few_points"]
    assert only(records, measure="ms_ssim", size="file")["percent"] == pytest.approx(0.0)


def test_a_measure_that_is_not_known_everywhere_has_no_curve():
    nan = [0.5, math.nan, 0.9]
    ours = made_up("ours", [1, 2, 4], {"psnr": [30, 35, 40], "ssim": nan}, ours=True)
    rival = made_up("rival", [1, 2, 4], {"psnr": [30, 35, 40], "ssim": [0.5, 0.7, 0.9]})
    found = bd_records(Curves([ours, rival], repeats=0))
    assert {record["measure"] for record in found} == {"psnr"}


def test_whole_photographs_are_a_way_of_counting_of_their_own():
    def whole(found, sizes):
        stages = [
            Artifact(
                {
                    "file": torch.tensor([size, 2 * size], dtype=torch.float64),
                    "pixels": torch.tensor([8.0, 16.0], dtype=torch.float64),
                    "psnr": torch.tensor([quality, quality], dtype=torch.float64),
                }
            )
            for size, quality in zip(sizes, (30.0, 35.0, 40.0), strict=True)
        ]
        return type(found)(found.line, found.points, found.pixels, stages)

    psnr = {"psnr": [30, 35, 40]}
    ours = whole(made_up("ours", [1, 2, 4], psnr, ours=True), (1.5, 3, 6))
    rival = whole(made_up("rival", [1, 2, 4], psnr), (1, 2, 4))
    tiles = made_up("tiles", [1, 2, 4], psnr)
    curves = Curves([ours, rival, tiles], repeats=4)
    assert curves.of(ours, "whole", "psnr").rates.tolist() == [1.5, 3, 6]
    records = [r for r in bd_records(curves) if r["size"] == "whole"]
    # Of the two rivals one has no whole photographs, so that there is no best of several.
    assert [(r["anchor"], r["percent"]) for r in records] == [("rival", pytest.approx(50.0))]


def test_weights_are_divided_among_images_and_added_on_both_sides():
    psnr = {"psnr": [30, 35, 40]}
    ours = made_up("ours", [1, 2, 4], psnr, ours=True, model_bytes=3000)
    rival = made_up("rival", [1, 2, 4], psnr)
    learnt = made_up("learnt", [0.5, 1.5, 3.5], psnr, model_bytes=10_500)
    records = with_model(Curves([ours, rival, learnt], repeats=4))
    assert [(r["size"], r["shared_by"]) for r in records] == [
        (size, count) for size in ("file", "mosaic") for count in (None, 1000, 10_000, 70_000)
    ]
    curves = Curves([ours, rival], repeats=0)
    assert curves.of(ours, "file", "psnr", 1000).rates.tolist() == [4.0, 5.0, 7.0]
    assert curves.of(rival, "file", "psnr", 1000).rates.tolist() == [1.0, 2.0, 4.0]
    # Where the weights are shared by all the world, the rival that learns is the best one.
    without = only(records, size="file", shared_by=None)
    assert without["percent"] > 20
    # Among a thousand images it would take 11 bits per pixel and more: the other one is the best.
    same = with_model(Curves([ours, rival], repeats=0))
    among = only(records, size="file", shared_by=1000)
    assert among["percent"] == pytest.approx(only(same, size="file", shared_by=1000)["percent"])
    assert among["percent"] == pytest.approx(154.7, abs=0.1)
    assert among["interval"] == pytest.approx([among["percent"]] * 2)


def test_without_rivals_there_is_nothing_to_compare_with():
    ours = made_up("ours", [1, 2, 4], {"psnr": [30, 35, 40]}, ours=True)
    assert bd_records(Curves([ours], repeats=4)) == []
    assert with_model(Curves([ours], repeats=4)) == []


def test_every_scale_names_a_tensor_of_a_stage():
    assert {name: scale.tensor for name, scale in SCALES.items()} == {
        "psnr": "psnr", "ssim": "ssim", "ms_ssim": "ms_ssim", "accuracy": "correct",
    }  # fmt: skip
