"""feng2018: Figures 7 and 8, and the figures that explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgcomp.papers.feng2018.claims import TABLE_2, TABLE_3
from imgcomp.papers.feng2018.experiment import (
    METHODS,
    RIVALS,
    SHOWN,
    WELL,
    figure_8_epochs,
    paper_epochs,
)
from imgcomp.papers.feng2018.numbers import TRAINED, Numbers
from imgcomp.papers.feng2018.tables import NAMES
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
from imgcomp.report import Figure
from imgcomp.report.claims import mean_and_std

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

_LOOK = {"cnn": 0, "ann": 1, "shared": 2, "cnn-well": 0, "ann-well": 1, "shared-well": 2}


def figures(numbers: Numbers) -> list[Figure]:
    """The report's figures."""
    s = numbers.run.settings
    seeds = len(numbers.seeds)
    spread = f" Lines are means over {seeds} seeds, bands their range." if seeds > 1 else ""
    under = f"rate {s.number('ann_lr'):g}, momentum {s.number('ann_momentum'):g}"
    well = (
        f"SGD of the ANNs at rate {s.number('well_lr'):g}, momentum "
        f"{s.number('well_momentum'):g}; Adam of the CNN from {s.number('cnn_well_lr'):g} along a "
        f"cosine, batches of {s.integer('cnn_well_batch')}"
    )
    epochs = figure_8_epochs(s.integer("ae_epochs"))
    several = ", ".join(str(epoch) for epoch in epochs[:-1])
    listed = f"{several} and {epochs[-1]}" if several else f"{epochs[-1]}"
    return [
        Figure(
            "figure7",
            "Training loss of the three methods (the paper’s Figure 7), in both regimes",
            f"Left: SGD of the ANNs as chosen for the paper’s ({under}). Right: the same networks "
            f"trained well ({well}). Dotted: test MSE of PCA with as many values as the codes "
            f"have.{spread}",
            lambda: _figure_7(numbers),
        ),
        Figure(
            "figure8",
            f"{SHOWN} reconstructed test images of each method (the paper’s Figure 8)",
            f"After epochs {listed}, beside the originals; under each panel its mean PSNR. ANNs "
            f"with SGD at {under}; seed {numbers.seeds[0]}.",
            lambda: _figure_8(numbers, METHODS),
            inline="png",
        ),
        Figure(
            "figure8_well_trained",
            "The same with all three trained well",
            f"As before. {well}.",
            lambda: _figure_8(numbers, WELL),
            inline="png",
        ),
        Figure(
            "table2",
            "The classifier’s training (the paper’s Table 2)",
            f"Training loss is the running mean over each epoch with dropout active. Diamonds: the "
            f"paper’s figures, placed at the epochs that stand for its own.{spread}",
            lambda: _table_2(numbers),
        ),
        Figure(
            "table3",
            "The classifier on reconstructed images (the paper’s Table 3), beside trivial rivals",
            "Share of the test images that the classifier, trained on originals, judges right. "
            "Diamonds: the paper’s figures." + (" Whiskers: ± std over seeds." if spread else ""),
            lambda: _table_3(numbers),
        ),
        Figure(
            "sweep",
            "What SGD’s rate decides",
            f"Test MSE and the classifier’s accuracy after {s.integer('ae_epochs')} epochs, seed "
            f"{numbers.seeds[0]}. Trainings that diverged are left out; the table names them.",
            lambda: _sweep(numbers),
        ),
        Figure(
            "rivals",
            "Reconstructions beside those of the trivial rivals",
            f"The same 24 test images, seed {numbers.seeds[0]}; under each panel its PSNR on all "
            "test images and the classifier’s accuracy.",
            lambda: _rivals(numbers),
            inline="png",
        ),
    ]


def _figure_7(numbers: Numbers) -> MatplotlibFigure:
    figure, (left, right) = new_figure(7.4, 3.4, 1, 2)
    levels = [
        (f"PCA, {size} values", mean_and_std(numbers.error(f"pca-{size}", "mse"))[0])
        for size in (40, 400)
    ]
    for axes, labels, title in (
        (left, tuple(METHODS), "As in the paper"),
        (right, tuple(WELL), "All trained well"),
    ):
        series = []
        for label in labels:
            losses = np.asarray(numbers.histories(label, "loss"))
            x = np.arange(1, losses.shape[1] + 1)
            name = METHODS[label.removesuffix("-well")]
            series.append(Series(name, x, losses, look=_LOOK[label]))
        draw_curves(
            axes,
            series,
            title=title,
            x_label="epoch",
            y_label="training loss (MSE)",
            y_scale="log",
            levels=levels,
            legend=False,
        )
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    low = min(left.get_ylim()[0], right.get_ylim()[0])
    high = max(left.get_ylim()[1], right.get_ylim()[1])
    for axes in (left, right):
        axes.set_ylim(low, high)
    return figure


