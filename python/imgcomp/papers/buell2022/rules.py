"""buell2022: rules that judge means of repeated runs against means of repeated runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from imgcomp.papers.statistics import equivalence_p, prediction_margin
from imgcomp.report import Verdict
from imgcomp.report.claims import mean_and_std


@dataclass(frozen=True)
class SameMean:
    """Our mean lies where the mean of as many further runs of the same experiment would.

    The margin is half a unit of the published mean's last digit, plus half the width of the 95 %
    prediction interval t · s · √(1/m + 1/n) for m runs of ours and n published ones. If both are
    the same experiment, one claim in twenty lies outside. Where the spread s of the published runs
    is known it is used, so that a large spread of ours cannot buy agreement; else s is ours, with
    the t of five repeats where there are fewer, because not to know one's spread shall not buy
    agreement either. A single run without published spread has no margin but the digits.

    Attributes:
        runs: How many runs the paper's mean is of.
        digit: One unit of the last digit of the paper's mean.
        better: The good side.
        std: Sample standard deviation of the published runs, None where it is not known.
    """

    runs: int
    digit: float
    better: Literal["lower", "higher"]
    std: float | None = None

    comparison = "="

    def judge(self, paper: float, values: Sequence[float]) -> Verdict:
        """See the class."""
        mean, ours = mean_and_std(values)
        margin = 0.5 * self.digit
        if self.std is not None:
            margin += prediction_margin(self.std, self.runs, len(values))
        elif len(values) > 1:
            margin += prediction_margin(ours, len(values), self.runs, least_runs=5)
        if abs(mean - paper) <= margin * (1 + 1e-9):
            return "agrees"
        return "better" if (mean < paper) == (self.better == "lower") else "worse"

    def describe(self) -> str:
        """The rule in words."""
        whose = "the published runs’ std" if self.std is not None else "our std"
        return (
            f"agrees within the 95 % prediction interval ±t·s·√(1/ours + 1/{self.runs}), s "
            f"{whose}; {self.better} is better"
        )


@dataclass(frozen=True)
class Equivalent:
    """“Little deviation”: shown to lie within a margin, by two one-sided tests at 5 %.

    That is: the 90 % interval of the mean over our repeats lies within ± `margin`. Nothing is
    shown by a single repeat.

    Attributes:
        margin: The largest deviation that counts as little, in the claim's unit.
    """

    margin: float

    comparison = "="

    def judge(self, paper: float, values: Sequence[float]) -> Verdict:
        """See the class."""
        p = equivalence_p([value - paper for value in values], self.margin)
        return "agrees" if p is not None and p < 0.05 else "worse"

    def describe(self) -> str:
        """The rule in words."""
        return (
            f"agrees when the 90 % interval over the repeats lies within ±{self.margin:g} "
            "(equivalence, two one-sided tests at 5 %)"
        )
