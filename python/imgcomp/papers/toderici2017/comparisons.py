"""toderici2017: pairs of networks over the seeds, and what may be said of them in words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from imgcomp.papers.statistics import Interval, Paired, paired
from imgcomp.papers.toderici2017.experiment import cells
from imgcomp.papers.toderici2017.numbers import Numbers
from imgcomp.papers.toderici2017.options import CELLS, RECONSTRUCTIONS


@dataclass(frozen=True)
class Pair:
    """Two networks, or two groups of them.

    Attributes:
        text: What is compared, the first less the second.
        first: For people.
        second: For people.
        left: Pairs of cell and reconstruction, whose mean is taken seed by seed.
        right: The same number of the others.
        overall: Whether these are means over several networks.
    """

    text: str
    first: str
    second: str
    left: tuple[tuple[str, str], ...]
    right: tuple[tuple[str, str], ...]
    overall: bool


def pairs(numbers: Numbers) -> list[Pair]:
    """Every two cells, and every two reconstructions: network by network, and over all."""
    chosen = cells(numbers.run)
    found = []
    for first, second in itertools.combinations(chosen, 2):
        kinds = [(kind, (kind,)) for kind in RECONSTRUCTIONS]
        for name, group in [*kinds, ("", tuple(RECONSTRUCTIONS))]:
            where = RECONSTRUCTIONS[name] if name else "mean"
            found.append(
                Pair(
                    f"{CELLS[first]} − {CELLS[second]}, {where}",
                    CELLS[first],
                    CELLS[second],
                    tuple((first, kind) for kind in group),
                    tuple((second, kind) for kind in group),
                    not name,
                )
            )
    for one, other in itertools.combinations(RECONSTRUCTIONS, 2):
        alone = [(cell, (cell,)) for cell in chosen]
        over = [("", tuple(chosen))] if len(chosen) > 1 else []
        for name, group in [*alone, *over]:
            where = CELLS[name] if name else "mean"
            found.append(
                Pair(
                    f"{RECONSTRUCTIONS[one]} − {RECONSTRUCTIONS[other]}, {where}",
                    RECONSTRUCTIONS[one],
                    RECONSTRUCTIONS[other],
                    tuple((cell, one) for cell in group),
                    tuple((cell, other) for cell in group),
                    not name or len(chosen) == 1,
                )
            )
    return found


def compared(numbers: Numbers, pair: Pair, which: str, measure: str) -> Paired:
    """A pair's difference of areas, seed by seed."""
    by_key = {(one.cell, one.reconstruction): one for one in numbers.variants}

    def side(keys: tuple[tuple[str, str], ...]) -> list[float]:
        columns = [numbers.auc(by_key[key], which, measure) for key in keys]
        return [sum(values) / len(values) for values in zip(*columns, strict=True)]

    return paired(side(pair.left), side(pair.right))


def verdict(pair: Pair, gap: Interval, form: str) -> str:
    """What a difference allows to say, in a clause that names its numbers."""
    ahead, behind = (pair.first, pair.second) if gap.mean >= 0 else (pair.second, pair.first)
    size = format(abs(gap.mean), form)
    if gap.low is None or gap.high is None:
        return (
            f"{ahead} is {size} ahead of {behind} in the one seed that was run, which does not "
            "tell the two apart"
        )
    ends = f"95 % interval of the difference {gap.low:+{form}} to {gap.high:+{form}}"
    ends = f"{ends}, {gap.n} seeds".replace("-", "−")
    if gap.low > 0 or gap.high < 0:
        return f"{ahead} is {size} ahead of {behind} ({ends})"
    return f"{ahead} and {behind} are not told apart: {ahead} is {size} ahead ({ends})"
