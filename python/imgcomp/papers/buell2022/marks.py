"""buell2022: rows of runs as dots with their mean and interval, as several figures draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgcomp.papers.statistics import interval
from imgcomp.plots import COLORS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SPACING = 0.26


@dataclass(frozen=True)
class Sample:
    """Values of one row.

    Attributes:
        group: Equal groups share colour, marker and an entry of the legend.
        values: One per run.
    """

    group: str
    values: Sequence[float]


def draw_samples(
    axes: Axes,
    rows: Sequence[tuple[str, Sequence[Sample]]],
    *,
    title: str,
    label: str,
    zero: bool = False,
    margin: float | None = None,
    names: bool = True,
    colors: Sequence[str] = COLORS,
) -> None:
    """Draw rows from top to bottom: every value as a dot, and above the mean.

    Of three values and more, the mean has its 95 % interval.

    Args:
        axes: Where.
        rows: Name and samples of each row, the first at the top.
        title: Above.
        label: Of the axis, with the unit.
        zero: A line at 0.
        margin: A band from −margin to margin.
        names: Whether the rows' names are written.
        colors: One for each group.
    """
    groups = list(dict.fromkeys(sample.group for _, samples in rows for sample in samples))
    if margin is not None:
        axes.axvspan(-margin, margin, color="#E9EEF2", zorder=0, linewidth=0)
    if zero:
        axes.axvline(0.0, color="#555555", linewidth=0.9, zorder=1)
    for place, (_, samples) in enumerate(rows):
        for index, sample in enumerate(samples):
            look = groups.index(sample.group)
            y = place + (index - (len(samples) - 1) / 2) * _SPACING
            shown: dict[str, Any] = {"color": colors[look % len(colors)], "linestyle": "none"}
            found = interval(list(sample.values))
            if found.n > 1:
                axes.plot(
                    sample.values,
                    [y] * found.n,
                    marker=".",
                    markersize=5,
                    markeredgewidth=0,
                    alpha=0.45,
                    zorder=3,
                    **shown,
                )
            ends = None
            # Two runs hardly know their spread: an interval from −60 to 60 would hide the dots.
            if found.n > 2 and found.low is not None and found.high is not None:
                ends = [[found.mean - found.low], [found.high - found.mean]]
            axes.errorbar(
                found.mean,
                y,
                xerr=ends,
                capsize=2.5,
                elinewidth=1.4,
                marker=MARKERS[look % len(MARKERS)],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.6,
                label=sample.group if place == 0 or _first(rows, place, sample.group) else "_",
                zorder=5,
                **shown,
            )
    axes.set(title=title, xlabel=label)
    axes.set_yticks(range(len(rows)), [name if names else "" for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _first(rows: Sequence[tuple[str, Sequence[Sample]]], place: int, group: str) -> bool:
    """Whether a group appears in this row for the first time."""
    return not any(sample.group == group for _, samples in rows[:place] for sample in samples)


def legend_below(axes: Axes, columns: int = 3) -> None:
    """A legend of the axes' groups below the figure, where there is more than one."""
    handles, names = axes.get_legend_handles_labels()
    figure = axes.figure
    assert figure is not None
    if len(names) > 1:
        figure.legend(handles, names, loc="outside lower center", ncols=columns)
