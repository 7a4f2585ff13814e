"""Statistics over repeats, against SciPy and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imgcomp.errors import UsageError
from imgcomp.papers import statistics

A = [97.4, 97.1, 97.9, 97.3, 97.6]
B = [97.0, 97.3, 97.2, 96.9, 97.5]


def test_interval_by_hand() -> None:
    # Mean 2, std 1, t(2, 0.975) = 4.3027, so ± 4.3027 / √3.
    found = statistics.interval([1.0, 2.0, 3.0])
    assert (found.n, found.mean, found.std) == (3, 2.0, 1.0)
    assert found.low == pytest.approx(2 - 4.302653 / 3**0.5, abs=1e-5)
    assert found.high == pytest.approx(2 + 4.302653 / 3**0.5, abs=1e-5)


def test_a_single_value_has_no_interval_and_no_p() -> None:
    assert statistics.interval([3.0]) == statistics.Interval(1, 3.0, 0.0, None, None)
    pair = statistics.paired([3.0], [1.0])
    assert pair.difference.mean == 2.0
    assert (pair.t_p, pair.wilcoxon_p, pair.effect) == (None, None, None)
    alone = statistics.unpaired([3.0], [1.0, 2.0])
    assert (alone.difference, alone.low, alone.p) == (1.5, None, None)
    assert statistics.equivalence_p([0.0], 1.0) is None


def test_paired_is_scipys() -> None:
    found = statistics.paired(A, B)
    test = stats.ttest_rel(A, B)
    assert found.t_p == pytest.approx(test.pvalue, rel=1e-12)
    ends = test.confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx((ends.low, ends.high))
    gaps = np.subtract(A, B)
    assert found.effect == pytest.approx(gaps.mean() / gaps.std(ddof=1))
    assert found.wilcoxon_p == pytest.approx(stats.wilcoxon(gaps, method="exact").pvalue)


def test_wilcoxon_by_hand() -> None:
    # Five pairs, all of one sign: 2 of 2⁵ arrangements are as extreme.
    others = [0.0, 0.0, 0.0, 0.0, 0.0]
    found = statistics.paired([1.0, 2.0, 3.0, 4.0, 5.0], others)
    assert found.wilcoxon_p == pytest.approx(2 / 32)


@pytest.mark.filterwarnings("error")
def test_equal_pairs_are_no_difference() -> None:
    found = statistics.paired(A, A)
    assert (found.t_p, found.wilcoxon_p, found.effect) == (1.0, 1.0, None)
    shifted = statistics.paired([2.0, 3.0], [1.0, 2.0])
    assert (shifted.difference.mean, shifted.t_p, shifted.effect) == (1.0, 0.0, None)


def test_unpaired_is_welchs() -> None:
    found = statistics.unpaired(A, B)
    test = stats.ttest_ind(A, B, equal_var=False)
    assert found.p == pytest.approx(test.pvalue, rel=1e-12)
    # Welch's interval by hand: standard error and Welch–Satterthwaite degrees of freedom.
    va, vb = np.var(A, ddof=1) / 5, np.var(B, ddof=1) / 5
    freedom = (va + vb) ** 2 / (va**2 / 4 + vb**2 / 4)
    half = stats.t.ppf(0.975, freedom) * (va + vb) ** 0.5
    assert found.low == pytest.approx(np.mean(A) - np.mean(B) - half)
    assert found.high == pytest.approx(np.mean(A) - np.mean(B) + half)
    assert found.rank_p == pytest.approx(stats.mannwhitneyu(A, B).pvalue)


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .04: times 3, 2, 1 → .03 .04 .04; each at least the one before.
    assert statistics.holm([0.04, None, 0.01, 0.02]) == pytest.approx(
        [0.04, None, 0.03, 0.04], nan_ok=True
    )
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([0.03, 0.01, 0.04]) == pytest.approx([0.06, 0.03, 0.06])
    assert statistics.holm([None]) == [None]


@given(
    st.lists(st.floats(-3, 3), min_size=2, max_size=12).filter(lambda gaps: np.std(gaps) > 1e-3),
    st.floats(0.05, 4),
)
def test_equivalence_is_the_90_percent_interval_within_the_margin(
    gaps: list[float], margin: float
) -> None:
    found = statistics.interval(gaps, level=0.90)
    p = statistics.equivalence_p(gaps, margin)
    assert p is not None
    assert found.low is not None
    assert found.high is not None
    reach = max(-found.low, found.high)
    if abs(reach - margin) > 1e-9:
        assert (p < 0.05) == (reach < margin)


def test_equivalence_needs_a_margin() -> None:
    with pytest.raises(UsageError, match="positive margin, got 0"):
        statistics.equivalence_p([1.0, 2.0], 0)


def test_prediction_margin_by_hand() -> None:
    # t(9, 0.975) = 2.2622, s = 0.3, one further run after ten: × √1.1.
    assert statistics.prediction_margin(0.3, 10, 1) == pytest.approx(
        2.262157 * 0.3 * 1.1**0.5, abs=1e-6
    )
    assert statistics.prediction_margin(0.3, 10, 10) == pytest.approx(
        2.262157 * 0.3 * 0.2**0.5, abs=1e-6
    )
    # Two runs with the t of five: t(4, 0.975) = 2.7764 instead of 12.7.
    assert statistics.prediction_margin(1.0, 2, 2, least_runs=5) == pytest.approx(2.776445)
    with pytest.raises(UsageError, match="at least 2 runs and 1 further one, got 1 and 1"):
        statistics.prediction_margin(0.3, 1, 1)


def test_prediction_margin_holds_what_it_promises() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(20_000, 13))
    earlier, further = draws[:, :10], draws[:, 10:].mean(axis=1)
    unit = statistics.prediction_margin(1.0, 10, 3)
    inside = np.abs(further - earlier.mean(axis=1)) <= unit * earlier.std(axis=1, ddof=1)
    assert inside.mean() == pytest.approx(0.95, abs=0.006)


def test_wrong_input() -> None:
    with pytest.raises(UsageError, match="got none"):
        statistics.interval([])
    with pytest.raises(UsageError, match="got 2 and 1 values"):
        statistics.paired([1.0, 2.0], [1.0])
