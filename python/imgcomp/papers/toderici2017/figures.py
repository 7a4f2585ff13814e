"""toderici2017: rate–distortion curves, areas, pairs, progressive pictures, losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgcomp.papers.toderici2017.comparisons import compared, pairs
from imgcomp.papers.toderici2017.numbers import Numbers
from imgcomp.papers.toderici2017.options import CELLS, RECONSTRUCTIONS
from imgcomp.papers.toderici2017.pictures import pictures
from imgcomp.papers.toderici2017.stages import MEASURES
from imgcomp.plots import COLORS, PALETTE, Bar, Series, draw_bars, draw_curves, new_figure
from imgcomp.plots.style import LINES
from imgcomp.report import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

_PAIR = ("ms_ssim", "psnr")


def figures(numbers: Numbers) -> list[Figure]:
    """The report's figures."""
    seeds = len(numbers.seeds)
    spread = (
        f"Lines are means over {seeds} seeds, thin ones the seeds themselves."
        if seeds > 1
        else "One seed."
    )
    found = [
        Figure(
            f"rate_{which}",
            f"Rate–distortion, {numbers.set_name(which)}",
            f"{_TOLD[which]} MS-SSIM is adaptive; bits are packed bytes. {spread}",
            lambda which=which: _curves(numbers, which),  # type: ignore[misc]
        )
        for which in numbers.sets
    ]
    found.append(
        Figure(
            "areas",
            "Area under the rate–distortion curve",
            "From the first iteration’s rate to the last one’s"
            + (
                f"; bars: means over {seeds} seeds, dots: the seeds."
                if seeds > 1
                else ", one seed."
            ),
            lambda: _areas(numbers),
        )
    )
    found.append(
        Figure(
            "pairs",
            "Differences of areas",
            "The first less the second, paired by seed"
            + (
                f", with 95 % intervals over {seeds} seeds. What crosses the line is not told "
                "apart."
                if seeds > 1
                else "; one seed, so that there are no intervals."
            ),
            lambda: _pairs(numbers),
        )
    )
    return [
        *found,
        *pictures(numbers),
        Figure(
            "losses",
            "Loss by epoch",
            "Mean absolute difference over all iterations, scale [0, 1]: left in training, with "
            f"stochastic bits, right on validation images, with bits by their sign. {spread}",
            lambda: _losses(numbers),
        ),
    ]


_TOLD = {
    "images": "Test images, every one by itself.",
    "tiles": "Photographs in tiles of 32×32, every tile measured by itself.",
    "photographs": "Photographs put together from tiles, beside JPEG and WebP on the whole "
    "photograph, header included.",
}


def _look(numbers: Numbers, place: int) -> tuple[str, int]:
    """A network's colour, by its cell, and line style, by its reconstruction."""
    one = numbers.variants[place]
    return COLORS[list(CELLS).index(one.cell)], list(RECONSTRUCTIONS).index(one.reconstruction)


def _with_seeds(
    axes: Axes, numbers: Numbers, x: list[float], columns: list[list[list[float]]]
) -> list[Series]:
    """Every network's mean as a series; draws the seeds' curves, where there are several.

    An interval of the mean of few seeds would reach beyond what the measures can be.
    """
    series = []
    for place, (one, rows) in enumerate(zip(numbers.variants, columns, strict=True)):
        color, line = _look(numbers, place)
        means = np.mean(rows, axis=0).tolist()
        series.append(Series(one.text, x, means, line=line, color=color))
        for row in rows if len(rows) > 1 else ():
            style = LINES[line % len(LINES)]
            axes.plot(x, row, color=color, linestyle=style, alpha=0.35, linewidth=0.8, zorder=2)
    return series


