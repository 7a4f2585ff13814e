"""buell2022's published tables, cases, claims and rules, on literal values."""

from __future__ import annotations

import pytest

from imgcomp.papers.buell2022 import PAPER, published
from imgcomp.papers.buell2022.cases import CASES, recipe
from imgcomp.papers.buell2022.claims import CLAIMS
from imgcomp.papers.buell2022.conclusions import shown_batches
from imgcomp.papers.buell2022.numbers import trapezoid_mean
from imgcomp.papers.buell2022.rules import Equivalent, SameMean
from imgcomp.papers.buell2022.words import listed, number, p_value, signed, span
from imgcomp.papers.statistics import Interval, interval


def test_published_runs() -> None:
    scores = published.test_scores()
    assert list(scores) == list(CASES)
    assert {len(values) for case in scores.values() for values in case.values()} == {10}
    assert scores["baseline"]["f1"][:2] == (0.97781, 0.97654)
    assert scores["cs4"]["accuracy"][-1] == 0.98086
    means = {case: interval(scores[case]["f1"]) for case in CASES}
    assert [round(means[case].mean, 4) for case in CASES] == [
        0.9738,
        0.9761,
        0.9746,
        0.9753,
        0.9729,
    ]
    assert round(means["baseline"].std, 4) == 0.0026


def test_published_curves() -> None:
    curves = published.training_curves()
    assert list(curves) == list(CASES)
    assert all(len(rows) == 21 and max(rows) == 1750 for rows in curves.values())
    assert curves["baseline"][1750] == {
        "loss": 0.2098,
        "precision": 0.9616,
        "recall": 0.9228,
        "f1": 0.9418,
    }
    assert curves["cs3"][1]["loss"] == 6.3137


def test_cases_shrink_as_printed() -> None:
    assert [case.side(28) for case in CASES.values()] == [28, 27, 14, 26, 13]
    assert [case.side(28) ** 2 for case in CASES.values()] == [784, 729, 196, 676, 169]
    # Sums of 1, 4 and 9 bytes: up to 255, 1,020 and 2,295.
    assert [case.exact_bits() for case in CASES.values()] == [8, 10, 10, 12, 12]
    assert recipe("baseline", order=3, stored="8bit") == {"scaling": "standard", "fit_on": "all"}
    assert recipe("baseline", scaling="none") == {"scaling": "none"}
    assert recipe("cs4", order=3) == {
        "scaling": "standard",
        "fit_on": "all",
        "window": 3,
        "step": 2,
        "order": 3,
        "stored": "float",
    }


def test_claims_carry_the_papers_numbers() -> None:
    assert len(CLAIMS) == 76
    assert CLAIMS["baseline_first_curve_loss"].paper == 8.5939
    assert CLAIMS["cs2_test_recall"].paper == 97
    assert CLAIMS["cs1_published_f1"].paper == 0.976066
    assert CLAIMS["baseline_curve_loss"].paper == 0.2098
    assert CLAIMS["cs4_curve_recall"].paper == 0.9184
    assert [CLAIMS[f"cs{n}_pixels"].paper for n in (1, 2, 3, 4)] == [92, 25, 86, 22]
    defaults = {option.key: option.paper for option in PAPER.options}
    assert [defaults[key] for key in ("images", "train_share", "epochs", "batch", "lr")] == [
        70000,
        0.8,
        1,
        32,
        1e-3,
    ]
    assert PAPER.seeds["paper"] == 10


