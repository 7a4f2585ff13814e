"""The settings of an experiment: what each is, its value at every scale, and who fixed it.

A paper declares options; `resolve` turns a scale and the user's ``key=value`` texts into values.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from imgcomp.errors import UsageError
from imgcomp.report import Choice

Scale = Literal["smoke", "quick", "paper"]
SCALES: tuple[Scale, ...] = ("smoke", "quick", "paper")
Value = bool | int | float | str | tuple[float, ...]


@dataclass(frozen=True)
class Option:
    """One setting.

    Attributes:
        key: As in ``--set key=value``.
        text: What it is, with its unit.
        paper: The value at scale *paper*; its type is the setting's type.
        quick: The value at scale *quick*, where it differs.
        smoke: The value at scale *smoke*, where it differs.
        chosen: Why this value, where the paper is silent; empty where the paper gives it.
        least: The smallest value allowed, for numbers.
        most: The largest value allowed, for numbers.
        words: The values allowed, for words.
    """

    key: str
    text: str
    paper: Value
    quick: Value | None = None
    smoke: Value | None = None
    chosen: str = ""
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()

    def at(self, scale: Scale) -> Value:
        """The value at a scale."""
        value = {"smoke": self.smoke, "quick": self.quick, "paper": None}[scale]
        return self.paper if value is None else value

    def parse(self, given: object) -> Value:
        """A value of the setting's type from what a user gave (text, or a value from Python).

        Raises:
            UsageError: names the key, what was expected and what came.
        """
        try:
            value = self._convert(given)
        except (TypeError, ValueError):
            raise UsageError(f"{self.key}: expected {self._expected()}, got '{given}'") from None
        numbers = value if isinstance(value, tuple) else (value,)
        for number in numbers:
            if isinstance(number, str):
                if self.words and number not in self.words:
                    raise UsageError(f"{self.key}: expected {self._expected()}, got '{given}'")
            elif not self._allowed(number):
                raise UsageError(f"{self.key}: expected {self._expected()}, got '{given}'")
        return value

    def _allowed(self, number: float) -> bool:
        if self.least is not None and number < self.least:
            return False
        return math.isfinite(number) and (self.most is None or number <= self.most)

    def _convert(self, given: object) -> Value:
        kind = type(self.paper)
        if kind is bool:
            if isinstance(given, bool):
                return given
            words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
            if str(given).lower() not in words:
                raise ValueError
            return words[str(given).lower()]
        if kind is tuple:
            parts = given.split(",") if isinstance(given, str) else given
            numbers = tuple(float(part) for part in cast("Iterable[float]", parts))
            if not numbers or len(set(numbers)) != len(numbers):
                raise ValueError
            return numbers
        if kind is str:
            return str(given)
        if kind is int:
            if isinstance(given, str):
                return int(given)
            if isinstance(given, bool) or given != int(cast(float, given)):
                raise ValueError
            return int(cast(float, given))
        return float(cast(float, given))

    def _expected(self) -> str:
        if self.words:
            return " or ".join(self.words)
        kinds = {bool: "yes or no", int: "a whole number", float: "a number", str: "a word"}
        text = kinds.get(type(self.paper), "different numbers with commas between")
        if self.least is not None and self.most is not None:
            return f"{text} from {self.least:g} to {self.most:g}"
        return text if self.least is None else f"{text} of at least {self.least:g}"


class Settings(Mapping[str, Value]):
    """The values of a run, by key; the getters with a type keep the papers' code typed."""

    def __init__(self, options: Sequence[Option], values: Mapping[str, Value]) -> None:
        self._options = options
        self._values = dict(values)

    def __getitem__(self, key: str) -> Value:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def integer(self, key: str) -> int:
        """A whole number."""
        return cast(int, self._values[key])

    def number(self, key: str) -> float:
        """A number."""
        return float(cast(float, self._values[key]))

    def word(self, key: str) -> str:
        """A word."""
        return cast(str, self._values[key])

    def flag(self, key: str) -> bool:
        """Yes or no."""
        return cast(bool, self._values[key])

    def numbers(self, key: str) -> tuple[float, ...]:
        """Several numbers."""
        return cast("tuple[float, ...]", self._values[key])

    def choices(self) -> list[Choice]:
        """Those settings on which the paper is silent."""
        return [
            Choice(option.key, self._values[option.key], option.text, option.chosen)
            for option in self._options
            if option.chosen
        ]


def resolve(
    options: Sequence[Option], scale: Scale, changes: Mapping[str, object] | None = None
) -> Settings:
    """The settings of a run.

    Args:
        options: What the paper declares.
        scale: Where the values come from.
        changes: Values that the user set, as text or as Python values.

    Raises:
        UsageError: an unknown key (similar known ones are named), or a value that does not fit.
    """
    known = {option.key: option for option in options}
    values = {option.key: option.at(scale) for option in options}
    for key, given in (changes or {}).items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=3)
            hint = f"did you mean {' or '.join(close)}? " if close else ""
            raise UsageError(f"unknown setting '{key}'; {hint}known: {', '.join(sorted(known))}")
        values[key] = known[key].parse(given)
    return Settings(options, values)


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """``["a=1", "b=x"]`` as a dict.

    Raises:
        UsageError: a text without ``=``, without a key, or a key set twice.
    """
    found: dict[str, str] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"--set: expected key=value, got '{text}'")
        if key in found:
            raise UsageError(f"--set: '{key}' is set twice")
        found[key] = value.strip()
    return found
