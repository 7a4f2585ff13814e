"""Curves of what filters and networks make of noisy images, for the papers that denoise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imgcomp.plots import Series, draw_curves, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

NOISE_AXES = {
    "gaussian": ("Gaussian noise", "standard deviation σ", 1.0),
    "salt and pepper": ("Salt and pepper", "share of the pixels (%)", 100.0),
}
"""Kind of noise → its name, its axis, and what levels are multiplied with there."""
_MEASURES = (("psnr", "PSNR (dB)"), ("accuracy", "classifier’s accuracy (%)"))


@dataclass(frozen=True)
class Filter:
    """One line of the curves.

    Attributes:
        name: as it is called in the legend.
        value: (kind, level, "psnr" or "accuracy") → its value there.
        look: of its `Series`.
    """

    name: str
    value: Callable[[str, float, str], float]
    look: Mapping[str, Any] = field(default_factory=dict)


def draw_noise_curves(
    filters: Sequence[Filter], levels: Mapping[str, Sequence[float]], legend_columns: int
) -> MatplotlibFigure:
    """PSNR (above) and accuracy (below) over the level of each kind of noise, on shared scales.

    Args:
        filters: The lines.
        levels: Of each kind in `NOISE_AXES`.
        legend_columns: Of the legend below the figure.
    """
    figure, axes = new_figure(7.4, 6.2, 2, 2)
    for column, (kind, (title, label, factor)) in enumerate(NOISE_AXES.items()):
        x = [factor * level for level in levels[kind]]
        for row, (what, y_label) in enumerate(_MEASURES):
            place = axes[2 * row + column]
            draw_curves(
                place,
                [
                    Series(
                        each.name,
                        x,
                        [each.value(kind, level, what) for level in levels[kind]],
                        marker="o",
                        **each.look,
                    )
                    for each in filters
                ],
                title="" if row else title,
                x_label=label if row else "",
                y_label="" if column else y_label,
                legend=False,
            )
            place.set_xticks(x)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=legend_columns)
    for row in (0, 1):
        pair = axes[2 * row : 2 * row + 2]
        low = min(place.get_ylim()[0] for place in pair)
        high = max(place.get_ylim()[1] for place in pair)
        for place in pair:
            place.set_ylim(low, high)
    return figure