def test_the_papers_own_figures_agree_with_its_claims() -> None:
    """The rules let pass what they were made from."""
    for case, scores in published.test_scores().items():
        for score in ("precision", "recall", "f1"):
            values = [100 * value for value in scores[score]]
            assert CLAIMS[f"{case}_test_{score}"].judge(values).verdict == "agrees"
        assert CLAIMS[f"{case}_published_f1"].judge(scores["f1"]).verdict == "agrees"
        last = published.training_curves()[case][1750]
        for curve in ("loss", "precision", "recall"):
            assert CLAIMS[f"{case}_curve_{curve}"].judge([last[curve]]).verdict == "agrees"
    sizes = {case: 100 * CASES[case].side(28) ** 2 / 784 for case in ("cs1", "cs2", "cs3", "cs4")}
    for case, share in sizes.items():
        assert CLAIMS[f"{case}_pixels"].judge([share]).verdict == "agrees"
    assert CLAIMS["cs4_pixels"].judge([22.0]).verdict == "worse"


def test_same_mean_by_the_published_spread() -> None:
    # s = 0.0026, ten runs each: ± 2.2622 · 0.0026 · √0.2 = 0.00263.
    rule = SameMean(10, 1e-6, "higher", 0.0026)
    assert rule.judge(0.9738, [0.9738 + 0.0026] * 10) == "agrees"
    assert rule.judge(0.9738, [0.9738 + 0.0027] * 10) == "better"
    assert rule.judge(0.9738, [0.9738 - 0.0027] * 10) == "worse"
    # A large spread of ours changes nothing.
    assert rule.judge(0.9738, [0.95, 0.99] * 5) == "worse"
    # One run of ours: ± 2.2622 · 0.0026 · √1.1 = 0.00617.
    assert rule.judge(0.9738, [0.9738 - 0.0061]) == "agrees"
    assert rule.judge(0.9738, [0.9738 - 0.0063]) == "worse"
    assert "95 % prediction interval" in rule.describe()
    assert "published" in rule.describe()


def test_same_mean_by_our_spread() -> None:
    rule = SameMean(10, 1e-4, "lower")
    # A single run has the digits only.
    assert rule.judge(0.2098, [0.20984]) == "agrees"
    assert rule.judge(0.2098, [0.2099]) == "worse"
    assert rule.judge(0.2098, [0.2097]) == "better"
    # Two runs, std 0.01: t of five runs, ± 2.7764 · 0.01 · √0.6 = 0.02151 (+ 0.00005).
    apart = 0.01 / 2**0.5
    assert rule.judge(0.2, [0.2215 - apart, 0.2215 + apart]) == "agrees"
    assert rule.judge(0.2, [0.2217 - apart, 0.2217 + apart]) == "worse"
    assert "our std" in rule.describe()


def test_equivalence_wants_proof() -> None:
    rule = Equivalent(0.5)
    assert rule.judge(0.0, [0.1, -0.1, 0.2, 0.0]) == "agrees"
    assert rule.judge(0.0, [0.1]) == "worse"  # a single repeat shows nothing
    assert rule.judge(0.0, [1.0, -1.0, 0.9, -0.9]) == "worse"  # no difference found, none excluded
    assert rule.judge(0.0, [0.9, 1.0, 1.1, 1.0]) == "worse"
    assert "±0.5" in rule.describe()


def test_words() -> None:
    assert number(-0.004) == "0.00"
    assert number(-0.1) == "−0.10"
    assert signed(0.224) == "+0.22"
    assert signed(0.001) == "0.00"
    assert span(Interval(3, 0.2, 0.1, -0.05, 0.45)) == "+0.20 [−0.05, +0.45]"
    assert span(Interval(1, -0.2, 0.0, None, None)) == "−0.20"
    assert [p_value(p) for p in (None, 0.0004, 0.0416)] == ["–", "< 0.001", "0.042"]
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_curves_between_known_batches() -> None:
    assert trapezoid_mean([1, 3, 4], [0.0, 2.0, 2.0]) == pytest.approx((2 + 2) / 3)
    assert trapezoid_mean([7], [0.5]) == 0.5
    places = shown_batches(1750)
    assert {1, 2, 35, 1750} < set(places)
    assert places == sorted(places)
    assert len(places) < 160
    assert shown_batches(1) == [1]
    assert max(shown_batches(45)) == 45
