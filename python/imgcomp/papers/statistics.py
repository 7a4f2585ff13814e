"""Statistics of repeated runs: intervals, paired and unpaired comparisons, equivalence.

Thin over SciPy, which is imported when something is computed. A single run has no spread: what
cannot be said of it is None, never a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imgcomp.errors import UsageError

LEVEL = 0.95
"""Of every confidence interval, where nothing else is said."""


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        n: How many values.
        mean: Of the values.
        std: Sample standard deviation (n − 1), 0 for a single value.
        low: Lower end of Student's interval of the mean; None for a single value.
        high: Upper end; None for a single value.
    """

    n: int
    mean: float
    std: float
    low: float | None
    high: float | None


def quantile(probability: float, freedom: float) -> float:
    """Student's t quantile."""
    from scipy import stats

    return float(stats.t.ppf(probability, freedom))


def interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The mean of values and Student's confidence interval of it.

    Raises:
        UsageError: no values.
    """
    numbers = _numbers(values)
    n, mean = len(numbers), float(numbers.mean())
    if n == 1:
        return Interval(1, mean, 0.0, None, None)
    std = float(numbers.std(ddof=1))
    half = quantile((1 + level) / 2, n - 1) * std / math.sqrt(n)
    return Interval(n, mean, std, mean - half, mean + half)


@dataclass(frozen=True)
class Paired:
    """Differences of pairs, and whether they are nought.

    Attributes:
        difference: Their mean with its interval.
        t_p: Two-sided p of Student's paired test; None for a single pair.
        wilcoxon_p: Two-sided p of Wilcoxon's signed-rank test; None for a single pair.
        effect: Cohen's d_z, mean over standard deviation of the differences; None where the
            deviation is 0.
    """

    difference: Interval
    t_p: float | None
    wilcoxon_p: float | None
    effect: float | None


def paired(values: Sequence[float], others: Sequence[float]) -> Paired:
    """Compare pairs: ``values[i] − others[i]``.

    Raises:
        UsageError: no pairs, or lists of different lengths.
    """
    left, right = _numbers(values), _numbers(others)
    if len(left) != len(right):
        raise UsageError(f"expected pairs, got {len(left)} and {len(right)} values")
    gaps = left - right
    found = interval(list(gaps))
    if found.n == 1:
        return Paired(found, None, None, None)
    if found.std == 0.0:
        same = 1.0 if found.mean == 0.0 else 0.0
        return Paired(found, same, _wilcoxon(gaps), None)
    from scipy import stats

    t_p = float(stats.ttest_1samp(gaps, 0.0).pvalue)
    return Paired(found, t_p, _wilcoxon(gaps), found.mean / found.std)


def _wilcoxon(gaps: npt.NDArray[np.float64]) -> float:
    from scipy import stats

    if not gaps.any():
        return 1.0  # SciPy's test is not defined where every pair is equal
    # Exact where there are no ties; equal pairs are left out, as Wilcoxon did.
    ranked = np.abs(gaps[gaps != 0])
    exact = len(gaps) <= 50 and len(np.unique(ranked)) == len(gaps)
    return float(stats.wilcoxon(gaps, method="exact" if exact else "approx").pvalue)


@dataclass(frozen=True)
class Unpaired:
    """Two independent samples' means compared, their variances not taken for equal.

    Attributes:
        difference: First mean minus second.
        low: Lower end of Welch's interval; None where a sample has a single value.
        high: Upper end.
        p: Two-sided p of Welch's test.
        rank_p: Two-sided p of Mann and Whitney's test.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None
    rank_p: float | None


def unpaired(values: Sequence[float], others: Sequence[float], level: float = LEVEL) -> Unpaired:
    """Welch's comparison of two independent samples, ``values`` minus ``others``.

    Raises:
        UsageError: an empty sample.
    """
    left, right = _numbers(values), _numbers(others)
    difference = float(left.mean() - right.mean())
    if min(len(left), len(right)) < 2 or left.std() == right.std() == 0.0:
        return Unpaired(difference, None, None, None, None)
    from scipy import stats

    test = stats.ttest_ind(left, right, equal_var=False)
    ends = test.confidence_interval(level)
    ranks = stats.mannwhitneyu(left, right, alternative="two-sided")
    return Unpaired(
        difference, float(ends.low), float(ends.high), float(test.pvalue), float(ranks.pvalue)
    )


def holm(probabilities: Sequence[float | None]) -> list[float | None]:
    """Holm's correction of p values that are looked at together; None stays None."""
    known = sorted((p, place) for place, p in enumerate(probabilities) if p is not None)
    found: list[float | None] = [None] * len(probabilities)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        found[place] = largest
    return found


def equivalence_p(differences: Sequence[float], margin: float) -> float | None:
    """The p of the two one-sided tests (TOST) that the mean difference lies within ± `margin`.

    Below 0.05 exactly where the 90 % interval of the mean lies within the margin.

    Returns:
        None for a single difference, of which nothing can be shown.

    Raises:
        UsageError: no differences, or a margin that is not positive.
    """
    if not margin > 0:
        raise UsageError(f"expected a positive margin, got {margin}")
    found = interval(differences)
    if found.n == 1:
        return None
    if found.std == 0.0:
        return 0.0 if abs(found.mean) < margin else 1.0
    from scipy import stats

    error = found.std / math.sqrt(found.n)
    return float(stats.t.sf((margin - abs(found.mean)) / error, found.n - 1))


def prediction_margin(
    std: float, runs: int, further: int, level: float = LEVEL, least_runs: int = 2
) -> float:
    """How far the mean of further runs may lie from the mean of `runs` earlier ones.

    Half the width of the prediction interval t · s · √(1/further + 1/runs), t with runs − 1
    degrees of freedom: the mean of `further` runs of the same normally distributed experiment lies
    within it with probability `level`.

    Args:
        std: Sample standard deviation of the earlier runs.
        runs: Their number, at least 2.
        further: How many runs the other mean is of.
        level: The probability.
        least_runs: With fewer earlier runs, t is that of so many.
    """
    if runs < 2 or further < 1:
        raise UsageError(f"expected at least 2 runs and 1 further one, got {runs} and {further}")
    freedom = max(runs, least_runs) - 1
    return quantile((1 + level) / 2, freedom) * std * math.sqrt(1 / further + 1 / runs)


def _numbers(values: Sequence[float]) -> npt.NDArray[np.float64]:
    if len(values) == 0:
        raise UsageError("expected at least one value, got none")
    return np.asarray(values, dtype=np.float64)
