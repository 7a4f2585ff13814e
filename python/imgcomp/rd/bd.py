"""Bjøntegaard's measure: how many per cent more rate a codec needs for the same quality.

The logarithm of the rate is interpolated over quality by piecewise cubics that keep to the points'
order (PCHIP, as JCT-VC and AOM's tools do; Bjøntegaard's single cubic swings), and compared over
the qualities that both curves have, nowhere else.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imgcomp.errors import UsageError

FEW_POINTS = 3
"""Of each curve that should lie in the common range."""
_GRID = 512
_HALVINGS = 30

Values = npt.NDArray[np.float64]


class FewPointsWarning(UserWarning):
    """A BD-rate from a common range in which a curve has less than three points."""


@dataclass(frozen=True)
class BDRate:
    """How one curve compares with another.

    Attributes:
        percent: more rate that the tested curve needs at equal quality, on the average of
            logarithms; below 0: it needs less. None where the curves have no quality in common.
        low: least quality of both.
        high: greatest quality of both; `low` where a curve is a single point.
        points: how many points of the curve that has fewer lie in between, ends included.
    """

    percent: float | None
    low: float | None = None
    high: float | None = None
    points: int = 0

    @property
    def few_points(self) -> bool:
        """Whether there are less than three, so that little should be built on it."""
        return self.points < FEW_POINTS


class Curve:
    """Rate as a function of quality, through some points.

    Attributes:
        rates: ascending, above 0.
        qualities: ascending: points that others beat in both are left out.
    """

    def __init__(
        self, rates: Sequence[float] | Values, qualities: Sequence[float] | Values
    ) -> None:
        """Sorts points and prepares to interpolate.

        Args:
            rates: above 0, such as bits per pixel.
            qualities: as many, the higher the better.

        Raises:
            UsageError: they are no curve.
        """
        given_rates = np.asarray(rates, dtype=np.float64)
        given_qualities = np.asarray(qualities, dtype=np.float64)
        if given_rates.ndim != 1 or given_rates.shape != given_qualities.shape:
            raise UsageError(
                f"rates and qualities must be of one length, not of shapes {given_rates.shape} and "
                f"{given_qualities.shape}"
            )
        if not len(given_rates):
            raise UsageError("a curve needs at least one point, got none")
        if not (np.isfinite(given_qualities).all() and np.isfinite(given_rates).all()):
            raise UsageError("rates and qualities must be finite")
        if given_rates.min() <= 0:
            raise UsageError(f"rates must be above 0, not {given_rates.min():g}")
        self.rates, self.qualities = frontier(given_rates, given_qualities)
        self._log = _interpolated(self.qualities, np.log(self.rates))

    @property
    def low(self) -> float:
        """Least quality."""
        return float(self.qualities[0])

    @property
    def high(self) -> float:
        """Greatest quality."""
        return float(self.qualities[-1])

    def rate_at(self, quality: float) -> float | None:
        """The rate that a quality takes; None outside the curve."""
        if not self.low <= quality <= self.high:
            return None
        return float(np.exp(self.log_rates(np.array([quality]))[0]))

    def best_within(self, rate: float) -> float | None:
        """The best quality with at most so much; None where the least rate is more."""
        if rate < self.rates[0]:
            return None
        if rate >= self.rates[-1]:
            return self.high
        place = int(np.searchsorted(self.rates, rate, side="right")) - 1
        low, high = float(self.qualities[place]), float(self.qualities[place + 1])
        wanted = math.log(rate)
        # Pieces rise strictly: a bisection to a billionth of the piece.
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = float(self._log(np.array([middle]))[0]) <= wanted
            low, high = (middle, high) if below else (low, middle)
        return low

    def log_rates(self, qualities: Values) -> Values:
        """Natural logarithms of rates; NaN outside the curve."""
        inside = (qualities >= self.low) & (qualities <= self.high)
        found = np.full(qualities.shape, np.nan)
        found[inside] = self._log(qualities[inside])
        return found

    def within(self, low: float, high: float) -> int:
        """How many points have a quality in a range, ends included."""
        return int(((self.qualities >= low) & (self.qualities <= high)).sum())


def frontier(rates: Values, qualities: Values) -> tuple[Values, Values]:
    """Points that no other point beats, by rising rate and quality.

    Args:
        rates: (n,).
        qualities: (n,).
    """
    order = np.lexsort((-qualities, rates))
    kept: list[int] = []
    for place in order:
        if not kept or qualities[place] > qualities[kept[-1]]:
            kept.append(int(place))
    return rates[kept], qualities[kept]


def _interpolated(x: Values, y: Values) -> Callable[[Values], Values]:
    if len(x) == 1:
        return lambda at: np.full(np.shape(at), y[0])
    from scipy.interpolate import PchipInterpolator

    found: Callable[[Values], Values] = PchipInterpolator(x, y, extrapolate=False)
    return found


def bd_rate(anchor: Curve, tested: Curve) -> BDRate:
    """How many per cent more rate one curve needs than another at equal quality.

    Args:
        anchor: what is compared with.
        tested: what is compared.

    Returns:
        See `BDRate`; of a curve of a single point, the difference at its quality.

    Warns:
        FewPointsWarning: a curve has less than three points in the common range.
    """
    return bd_rate_of_envelope([anchor], tested)


def bd_rate_of_envelope(anchors: Sequence[Curve], tested: Curve) -> BDRate:
    """The same against the best of several curves at each quality.

    Qualities that none of them has are left out.

    Args:
        anchors: at least one.
        tested: what is compared.

    Returns:
        See `BDRate`; the points of all `anchors` count together.

    Warns:
        FewPointsWarning: there are less than three points in the common range.
    """
    if not anchors:
        raise UsageError("expected at least one curve to compare with, got none")
    found = compare(anchors, tested)
    if found.percent is not None and found.few_points:
        warnings.warn(
            f"a BD-rate over {found.low:.4g} … {found.high:.4g}, where a curve has "
            f"{found.points} of the {FEW_POINTS} points that it should have",
            FewPointsWarning,
            stacklevel=3,
        )
    return found


def compare(anchors: Sequence[Curve], tested: Curve) -> BDRate:
    """`bd_rate_of_envelope` without its warning."""
    low = max(tested.low, min(anchor.low for anchor in anchors))
    high = min(tested.high, max(anchor.high for anchor in anchors))
    if low > high:
        return BDRate(None)
    # The ends of every curve are on the grid, so that no piece is cut short.
    ends = [end for curve in anchors for end in (curve.low, curve.high) if low < end < high]
    grid = np.unique(np.concatenate([np.linspace(low, high, _GRID), np.array(ends)]))
    rivals = np.stack([anchor.log_rates(grid) for anchor in anchors])
    known = np.asarray(~np.isnan(rivals).all(axis=0))
    if not known.any():
        return BDRate(None)
    best = np.min(np.where(np.isnan(rivals), np.inf, rivals), axis=0)
    gaps = np.where(known, tested.log_rates(grid) - np.where(known, best, 0.0), 0.0)
    if len(grid) == 1:
        mean = float(gaps[0])
    else:
        # Trapezia, between neighbours that are both known.
        widths = np.diff(grid) * (known[:-1] & known[1:])
        if not widths.sum():
            return BDRate(None)
        mean = float((widths * (gaps[:-1] + gaps[1:]) / 2).sum() / widths.sum())
    points = min(tested.within(low, high), sum(anchor.within(low, high) for anchor in anchors))
    return BDRate(100 * math.expm1(mean), low, high, points)


def draws(count: int, repeats: int, seed: int = 0) -> Values:
    """How often each image is drawn, where images are drawn with replacement, as shares.

    Args:
        count: of images.
        repeats: how often so many are drawn.
        seed: of the draws.

    Returns:
        float64 (repeats, count), each row of sum 1.
    """
    generator = np.random.default_rng(seed)
    rows = [
        np.bincount(generator.integers(0, count, count), minlength=count) for _ in range(repeats)
    ]
    return np.array(rows, dtype=np.float64).reshape(repeats, count) / count


def resampled(
    rates: Values,
    qualities: Values,
    drawn: Values,
    scaled: Callable[[Values], Values] | None = None,
) -> list[Curve]:
    """The curve of each draw of images: their means taken anew.

    Args:
        rates: float64 (points, N), of each image.
        qualities: float64 (points, N).
        drawn: of `draws`, the same for all curves that are compared.
        scaled: makes the qualities of curves out of means.
    """
    return [
        Curve(rate, quality if scaled is None else scaled(quality))
        for rate, quality in zip(drawn @ rates.T, drawn @ qualities.T, strict=True)
    ]


def interval(
    percents: Sequence[float | None], level: float = 0.95
) -> tuple[float | None, float | None]:
    """Within which most BD-rates of resampled curves lie.

    Args:
        percents: of each draw; None where the curves had no quality in common.
        level: share that lies inside.

    Returns:
        Lower and upper end in per cent; None where less than half of the draws had a BD-rate.
    """
    known = [percent for percent in percents if percent is not None]
    if 2 * len(known) < len(percents) or not known:
        return None, None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
