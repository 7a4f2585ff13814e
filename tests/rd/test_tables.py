"""The tables as texts."""

from __future__ import annotations

import pytest
import torch
from rd_tools import IMAGES, made_up

from imgcomp.rd import tables
from imgcomp.rd.curves import Curves
from imgcomp.rd.levels import at_quality, fallen
from imgcomp.rd.rates import bd_records, with_model


@pytest.fixture(scope="module")
def results():
    """Of a codec that takes 3/4 of a rival's rate, at an accuracy that is higher by a point."""
    psnr = [30.0, 35.0, 40.0]
    rival = made_up("rival", [1.0, 2.0, 4.0], {"psnr": psnr, "correct": [0.7, 0.75, 0.8]})
    ours = made_up(
        "ours",
        [0.75, 1.5, 3.0],
        {"psnr": psnr, "correct": [0.71, 0.76, 0.81]},
        ours=True,
        model_bytes=2000,
    )
    curves = Curves([ours, rival], repeats=4)
    return {
        "originals_accuracy": 0.8,
        "amortised_over": [1000, 10_000, 70_000],
        "lines": [
            {
                "name": "ours",
                "title": "Ours",
                "ours": True,
                "unit": "quality",
                "points": [
                    {
                        "label": "20",
                        "psnr": 30.0,
                        "model_bytes": 2000,
                        "bpp": {"file": 0.75},
                        "bpp_with_model": {"1000": 2.75, "10000": 0.95, "70000": 0.7786},
                    }
                ],
            },
            {
                "name": "rival",
                "title": "A rival",
                "ours": False,
                "unit": "q",
                "points": [{"model_bytes": 0}],
            },
        ],
        "bd_rates": bd_records(curves),
        "with_model": with_model(curves),
        "at_quality": at_quality(curves, 0.8),
        "fallen": fallen(curves, torch.full((IMAGES,), 0.8, dtype=torch.float64)),
    }


def test_bd_rates_stand_with_their_interval_and_range(results):
    shown = tables.bd_table(results, "ours", "psnr")
    assert shown.title == "Ours, over PSNR"
    assert list(shown.heads) == [
        "compared with", "one file for each image", "coded image alone", "all images in one file",
    ]  # fmt: skip
    cell = "−25.0 %\n−25.0 … −25.0\n30.0 … 40.0 dB"
    assert shown.rows == [["A rival", cell, cell, cell]]
    assert tables.measures_of(results) == ["psnr", "accuracy"]


def test_few_points_and_nothing_in_common():
    record = {"percent": 12.34, "interval": [-1.0, 20.0], "few_points": True}
    assert tables.show_percent(record) == "+12.3 % *\n−1.0 … +20.0"
    assert tables.show_percent({**record, "percent": None}) == "–"


def test_against_the_best_a_row_for_each_measure(results):
    shown = tables.best_table(results)
    assert [row[:2] for row in shown.rows] == [["Ours", "PSNR"], ["Ours", "accuracy"]]
    assert shown.rows[0][2] == "−25.0 %\n−25.0 … −25.0"
    # The accuracies have 71 … 80 % in common, where each has two points.
    assert " % *\n" in shown.rows[1][2]
    nothing = [{**record, "percent": None} for record in results["bd_rates"]]
    assert tables.best_table({**results, "bd_rates": nothing}).rows == []


def test_rates_at_equal_quality(results):
    shown = tables.level_table(results, "psnr", "mosaic")
    assert shown.title == "All images in one file"
    assert list(shown.heads) == ["dB", "30", "32", "34", "36", "38", "40"]
    assert [row[0] for row in shown.rows] == ["Ours", "A rival"]
    assert (shown.rows[0][1], shown.rows[1][1], shown.rows[1][6]) == ("0.750", "1.00", "4.00")
    accuracy = tables.level_table(results, "accuracy", "file")
    assert list(accuracy.heads) == ["points lost", "1", "2", "5", "10"]
    assert accuracy.rows[1][3:] == ["2.00", "1.00"]
    assert accuracy.rows[0][4] == "–"


def test_what_is_lost_where_the_best_rival_has_lost_five_points(results):
    shown = tables.fallen_table(results)
    assert shown.title == "Points of accuracy lost where the best rival has lost 5"
    # 75 % at 2 bits per pixel; ours has 76 % at 1.5 and 81 % at 3, log(4/3)/log(2) of the way.
    ours, rival = shown.rows
    assert ours[:2] == ["Ours", "1.9\n1.9 … 1.9"]
    assert rival[1] == "5.0\n5.0 … 5.0"
    assert "one file for each image: A rival, 5.0 points at 2.00 bits per pixel" in shown.caption
    assert tables.fallen_table({**results, "fallen": []}) is None


def test_weights_among_so_many_images(results):
    shown = tables.weights_table(results)
    assert list(shown.heads)[3:] == ["without", "1,000", "10,000", "70,000"]
    assert shown.rows[0][:3] == ["Ours", "2,000", "one file for each image"]
    assert shown.rows[0][3] == "−25.0 %\n−25.0 … −25.0"
    points = tables.points_with_model(results, "ours")
    assert points.rows == [["20", "30.00", "0.750", "2.75", "0.950", "0.779"]]
    assert list(points.heads)[:2] == ["quality", "PSNR"]
    assert tables.weights_table({**results, "with_model": []}) is None
    nothing = [{**record, "percent": None} for record in results["with_model"]]
    assert tables.weights_table({**results, "with_model": nothing}) is None


def point(size, accuracy, mosaic=None):
    found = {"bytes": {"file": 9.0, "mosaic": size}, "accuracy": accuracy}
    return found if mosaic is None else {**found, "mosaic": {"accuracy": mosaic}}


def test_the_smallest_files_that_a_classifier_reads():
    results = {
        "originals_accuracy": 0.8,
        "lines": [
            {"name": "a", "title": "A", "ours": True,
             "points": [point(5.0, 0.71), point(8.0, 0.76), point(20.25, 0.8)]},
            {"name": "b", "title": "B", "ours": True, "points": [point(7.0, 0.7)]},
            # A mosaic is counted by what comes out of it.
            {"name": "r", "title": "R", "ours": False,
             "points": [point(30.0, 0.8, mosaic=0.785), point(40.0, 0.7, mosaic=0.795)]},
            # Judged by its own classifier, which had 0.78.
            {"name": "k", "title": "K", "ours": False, "points": [point(25.0, 0.761)]},
        ],
        "data": {"image_shape": [3, 4, 4]},
        # Between two settings it is the curve's, as at equal quality.
        "at_quality": [
            {"line": "a", "measure": "accuracy", "level": 75.0, "mosaic": 3.5},
            {"line": "a", "measure": "psnr", "level": 75.0, "mosaic": 0.5},
            {"line": "r", "measure": "accuracy", "level": 79.0, "mosaic": None},
        ],
        "kept": {"lines": ["k"], "originals_accuracy": 0.78},
    }  # fmt: skip
    table = tables.smallest_table(results)
    assert table.heads == ["points lost, at most", "1", "2", "5", "10"]
    assert table.rows == [
        ["the best of all rivals", "40.0\nR", "25.0\nK", "25.0\nK", "25.0\nK"],
        ["the best of the package’s codecs", "20.2\nA", "20.2\nA", "7.0\nA", "5.0\nA"],
        ["A", "20.2", "20.2", "7.0", "5.0"],
        ["B", "–", "–", "–", "7.0"],
    ]
    assert tables.smallest_table({**results, "originals_accuracy": None}) is None
