"""Lines at equal quality, and what is recognised at the best rival's rate."""

from __future__ import annotations

import pytest
import torch
from rd_tools import IMAGES, made_up

from imgcomp.rd.bd import Curve
from imgcomp.rd.curves import Curves
from imgcomp.rd.levels import at_quality, fallen

ORIGINALS = torch.full((IMAGES,), 0.8, dtype=torch.float64)


def line(name, rates, shares, **options):
    return made_up(name, rates, {"correct": shares}, **options)


def lost(found, ours):
    """The record of files, and what each line has lost."""
    (record,) = [r for r in fallen(Curves([*ours, *found], repeats=6), ORIGINALS)
                 if r["size"] == "file"]  # fmt: skip
    return record, {one["line"]: one["fallen"] for one in record["lines"]}


def test_the_best_quality_within_a_rate():
    curve = Curve([1.0, 2.0, 8.0], [20.0, 30.0, 50.0])
    assert curve.best_within(0.99) is None
    assert curve.best_within(1.0) == pytest.approx(20.0)
    assert curve.best_within(2.0) == pytest.approx(30.0)
    assert curve.best_within(8.0) == 50.0
    assert curve.best_within(100.0) == 50.0
    for quality in (21.0, 29.0, 44.0):
        assert curve.best_within(curve.rate_at(quality)) == pytest.approx(quality, abs=1e-6)


def test_points_of_accuracy_lost_at_the_rate_at_which_the_best_rival_has_lost_five():
    # 75 % at 2 bits per pixel; the other rival needs 4^0.75 = 2.83 of them.
    first = line("first", [1, 2, 4], [0.65, 0.75, 0.8])
    second = line("second", [1, 4], [0.6, 0.8])
    # Half-way between 1 and 4 on a scale of logarithms.
    ours = line("ours", [1, 4], [0.6, 0.8], ours=True)
    record, found = lost([first, second], [ours])
    assert (record["rival"], record["drop"]) == ("first", 5.0)
    assert record["rate"] == pytest.approx(2.0)
    assert record["rival_fallen"] == pytest.approx(5.0)
    assert found == pytest.approx({"ours": 10.0, "first": 5.0, "second": 10.0}, abs=1e-6)
    (one,) = [each for each in record["lines"] if each["line"] == "ours"]
    assert one["accuracy"] == pytest.approx(70.0)
    assert one["interval"] == pytest.approx([10.0, 10.0], abs=1e-6)


def test_lines_that_need_more_bits_and_lines_that_need_fewer():
    rival = line("rival", [1, 2, 4], [0.65, 0.75, 0.8])
    thick = line("thick", [2.1, 4], [0.79, 0.8], ours=True)
    single = line("single", [0.5], [0.72], ours=True)
    better = line("better", [0.5, 1.5], [0.8, 0.83], ours=True)
    record, found = lost([rival], [thick, single, better])
    assert found["thick"] is None
    assert found["single"] == pytest.approx(8.0)
    assert found["better"] == pytest.approx(-3.0)
    assert [one["interval"] for one in record["lines"] if one["line"] == "thick"] == [None]


def test_a_rival_whose_coarsest_setting_keeps_more_is_taken_there():
    crossing = line("crossing", [1, 2, 4], [0.65, 0.75, 0.8])
    careful = line("careful", [1.5, 4], [0.78, 0.8])
    ours = line("ours", [1.5, 4], [0.7, 0.8], ours=True)
    record, found = lost([crossing, careful], [ours])
    assert (record["rival"], record["rate"]) == ("careful", 1.5)
    assert record["rival_fallen"] == pytest.approx(2.0)
    assert found["ours"] == pytest.approx(10.0)


def test_nothing_is_said_where_no_rival_keeps_so_much_or_nothing_is_classified():
    bad = line("bad", [1, 2], [0.2, 0.3])
    ours = line("ours", [1, 2], [0.7, 0.8], ours=True)
    assert fallen(Curves([ours, bad], repeats=2), ORIGINALS) == []
    assert fallen(Curves([ours], repeats=2), ORIGINALS) == []
    assert fallen(Curves([ours, bad], repeats=2), None) == []


def test_rates_at_equal_psnr_every_two_decibels():
    one = made_up("one", [1, 4], {"psnr": [29.0, 33.0]})
    two = made_up("two", [2, 8], {"psnr": [31.5, 36.5]})
    records = at_quality(Curves([one, two], repeats=0), None)
    assert [(r["line"], r["level"]) for r in records] == [
        ("one", 30), ("one", 32), ("two", 32), ("two", 34), ("two", 36),
    ]  # fmt: skip
    assert records[0]["file"] == pytest.approx(4**0.25)
    assert records[0]["payload"] == records[0]["mosaic"] == records[0]["file"]
    assert {record["measure"] for record in records} == {"psnr"}


def test_rates_at_equal_similarity_and_at_equal_loss_of_accuracy():
    qualities = {"ms_ssim": [0.9, 0.99], "correct": [0.65, 0.85]}
    one = made_up("one", [1, 4], qualities)
    records = at_quality(Curves([one], repeats=0), 0.8)
    similar = [r for r in records if r["measure"] == "ms_ssim"]
    # 0.9, 0.95, 0.98 and 0.99: 10, 13.01, 16.99 and 20 dB.
    assert [r["level"] for r in similar] == pytest.approx([10, 13.0103, 16.9897, 20], abs=1e-4)
    assert similar[1]["file"] == pytest.approx(4**0.30103, rel=1e-4)
    recognised = [r for r in records if r["measure"] == "accuracy"]
    # 1, 2, 5 and 10 points below 80 %; 20 points below it is not reached.
    assert [r["level"] for r in recognised] == pytest.approx([79, 78, 75, 70])
    assert recognised[2]["mosaic"] == pytest.approx(2.0)