def _curves(numbers: Numbers, which: str) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 4.0, 1, 2)
    rates = numbers.rates()
    for place, measure in zip(axes, _PAIR, strict=True):
        courses = [numbers.course(one, which, measure) for one in numbers.variants]
        series = _with_seeds(place, numbers, rates, courses)
        if which == "photographs":
            series += _peers(numbers, measure)
        draw_curves(
            place,
            series,
            title=MEASURES[measure].removesuffix(" (dB)"),
            x_label="bits per pixel",
            y_label="dB" if measure == "psnr" else "MS-SSIM (adaptive)",
            legend=False,
        )
        place.set_xlim(0, rates[-1] * 1.03)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _peers(numbers: Numbers, measure: str) -> list[Series]:
    last = numbers.rates()[-1]
    found = []
    for color, (codec, name) in zip(
        (PALETTE["black"], PALETTE["gray"]), numbers.codecs().items(), strict=True
    ):
        points = numbers.peer(codec, "photographs")
        inside = [point for point in points if point["rate"] <= last]
        if (end := numbers.peer_at(codec, "photographs", measure, last)) is not None:
            inside = [*inside, {"rate": last, measure: end}]
        if inside:
            x = [point["rate"] for point in inside]
            y = [point[measure] for point in inside]
            found.append(Series(name, x, y, line=0, color=color, marker="."))
    return found


def _areas(numbers: Numbers) -> MatplotlibFigure:
    rows = [which for which in numbers.sets if which != "tiles"]
    figure, axes = new_figure(7.4, 0.6 + 2.1 * len(rows), len(rows), 2)
    for index, place in enumerate(axes):
        which, measure = rows[index // 2], _PAIR[index % 2]
        bars = []
        for one in numbers.variants:
            areas = numbers.auc(one, which, measure)
            # No intervals: over three seeds they can reach beyond what is possible.
            dots = areas if len(areas) > 1 else ()
            bars.append(Bar(one.text, sum(areas) / len(areas), group=one.cell, points=dots))
        draw_bars(
            place,
            bars,
            title=f"{MEASURES[measure].removesuffix(' (dB)')}, {numbers.set_name(which)}",
            label="area (dB · bit/pixel)" if measure == "psnr" else "area (bit/pixel)",
            show=".2f" if measure == "psnr" else ".4f",
            names=index % 2 == 0,
        )
        place.locator_params(axis="x", nbins=5)
    return figure


def _pairs(numbers: Numbers) -> MatplotlibFigure:
    which = "photographs" if numbers.with_photographs else "images"
    listed = pairs(numbers)
    figure, axes = new_figure(8.4, 1.0 + 0.24 * len(listed), 1, 2)
    for place, measure in zip(axes, _PAIR, strict=True):
        for row, pair in enumerate(listed):
            gap = compared(numbers, pair, which, measure).difference
            color = PALETTE["black"] if pair.overall else PALETTE["blue"]
            if gap.low is not None and gap.high is not None:
                place.plot([gap.low, gap.high], [row, row], color=color, linewidth=1.3, zorder=3)
            place.plot(gap.mean, row, marker="o", color=color, markersize=4.5, zorder=4)
        place.axvline(0, color="#555555", linewidth=0.9, zorder=1)
        place.set_title(f"{MEASURES[measure].removesuffix(' (dB)')}, {numbers.set_name(which)}")
        place.set_xlabel("dB · bit/pixel" if measure == "psnr" else "bit/pixel")
        place.set_ylim(len(listed) - 0.4, -0.6)
        texts = [pair.text for pair in listed] if measure == "ms_ssim" else [""] * len(listed)
        place.set_yticks(range(len(listed)), texts, fontsize=7)
        place.locator_params(axis="x", nbins=6)
    return figure


def _losses(numbers: Numbers) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 3.8, 1, 2)
    curves = numbers.curves()
    for place, column, title in zip(
        axes, ("loss", "val_loss"), ("Training", "Validation"), strict=True
    ):
        columns = [
            [
                [np.nan if value is None else value for value in curves[label][column]]
                for label in (f"{one.label}/seed{seed}" for seed in numbers.seeds)
            ]
            for one in numbers.variants
        ]
        epochs = [float(n) for n in range(1, len(columns[0][0]) + 1)]
        draw_curves(
            place,
            _with_seeds(place, numbers, epochs, columns),
            title=title,
            x_label="epoch",
            y_label="mean absolute difference",
            legend=False,
        )
    axes[1].sharey(axes[0])
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure
