"""Curves over epochs, batches or a setting, with the spread over seeds as a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from imgcomp.plots.style import COLORS, LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        name: For the legend; empty leaves it out.
        x: Positions, (n,).
        y: Values, (n,), or (seeds, n): then the mean is drawn, and the range as a band.
        look: Number of the colour and line style.
        line: Number of the line style where it differs from `look`; -1 draws no line.
        marker: A matplotlib marker, "" for none.
        color: A colour that overrides `look`.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    look: int = 0
    line: int | None = None
    marker: str = ""
    color: str | None = None


def draw_curves(
    axes: Axes,
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_scale: Literal["linear", "log"] = "linear",
    y_scale: Literal["linear", "log"] = "linear",
    legend: bool = True,
    levels: Sequence[tuple[str, float]] = (),
    level_side: Literal["left", "right"] = "right",
) -> None:
    """Draw curves on given axes.

    Args:
        axes: Where.
        series: The curves; missing values (NaN) leave gaps.
        title: Above the axes.
        x_label: With its unit.
        y_label: With its unit.
        x_scale: Linear or logarithmic.
        y_scale: Linear or logarithmic.
        legend: Whether there is one, in the emptiest place.
        levels: Named horizontal lines.
        level_side: The end at which they are labelled.
    """
    for one in series:
        x = np.asarray(one.x, dtype=float)
        y = np.atleast_2d(np.asarray(one.y, dtype=float))
        color = one.color or COLORS[one.look % len(COLORS)]
        line = one.look if one.line is None else one.line
        drawn: dict[str, Any] = {
            "color": color,
            "linestyle": "none" if line < 0 else LINES[line % len(LINES)],
            "marker": one.marker or ("o" if len(x) == 1 else ""),
            "label": one.name or "_",
        }
        axes.plot(x, y.mean(axis=0), zorder=3, **drawn)
        if len(y) > 1:
            axes.fill_between(
                x, y.min(axis=0), y.max(axis=0), color=color, alpha=0.18, linewidth=0, zorder=2
            )
    axes.set(title=title, xlabel=x_label, ylabel=y_label, xscale=x_scale, yscale=y_scale)
    if levels:
        axes.margins(y=0.1)  # room for the labels
    for name, value in levels:
        axes.axhline(value, color="#555555", linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        axes.annotate(
            name,
            (1.0 if level_side == "right" else 0.0, value),
            xycoords=("axes fraction", "data"),
            xytext=(-2 if level_side == "right" else 3, -2.5),
            textcoords="offset points",
            ha=level_side,
            va="top",
            fontsize=7.5,
            color="#333333",
        )
    if x_scale == "linear":
        from matplotlib.ticker import MaxNLocator

        if all(np.all(np.asarray(one.x, dtype=float) % 1 == 0) for one in series):
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if legend and any(one.name for one in series):
        axes.legend(loc="best")


def plot_history(history: Mapping[str, ArrayLike], *columns: str, ax: Axes | None = None) -> Axes:
    """Draw columns of a training history over its epochs.

    Args:
        history: Column → one value per epoch; with a column ``epoch``.
        columns: Names of columns; none: ``loss``, and ``val_loss`` where there is one.
        ax: Axes to draw on; None makes a figure with pyplot, so that a notebook shows it.

    Raises:
        KeyError: There is no such column.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(5, 3.2), layout="constrained").add_subplot()
    names = columns or tuple(name for name in ("loss", "val_loss") if name in history)
    units = {"psnr": "PSNR (dB)", "seconds": "seconds", "lr": "learning rate"}
    kinds = list(dict.fromkeys(name.removeprefix("val_") for name in names))
    draw_curves(
        ax,
        [
            Series(name.replace("val_", "validation "), history["epoch"], history[name], look=look)
            for look, name in enumerate(names)
        ],
        title="",
        x_label="epoch",
        y_label=", ".join(units.get(kind, kind) for kind in kinds),
    )
    return ax
