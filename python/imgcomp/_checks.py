"""Checks of plain arguments, so that every message names the setting, what it may be and what came.

Each function returns the value as the plain Python type, so that it can go into JSON.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence

import numpy as np

from imgcomp.errors import UsageError

MAX_WHOLE = 2**31 - 1


def whole_number(name: str, value: object, minimum: int = 1, maximum: int = MAX_WHOLE) -> int:
    """An int in ``minimum`` … ``maximum``, from Python's or NumPy's; flags are none."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not minimum <= value <= maximum:  # type: ignore[operator]
        # The upper bound is only worth a mention where it matters.
        one_sided = maximum == MAX_WHOLE and not (whole and value > maximum)  # type: ignore[operator]
        bounds = f"of at least {minimum}" if one_sided else f"in {minimum} … {maximum:,}"
        raise UsageError(f"{name} must be a whole number {bounds}, not {value!r}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def seed_number(name: str, value: object) -> int:
    """A seed: a whole number in 0 … 2^63 − 1."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not 0 <= value < 2**63:  # type: ignore[operator]
        raise UsageError(f"{name} must be a whole number in 0 … 2^63 − 1, not {value!r}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def real_number(
    name: str,
    value: object,
    minimum: float = 0.0,
    maximum: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
) -> float:
    """A finite float in ``minimum`` … ``maximum``; ``above``, ``below``: without that end."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        number = float(value)
        low = number > minimum if above else number >= minimum
        high = number < maximum if below else number <= maximum
        if math.isfinite(number) and low and high:
            return number
    if maximum == math.inf:
        bounds = f"a finite number {'above' if above else 'of at least'} {minimum:g}"
    else:
        bounds = f"a number in {'(' if above else '['}{minimum:g}, {maximum:g}"
        bounds += ")" if below else "]"
    raise UsageError(f"{name} must be {bounds}, not {value!r}")


def flag(name: str, value: object) -> bool:
    """True or False and nothing that merely counts as one."""
    if not isinstance(value, (bool, np.bool_)):
        raise UsageError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """One of ``allowed``."""
    if not isinstance(value, str) or value not in allowed:
        listed = ", ".join(repr(each) for each in allowed)
        raise UsageError(f"{name} must be one of {listed}, not {value!r}")
    return value
