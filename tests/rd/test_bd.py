"""BD-rates on curves whose answer is known."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from imgcomp.errors import UsageError
from imgcomp.rd.bd import (
    BDRate,
    Curve,
    FewPointsWarning,
    bd_rate,
    bd_rate_of_envelope,
    draws,
    frontier,
    interval,
    resampled,
)

RATES = np.array([0.1, 0.25, 0.6, 1.1, 2.3])
QUALITIES = np.array([22.0, 26.5, 31.0, 34.0, 39.5])


def line(slope, at, low, high, points=6):
    """log rate = slope · (quality − at): piecewise cubics keep straight lines straight."""
    qualities = np.linspace(low, high, points)
    return Curve(np.exp(slope * (qualities - at)), qualities)


def test_a_tenth_more_rate_is_ten_per_cent():
    found = bd_rate(Curve(RATES, QUALITIES), Curve(1.1 * RATES, QUALITIES))
    assert found.percent == pytest.approx(10.0, abs=1e-10)
    assert (found.low, found.high, found.points) == (22.0, 39.5, 5)
    back = bd_rate(Curve(1.1 * RATES, QUALITIES), Curve(RATES, QUALITIES))
    assert back.percent == pytest.approx(100 * (1 / 1.1 - 1), abs=1e-10)


def test_a_tenth_more_rate_also_where_other_qualities_were_measured():
    dense = np.linspace(20, 41, 60)
    anchor = Curve(np.exp(0.12 * dense), dense)
    found = bd_rate(anchor, line(0.12, -math.log(1.1) / 0.12, 25, 35))
    assert found.percent == pytest.approx(10.0, abs=1e-9)
    assert (found.low, found.high, found.points) == (25.0, 35.0, 6)


def test_straight_lines_of_different_slope():
    # log ratio = 0.2 (q − 20) − 0.1 (q − 20): on the average over 22 … 30 that of q = 26.
    found = bd_rate(line(0.1, 20, 20, 30), line(0.2, 20, 22, 40))
    assert found.percent == pytest.approx(100 * math.expm1(0.1 * 6), rel=1e-9)
    assert (found.low, found.high) == (22.0, 30.0)


def test_only_the_common_range_counts():
    # The tested curve is worse below 30 dB, where the other one has nothing.
    tested = Curve(np.exp([-2.0, -1.0, 0.0, 1.0, 2.0]), [20, 25, 30, 35, 40])
    anchor = Curve(np.exp([0.0, 1.0, 2.0]), [30, 35, 40])
    assert bd_rate(anchor, tested).percent == pytest.approx(0.0, abs=1e-9)


def test_the_envelope_is_the_best_at_each_quality():
    # Two lines that cross at 25 dB; the tested one has the rate of both there, everywhere.
    rising, falling = line(0.1, 25, 20, 30), line(0.3, 25, 20, 30)
    tested = line(0.2, 25, 20, 30)
    # Up to 25 dB the steeper line is the better by 0.1 (25 − q), above the flatter by 0.1 (q − 25).
    found = bd_rate_of_envelope([rising, falling], tested)
    assert found.percent == pytest.approx(100 * math.expm1(0.1 * 2.5), rel=1e-4)
    for anchor in (rising, falling):
        assert bd_rate(anchor, tested).percent == pytest.approx(0.0, abs=1e-9)


def test_the_envelope_leaves_out_what_no_rival_has():
    left, right = line(0.1, 20, 20, 24), line(0.1, 20, 36, 40)
    tested = line(0.1, 20 - math.log(2) / 0.1, 20, 40, points=11)
    found = bd_rate_of_envelope([left, right], tested)
    assert found.percent == pytest.approx(100.0, rel=1e-9)
    assert (found.low, found.high) == (20.0, 40.0)


def test_curves_without_a_common_quality():
    assert bd_rate(line(0.1, 20, 20, 25), line(0.1, 20, 30, 40)) == BDRate(None)
    gap = [line(0.1, 20, 20, 24), line(0.1, 20, 36, 40)]
    assert bd_rate_of_envelope(gap, line(0.1, 20, 27, 33)) == BDRate(None)


def test_few_points_are_warned_of_and_three_are_not():
    anchor = Curve(RATES, QUALITIES)
    with pytest.warns(FewPointsWarning, match="2 of the 3 points"):
        found = bd_rate(anchor, Curve(1.1 * RATES[:2], QUALITIES[:2]))
    assert found.few_points
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not bd_rate(anchor, Curve(RATES[:3], QUALITIES[:3])).few_points


def test_a_single_point_is_compared_at_its_quality():
    with pytest.warns(FewPointsWarning):
        found = bd_rate(line(0.1, 20, 20, 40), Curve([1.3 * math.exp(0.1 * 7)], [27.0]))
    assert found.percent == pytest.approx(30.0, rel=1e-9)
    assert (found.low, found.high, found.points) == (27.0, 27.0, 0)


def test_beaten_points_are_left_out():
    rates, qualities = frontier(
        np.array([3.0, 1.0, 2.0, 2.0, 4.0]), np.array([30.0, 20.0, 31.0, 25.0, 33.0])
    )
    assert rates.tolist() == [1.0, 2.0, 4.0]
    assert qualities.tolist() == [20.0, 31.0, 33.0]


def test_rates_at_a_quality():
    curve = line(0.1, 20, 20, 40)
    assert curve.rate_at(33.3) == pytest.approx(math.exp(1.33))
    assert curve.rate_at(40) == pytest.approx(math.exp(2))
    assert curve.rate_at(19.99) is None
    assert curve.rate_at(40.01) is None


@pytest.mark.parametrize(
    ("rates", "qualities", "text"),
    [
        ([], [], "at least one point"),
        ([1.0, 2.0], [30.0], "one length"),
        ([0.0, 1.0], [30.0, 31.0], "above 0"),
        ([1.0, 2.0], [30.0, math.nan], "finite"),
    ],
)
def test_what_is_no_curve(rates, qualities, text):
    with pytest.raises(UsageError, match=text):
        Curve(rates, qualities)
    with pytest.raises(UsageError, match="at least one curve"):
        bd_rate_of_envelope([], line(0.1, 20, 20, 40))


def test_draws_are_with_replacement_and_the_same_again():
    drawn = draws(50, 20, seed=3)
    assert drawn.shape == (20, 50)
    assert np.allclose(drawn.sum(axis=1), 1)
    assert (drawn == 0).mean() == pytest.approx(math.exp(-1), abs=0.05)
    assert np.array_equal(drawn, draws(50, 20, seed=3))
    assert not np.array_equal(drawn, draws(50, 20, seed=4))


def test_resampled_curves_are_of_the_means_of_the_drawn_images():
    rates, qualities = np.array([[1.0, 3.0], [2.0, 6.0]]), np.array([[30.0, 20.0], [34.0, 28.0]])
    (curve,) = resampled(rates, qualities, np.array([[0.25, 0.75]]))
    assert curve.rates.tolist() == [2.5, 5.0]
    assert curve.qualities.tolist() == [22.5, 29.5]


def test_intervals_of_images_that_differ_and_of_equal_ones():
    generator = np.random.default_rng(0)
    base = np.repeat(RATES[:, None], 100, axis=1)
    quality = np.repeat(QUALITIES[:, None], 100, axis=1)
    drawn = draws(100, 100)
    anchors = resampled(base, quality, drawn)

    def ends(factors):
        tested = resampled(base * factors, quality, drawn)
        return interval([bd_rate(a, b).percent for a, b in zip(anchors, tested, strict=True)])

    low, high = ends(np.full(100, 1.1))
    assert low == pytest.approx(10.0)
    assert high == pytest.approx(10.0)
    # Images whose factors spread by 0.2: their mean by 0.02, so that the interval is ± 4 points.
    low, high = ends(generator.normal(1.1, 0.2, 100))
    assert 5 < high - low < 11
    assert low < 10 < high


def test_intervals_of_few_known_values():
    assert interval([None, None, 3.0]) == (None, None)
    assert interval([]) == (None, None)
    assert interval([1.0, 2.0, 3.0, None], level=1.0) == (1.0, 3.0)
