"""buell2022: numbers as the report's sentences and tables say them."""

from __future__ import annotations

from collections.abc import Sequence

from imgcomp.papers.statistics import Interval


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign, and without a sign where it rounds to nought."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """The same with a plus sign before positive numbers."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and float(text) != 0 else text


def span(found: Interval, digits: int = 2) -> str:
    """Difference and its interval: ``+0.22 [−0.06, +0.51]``; of one run or two without."""
    mean = signed(found.mean, digits)
    if found.n < 3 or found.low is None or found.high is None:
        return mean
    return f"{mean} [{signed(found.low, digits)}, {signed(found.high, digits)}]"


def p_value(p: float | None) -> str:
    """A p value: three decimals, or ``< 0.001``."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def percent(share: float, digits: int = 2) -> str:
    """A share in percent."""
    return f"{100 * share:.{digits}f} %"