def _figure_8(numbers: Numbers, methods: dict[str, str]) -> MatplotlibFigure:
    epochs = figure_8_epochs(numbers.run.settings.integer("ae_epochs"))
    originals = Panel(numbers.images("originals", SHOWN))
    rows = []
    for label in methods:
        row: list[Panel | None] = []
        for epoch in epochs:
            images, psnr = numbers.shown(label, epoch)
            row.append(Panel(images, f"{psnr:.1f} dB"))
        rows.append([*row, originals])
    return draw_panels(
        rows,
        row_names=[methods[label].replace(", ", ",\n") for label in methods],
        column_names=[*(f"epoch {epoch}" for epoch in epochs), "originals"],
    )


def _table_2(numbers: Numbers) -> MatplotlibFigure:
    figure, (left, right) = new_figure(7.4, 3.1, 1, 2)
    used = paper_epochs(numbers.run, [row[0] for row in TABLE_2])
    losses = np.asarray(numbers.histories("classifier", "loss"))
    accuracies = 100 * np.asarray(numbers.histories("classifier", "val_accuracy"))
    x = np.arange(1, losses.shape[1] + 1)
    paper: dict[str, Any] = {"line": -1, "marker": "D", "color": PALETTE["black"]}
    draw_curves(
        left,
        [
            Series("ours", x, losses, marker="o"),
            Series("paper", used, [row[1] for row in TABLE_2], **paper),
        ],
        title="Training loss",
        x_label="epoch",
        y_label="cross-entropy (nats)",
    )
    draw_curves(
        right,
        [
            Series("ours", x, accuracies, marker="o"),
            Series("paper", used, [row[2] for row in TABLE_2], **paper),
        ],
        title="Accuracy on the test images",
        x_label="epoch",
        y_label="accuracy (%)",
    )
    return figure


def _table_3(numbers: Numbers) -> MatplotlibFigure:
    figure, (axes,) = new_figure(6.6, 3.9)
    bars = []
    for label in ("originals", *TRAINED, *reversed(RIVALS)):
        mean, std = mean_and_std(numbers.judged(label, "accuracy"))
        group = "methods" if label in METHODS else "well" if label in WELL else "rivals"
        paper = TABLE_3[label][1] if label in TABLE_3 else None
        bars.append(Bar(NAMES[label], mean, std, paper, group))
    bars[0] = Bar(bars[0].name, bars[0].value, bars[0].std, 85.0, "originals")
    draw_bars(
        axes,
        bars,
        title="Classifier’s accuracy",
        label="test images judged right (%)",
        limit=105,
    )
    return figure


def _sweep(numbers: Numbers) -> MatplotlibFigure:
    figure, (left, right) = new_figure(7.4, 3.6, 1, 2)
    s = numbers.run.settings
    rates = sorted(s.numbers("sweep_rates"))
    curves: dict[str, list[Series]] = {"mse": [], "accuracy": []}
    for method in ("ann", "shared"):
        for index, momentum in enumerate(s.numbers("sweep_momenta")):
            points = [numbers.sweep(method, momentum, rate) for rate in rates]
            for what, found in curves.items():
                found.append(
                    Series(
                        f"{METHODS[method]}, momentum {momentum:g}",
                        rates,
                        [float("nan") if point is None else point[what] for point in points],
                        look=_LOOK[method],
                        line=index,
                        marker="os^v"[index % 4],
                    )
                )
    references = [("CNN", "cnn"), ("PCA, 40 values", "pca-40"), ("PCA, 400 values", "pca-400")]
    draw_curves(
        left,
        curves["mse"],
        title="Test MSE",
        x_label="SGD rate",
        y_label="MSE",
        x_scale="log",
        y_scale="log",
        levels=[(name, mean_and_std(numbers.error(label, "mse"))[0]) for name, label in references],
        level_side="left",
        legend=False,
    )
    draw_curves(
        right,
        curves["accuracy"],
        title="Classifier’s accuracy",
        x_label="SGD rate",
        y_label="accuracy (%)",
        x_scale="log",
        levels=[
            (name, mean_and_std(numbers.judged(label, "accuracy"))[0])
            for name, label in [("CNN", "cnn"), ("originals", "originals")]
        ],
        level_side="left",
        legend=False,
    )
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _rivals(numbers: Numbers) -> MatplotlibFigure:
    count = 24
    layout: list[list[str | None]] = [
        ["originals", "mean", "pca-40", "pca-400"],
        ["cnn", "ann", "shared", "constant"],
        ["cnn-well", "ann-well", "shared-well", None],
    ]

    def panel(label: str) -> Panel:
        accuracy = mean_and_std(numbers.judged(label, "accuracy"))[0]
        if label == "originals":
            return Panel(numbers.images(label, count), f"{NAMES[label]}\n{accuracy:.1f} %")
        psnr = mean_and_std(numbers.error(label, "psnr"))[0]
        note = f"{NAMES[label]}\n{psnr:.1f} dB, {accuracy:.1f} %"
        return Panel(numbers.images(label, count), note)

    return draw_panels(
        [[panel(label) if label else None for label in row] for row in layout],
        row_names=["", "", ""],
        column_names=["", "", "", ""],
        size=2.0,
    )
