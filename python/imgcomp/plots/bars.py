"""Horizontal bars that read like a table: a name, a bar, its number, and the paper's number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgcomp.plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes:
        name: At the left.
        value: The bar's length.
        std: Whisker at its end, 0 for none.
        paper: The paper's number as a diamond, or None.
        group: Equal groups share a colour.
        points: Values behind the bar's, such as those of every seed, as dots; without a whisker.
    """

    name: str
    value: float
    std: float = 0.0
    paper: float | None = None
    group: str = ""
    points: Sequence[float] = ()

    @property
    def low(self) -> float:
        """Where what is drawn at the bar's end begins."""
        return min([self.value - self.std, *self.points])

    @property
    def high(self) -> float:
        """Where it ends."""
        return max([self.value + self.std, *self.points])


GROUP_COLORS = ("#4D4D4D", PALETTE["blue"], PALETTE["green"], "#767676")


def draw_bars(
    axes: Axes,
    bars: Sequence[Bar],
    *,
    title: str,
    label: str,
    show: str = ".1f",
    limit: float | None = None,
    log: bool = False,
    names: bool = True,
) -> None:
    """Draw bars from top to bottom.

    Args:
        axes: Where.
        bars: The rows.
        title: Above.
        label: Of the axis, with the unit.
        show: Format of the numbers at the bars' ends.
        limit: End of the axis; by default there is room for the numbers.
        log: Logarithmic axis.
        names: Whether the rows' names are written.
    """
    groups = list(dict.fromkeys(bar.group for bar in bars))
    largest = max(bar.high for bar in bars)
    span = limit or largest * 1.18
    for place, bar in enumerate(bars):
        color = GROUP_COLORS[groups.index(bar.group) % len(GROUP_COLORS)]
        axes.barh(place, bar.value, height=0.62, color=color, zorder=2)
        if bar.std:
            axes.errorbar(
                bar.value, place, xerr=bar.std, color="black", capsize=2.5, linewidth=1, zorder=4
            )
        if bar.points:
            _draw_marks(axes, bar.points, place, marker="o", markersize=4, zorder=4)
        if bar.paper is not None:
            _draw_marks(axes, [bar.paper], place, marker="D", markersize=6, zorder=5)
        inside = not log and bar.low > 0.14 * span
        end = bar.high
        if bar.paper is not None and end - 0.02 * span < bar.paper < end + 0.12 * span:
            end = max(end, bar.paper)  # the number goes behind the diamond, not under it
        axes.annotate(
            format(bar.value, show),
            (0.0 if inside else end, place),
            xytext=(5 if inside else 7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color="white" if inside else "black",
            zorder=6,
        )
    axes.set(title=title, xlabel=label)
    axes.set_yticks(range(len(bars)), [bar.name if names else "" for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    if log:
        axes.set_xscale("log")
        low = min(bar.value for bar in bars if bar.value > 0)
        axes.set_xlim(low / 2, (limit or largest * 4))
    else:
        axes.set_xlim(0, span)


def _draw_marks(axes: Axes, values: Sequence[float], place: int, **look: Any) -> None:
    axes.plot(
        values,
        [place] * len(values),
        color="white",
        markeredgecolor="black",
        linestyle="none",
        **look,
    )
