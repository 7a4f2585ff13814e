"""buell2022: Figures 2 to 12, and our runs beside the published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from imgcomp.models.pixels import as_bytes
from imgcomp.papers.buell2022 import published
from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.claims import TEST_MARGIN
from imgcomp.papers.buell2022.marks import Sample, draw_samples, legend_below
from imgcomp.papers.buell2022.numbers import Numbers
from imgcomp.papers.buell2022.tables import percents, published_f1
from imgcomp.papers.statistics import interval, unpaired
from imgcomp.plots import (
    PALETTE,
    Bar,
    Panel,
    Series,
    draw_bars,
    draw_curves,
    draw_panels,
    new_figure,
)
from imgcomp.plots.style import LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

LOOKS = {name: look for look, name in enumerate(CASES)}
"""Colour and line style of each case, the same in every figure."""
OURS_AND_THEIRS = (PALETTE["blue"], PALETTE["orange"], PALETTE["green"])
CURVES = {
    "loss": ("Running loss", "cross-entropy (nats)"),
    "precision": ("Running precision", "precision"),
    "recall": ("Running recall", "recall"),
    "f1": ("Running F1", "F1"),
}


def scaled_as_bytes(images: torch.Tensor) -> torch.Tensor:
    """Standardised images for show: −2 is black, +4 white."""
    return as_bytes((images + 2) / 6 * 255)


def digits(numbers: Numbers, case: str) -> MatplotlibFigure:
    """Figures 2 to 5: an image of each class, shrunk, and back at its size."""
    pooled = numbers.picture(f"pooled-{case}")
    height, width = pooled.shape[2:]
    original = numbers.picture("original")
    whole = f"{original.shape[2]}×{original.shape[3]}"
    return draw_panels(
        [
            [
                Panel(original, f"{whole} bytes"),
                Panel(as_bytes(pooled), f"{height}×{width}"),
                Panel(as_bytes(numbers.picture(f"interpolated-{case}")), whole),
            ],
            [
                Panel(scaled_as_bytes(numbers.picture("seen-baseline")), "the baseline’s inputs"),
                None,
                Panel(
                    scaled_as_bytes(numbers.picture(f"seen-{case}")),
                    f"the inputs of {CASES[case].name.lower()}",
                ),
            ],
        ],
        row_names=["images", "scaled"],
        column_names=["original", "pooled", "interpolated"],
        columns=5,
        size=2.4,
    )


def training_curve(numbers: Numbers, curve: str, prefix: str = "") -> MatplotlibFigure:
    """Figures 6 to 9: a running measure of all cases, and how far each is from the baseline."""
    figure, (left, right) = new_figure(7.4, 3.7, 1, 2)
    title, label = CURVES[curve]
    x = np.arange(1, numbers.batches + 1)
    means = {name: numbers.curve(f"{prefix}{name}", curve).mean(axis=0) for name in CASES}
    known = {
        name: {b: row[curve] for b, row in rows.items() if b <= numbers.batches}
        for name, rows in published.training_curves().items()
    }
    lines, marks, gaps, gap_marks = [], [], [], []
    for name, case in CASES.items():
        look = LOOKS[name]
        batches = list(known[name])
        lines.append(Series(case.text, x, means[name], look=look))
        marks.append(
            Series("", batches, list(known[name].values()), look=look, line=-1, marker="o")
        )
        if name == "baseline":
            continue
        gaps.append(Series("", x, means[name] - means["baseline"], look=look))
        beside = [known[name][b] - known["baseline"][b] for b in batches]
        gap_marks.append(Series("", batches, beside, look=look, line=-1, marker="o"))
    draw_curves(
        left,
        [*lines, *marks],
        title=title,
        x_label="batch",
        y_label=label,
        y_scale="log" if curve == "loss" else "linear",
        legend=False,
    )
    draw_curves(
        right,
        [*gaps, *gap_marks],
        title="Minus the baseline’s",
        x_label="batch",
        y_label=f"difference of {label}",
        x_scale="log",
        legend=False,
    )
    right.axhline(0.0, color="#555555", linewidth=0.9, zorder=1)
    for axes in (left, right):
        for line in axes.get_lines():
            if line.get_marker() == "o":
                line.set(markersize=3.6, markerfacecolor="white", zorder=4)
    handles, names = left.get_legend_handles_labels()
    from matplotlib.lines import Line2D

    handles.append(
        Line2D([], [], color="black", linestyle="none", marker="o", markersize=3.6, mfc="white")
    )
    figure.legend(handles, [*names, "published means"], loc="outside lower center", ncols=3)
    return figure


def test_bars(numbers: Numbers, score: str) -> MatplotlibFigure:
    """Figures 10 to 12: a test score of every case, and every run of ours and of theirs."""
    figure, (left, right) = new_figure(7.4, 3.9, 1, 2)
    bars, rows = [], []
    for name, case in CASES.items():
        ours = percents(numbers.scores(name, score))
        theirs = percents(published.test_scores()[name][score])
        mine = interval(ours)
        bars.append(Bar(case.text, mine.mean, 0.0, interval(theirs).mean, "all"))
        samples = [Sample("ours, scaled", ours), Sample("published", theirs)]
        if numbers.unscaled:
            raw = percents(numbers.scores(f"unscaled-{name}", score))
            samples.append(Sample("ours, unscaled", raw))
        rows.append((case.text, samples))
    word = {"precision": "Precision", "recall": "Recall", "f1": "F1"}[score]
    draw_bars(left, bars, title=f"{word}, macro average", label="%", show=".2f", limit=104)
    for patch in left.patches:
        patch.set_facecolor(PALETTE["blue"])
    draw_samples(
        right,
        rows,
        title="Every run",
        label="%",
        names=False,
        colors=OURS_AND_THEIRS,
    )
    legend_below(right)
    return figure


def distributions(numbers: Numbers) -> MatplotlibFigure:
    """How our runs' F1 are distributed beside the published ones', case by case."""
    figure, places = new_figure(7.4, 4.6, 2, 3)
    for axes, (name, case) in zip(places, CASES.items(), strict=False):
        samples = [("ours, scaled", percents(numbers.scores(name)))]
        samples.append(("published", published_f1(name)))
        if numbers.unscaled:
            samples.append(("ours, unscaled", percents(numbers.scores(f"unscaled-{name}"))))
        for index, (whose, values) in enumerate(samples):
            axes.ecdf(values, color=OURS_AND_THEIRS[index], linestyle=LINES[index], label=whose)
        axes.set(title=case.text, xlabel="macro F1 (%)", ylabel="share of runs")
    low = min(axes.get_xlim()[0] for axes in places[: len(CASES)])
    high = max(axes.get_xlim()[1] for axes in places[: len(CASES)])
    for axes in places[: len(CASES)]:
        axes.set_xlim(low, high)
        axes.label_outer()
    last = places[len(CASES)]
    kinds = [("", 0)] + ([("unscaled-", 2)] if numbers.unscaled else [])
    for place, name in enumerate(CASES):
        for index, (prefix, color) in enumerate(kinds):
            ours = percents(numbers.scores(f"{prefix}{name}"))
            found = unpaired(ours, published_f1(name))
            ends = None
            if found.low is not None and found.high is not None:
                ends = [[found.difference - found.low], [found.high - found.difference]]
            last.errorbar(
                found.difference,
                place + (index - (len(kinds) - 1) / 2) * 0.3,
                xerr=ends,
                color=OURS_AND_THEIRS[color],
                capsize=2.5,
                marker="os^"[color],
                markersize=4,
            )
    last.axvline(0.0, color="#555555", linewidth=0.9, zorder=1)
    last.set(title="Ours − published", xlabel="points")
    last.set_yticks(range(len(CASES)), [case.name for case in CASES.values()])
    last.set_ylim(len(CASES) - 0.4, -0.6)
    last.grid(axis="y", visible=False)
    legend_below(places[0])
    return figure


def against_baseline(numbers: Numbers) -> MatplotlibFigure:
    """Each case minus the baseline, ours and the published runs', pair by pair."""
    figure, (axes,) = new_figure(6.6, 3.8)
    rows = []
    base = np.asarray(percents(numbers.scores("baseline")))
    published_base = np.asarray(published_f1("baseline"))
    for name in POOLED:
        ours = np.asarray(percents(numbers.scores(name))) - base
        theirs = np.asarray(published_f1(name)) - published_base
        samples = [Sample("ours, scaled", ours.tolist()), Sample("published", theirs.tolist())]
        if numbers.unscaled:
            raw = np.asarray(numbers.scores(f"unscaled-{name}"))
            gaps = 100 * (raw - np.asarray(numbers.scores("unscaled-baseline")))
            samples.append(Sample("ours, unscaled", gaps.tolist()))
        rows.append((CASES[name].text, samples))
    draw_samples(
        axes,
        rows,
        title="Macro F1 on the test images, case − baseline",
        label="points",
        zero=True,
        margin=TEST_MARGIN,
        colors=OURS_AND_THEIRS,
    )
    legend_below(axes)
    return figure
