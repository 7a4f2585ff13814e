"""Claims of a paper and the rules that judge them; the rules are fixed before anything runs.

A paper prints one number from one run. Ours is a set of numbers, one per seed. A rule says what
counts as agreement, and a verdict is one of four words: *agrees*, *better*, *worse* (also where a
figure has no good or bad side and ours is simply another, or where a statement does not hold), and
*cannot be as stated*, which needs an experiment of the same run that proves it.
"""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from imgcomp.errors import UsageError

Verdict = Literal["agrees", "better", "worse", "cannot be as stated"]
VERDICTS: tuple[Verdict, ...] = ("agrees", "better", "worse", "cannot be as stated")


def mean_and_std(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); the latter is 0 for a single value."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


class Rule(Protocol):
    """How the paper's number is compared with ours."""

    def judge(self, paper: float, values: Sequence[float]) -> Verdict:
        """The verdict on our values, one per seed."""

    def describe(self) -> str:
        """The rule in words, as the report prints it."""

    @property
    def comparison(self) -> str:
        """The sign before the paper's number: ``=``, ``>``, ``<``, ``≥`` or ``≤``."""


@dataclass(frozen=True)
class Near:
    """The mean over seeds equals the paper's number, within its digits and our spread.

    The margin is half a unit of the paper's last digit, plus `spreads` sample standard deviations
    over the seeds (nothing where there is one seed only). Outside it, the side decides.

    Attributes:
        digit: One unit of the last digit that the paper prints: 1 for "81 %", 1e-6 for ".852438".
        better: The good side, or None where there is none.
        spreads: How many standard deviations count as the same.
    """

    digit: float
    better: Literal["lower", "higher"] | None
    spreads: float = 2.0

    comparison = "="

    def judge(self, paper: float, values: Sequence[float]) -> Verdict:
        """See the class."""
        mean, std = mean_and_std(values)
        # A hair of slack, so that the decimal 0.5 is not lost in binary rounding.
        margin = (0.5 * self.digit + self.spreads * std) * (1 + 1e-9)
        if abs(mean - paper) <= margin:
            return "agrees"
        good = (mean < paper) if self.better == "lower" else (mean > paper)
        return "better" if self.better is not None and good else "worse"

    def describe(self) -> str:
        """The rule in words."""
        side = {"lower": "; lower is better", "higher": "; higher is better", None: ""}
        return (
            f"agrees within ±{0.5 * self.digit:g} (the paper’s digits) + {self.spreads:g} std over "
            f"seeds{side[self.better]}"
        )


@dataclass(frozen=True)
class Holds:
    """A statement of the text: every seed's value lies on the stated side of the bound.

    Attributes:
        comparison: ``>``, ``<``, ``≥``, ``≤`` or ``=`` (for ranks and counts).
    """

    comparison: Literal[">", "<", "≥", "≤", "="]

    def judge(self, paper: float, values: Sequence[float]) -> Verdict:
        """See the class."""
        if self.comparison == "=":
            holds = [math.isclose(value, paper, abs_tol=1e-12) for value in values]
        else:
            compare = {">": operator.gt, "<": operator.lt, "≥": operator.ge, "≤": operator.le}
            holds = [compare[self.comparison](value, paper) for value in values]
        return "agrees" if all(holds) else "worse"

    def describe(self) -> str:
        """The rule in words."""
        return f"agrees when {self.comparison} the paper’s figure in every seed"


@dataclass(frozen=True)
class Claim:
    """One figure or statement of a paper, and how it is judged.

    Attributes:
        id: Stable identifier, ``[a-z0-9_]``; ends in ``_seconds`` exactly for kind ``time``.
        kind: ``loss``, ``accuracy``, ``order``, ``time`` or another word of the paper's module;
            ``time`` marks everything that depends on wall-clock time.
        unit: The unit of the numbers, "" where they have none.
        paper: The paper's number, or the bound in its statement.
        rule: What counts as agreement.
        source: Where the paper says so ("Table 2").
        description: What is measured, as one phrase.
        paper_epoch: The epoch that the paper's number belongs to, if any.
    """

    id: str
    kind: str
    unit: str
    paper: float
    rule: Rule
    source: str
    description: str
    paper_epoch: int | None = None

    def __post_init__(self) -> None:
        if (
            not self.id.isascii()
            or not self.id.replace("_", "a").isalnum()
            or self.id.lower() != (self.id)
        ):
            raise UsageError(f"claim id '{self.id}': expected lower-case letters, digits and _")
        if (self.kind == "time") != self.id.endswith("_seconds"):
            raise UsageError(
                f"claim '{self.id}' of kind '{self.kind}': wall-clock claims, and only they, have "
                "kind 'time' and an id ending in _seconds"
            )

    def judge(
        self, values: Sequence[float], *, epoch: int | None = None, disproof: str = ""
    ) -> JudgedClaim:
        """Confront the claim with our values.

        Args:
            values: One finite number per seed.
            epoch: The epoch that the values really belong to, where the claim has one.
            disproof: The experiment of this run that proves the claim impossible, in a sentence
                with its numbers; empty where there is none.

        Raises:
            UsageError: no values, or one that is not finite.
        """
        numbers = tuple(float(value) for value in values)
        if not numbers or not all(math.isfinite(number) for number in numbers):
            raise UsageError(f"claim '{self.id}': expected finite numbers, got {list(values)}")
        verdict = "cannot be as stated" if disproof else self.rule.judge(self.paper, numbers)
        return JudgedClaim(self, numbers, verdict, epoch, disproof)


@dataclass(frozen=True)
class JudgedClaim:
    """A claim with our values and the verdict."""

    claim: Claim
    values: tuple[float, ...]
    verdict: Verdict
    epoch: int | None = None
    disproof: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The claim's entry in results.json; the fields are documented in `imgcomp.report`."""
        mean, std = mean_and_std(self.values)
        return {
            "id": self.claim.id,
            "kind": self.claim.kind,
            "unit": self.claim.unit,
            "source": self.claim.source,
            "description": self.claim.description,
            "paper": self.claim.paper,
            "comparison": self.claim.rule.comparison,
            "values": list(self.values),
            "mean": mean,
            "std": std,
            "verdict": self.verdict,
            "rule": self.claim.rule.describe(),
            "paper_epoch": self.claim.paper_epoch,
            "epoch": self.epoch,
            "disproof": self.disproof,
        }
