"""buell2022: figures of what was run beyond the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgcomp.models.pixels import as_bytes
from imgcomp.papers.buell2022.cases import CASES
from imgcomp.papers.buell2022.drawings import LOOKS
from imgcomp.papers.buell2022.experiment import chosen_orders
from imgcomp.papers.buell2022.marks import Sample, draw_samples, legend_below
from imgcomp.papers.buell2022.numbers import Numbers
from imgcomp.papers.buell2022.tables import percents
from imgcomp.papers.buell2022.variants import data_rows, variants
from imgcomp.plots import Panel, Series, draw_curves, draw_panels, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


def longer(numbers: Numbers) -> MatplotlibFigure:
    """F1 on the test images over the epochs of the longer training."""
    figure, (left, right) = new_figure(7.4, 3.4, 1, 2)
    seeds = numbers.repeats("long_repeats")
    scores = {name: 100 * numbers.scores_by_epoch(name, seeds) for name in numbers.long_runs()}
    lines, gaps = [], []
    for name, values in scores.items():
        case = name.removeprefix("long-")
        x = np.arange(1, values.shape[1] + 1)
        lines.append(Series(CASES[case].text, x, values, look=LOOKS[case], marker="o"))
        if case != "baseline" and "long-baseline" in scores:
            gap = values - scores["long-baseline"]
            gaps.append(Series("", x, gap, look=LOOKS[case], marker="o"))
    draw_curves(
        left,
        lines,
        title="Macro F1 on the test images",
        x_label="epoch",
        y_label="F1 (%)",
        legend=False,
    )
    draw_curves(
        right,
        gaps,
        title="Minus the baseline’s",
        x_label="epoch",
        y_label="points",
        legend=False,
    )
    right.axhline(0.0, color="#555555", linewidth=0.9, zorder=1)
    legend_below(left)
    return figure


def orders(numbers: Numbers) -> MatplotlibFigure:
    """The same images interpolated with each order of the spline."""
    own = numbers.run.settings.integer("order")
    wanted = sorted([own, *chosen_orders(numbers.run)])
    cases = ("cs2", "cs4")
    panels: list[list[Panel | None]] = []
    for case in cases:
        row: list[Panel | None] = []
        for order in wanted:
            suffix = "" if order == own else f"-order{order}"
            images = numbers.picture(f"interpolated-{case}{suffix}")[2:8]
            row.append(Panel(as_bytes(images)))
        panels.append([*row, Panel(numbers.picture("original")[2:8])])
    return draw_panels(
        panels,
        row_names=[CASES[case].text for case in cases],
        column_names=[*(f"order {order}" for order in wanted), "originals"],
        columns=3,
        size=1.7,
    )


def changed(numbers: Numbers) -> MatplotlibFigure:
    """Every variant minus the run that it varies."""
    found = variants(numbers)
    names = {
        "order": "another order of the spline",
        "scaling": "another scaling",
        "stored": "pooled images rounded to bytes",
    }
    rows = []
    for one in found:
        gaps = 100 * (np.asarray(one.scores) - np.asarray(one.reference))
        text = f"{CASES[one.case].name}, {one.text.removeprefix('spline of ')}"
        if one.group != "order":
            text = CASES[one.case].name
        rows.append((text, [Sample(names[one.group], gaps.tolist())]))
    figure, (axes,) = new_figure(6.6, 1.3 + 0.26 * len(rows))
    draw_samples(
        axes,
        rows,
        title="Macro F1 on the test images, changed − unchanged",
        label="points",
        zero=True,
    )
    legend_below(axes)
    return figure


def data_sets(numbers: Numbers) -> MatplotlibFigure:
    """The cases on every data set: F1, and the difference from the baseline."""
    found = data_rows(numbers)
    figure, (left, right) = new_figure(7.4, 3.9, 1, 2)
    scores: list[tuple[str, list[Sample]]] = []
    gaps: list[tuple[str, list[Sample]]] = []
    base = {row.dataset: np.asarray(row.scores) for row in found if row.case == "baseline"}
    for name, case in CASES.items():
        mine = [row for row in found if row.case == name]
        scores.append((case.text, [Sample(row.dataset, percents(row.scores)) for row in mine]))
        if name == "baseline":
            gaps.append(("", []))
            continue
        differences = {
            row.dataset: (100 * (np.asarray(row.scores) - base[row.dataset])).tolist()
            for row in mine
        }
        gaps.append((case.text, [Sample(key, values) for key, values in differences.items()]))
    draw_samples(left, scores, title="Macro F1 on the test images", label="%")
    draw_samples(right, gaps, title="Case − baseline", label="points", zero=True, names=False)
    legend_below(left)
    return figure
