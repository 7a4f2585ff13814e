"""donis2020: the paper's Figures 2 to 7, and the figures that explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgcomp.papers.donis2020.claims import ACCURACY
from imgcomp.papers.donis2020.data import CODE_BITS
from imgcomp.papers.donis2020.experiment import main_label
from imgcomp.papers.donis2020.numbers import Numbers
from imgcomp.papers.donis2020.stages import VARIANTS
from imgcomp.papers.donis2020.tables import SHORT
from imgcomp.plots import PALETTE, Panel, Series, draw_curves, draw_panels, new_figure
from imgcomp.report import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

_Y = {
    "adaptive": "MS-SSIM (adaptive)",
    "psnr": "PSNR (dB)",
    "residual": "mean absolute residual",
    "renormalised": "MS-SSIM (renormalised)",
    "ssim": "SSIM",
}


def figures(numbers: Numbers) -> list[Figure]:
    """The report's figures."""
    main = main_label(numbers.run)
    seeds = len(numbers.seeds)
    spread = f" Lines are means over {seeds} seeds, bands their range." if seeds > 1 else ""
    count = numbers.data("measure", main)["train_images"]
    parts = (
        f"Left: {count:,} training images, right: the test images, both after each epoch with the "
        f"binarizer as it is in use.{spread}"
    )
    band = f" The range that the text names begins at the dotted line, {ACCURACY:g}."
    found = [
        Figure(
            "figure2",
            "MS-SSIM by batch size (the paper’s Figure 2)",
            parts + band,
            lambda: _courses(numbers, _batches(numbers), "adaptive"),
        ),
        Figure(
            "figure3",
            "PSNR by batch size (the paper’s Figure 3)",
            parts,
            lambda: _courses(numbers, _batches(numbers), "psnr"),
        ),
        Figure(
            "figure4",
            "MS-SSIM by size of the training set (the paper’s Figure 4)",
            parts + band,
            lambda: _courses(numbers, _sizes(numbers), "adaptive"),
        ),
        Figure(
            "figure5",
            "PSNR by size of the training set (the paper’s Figure 5)",
            parts,
            lambda: _courses(numbers, _sizes(numbers), "psnr"),
        ),
    ]
    for number, which, word in ((6, "best", "better"), (7, "worst", "poorer")):
        found.append(
            Figure(
                f"figure{number}",
                f"Test images with {word} decompression (the paper’s Figure {number})",
                f"The {which} by adaptive MS-SSIM of all test images after "
                f"{numbers.epochs()} epochs with the whole set and batches of "
                f"{numbers.run.settings.integer('batch')}, seed {numbers.first}.",
                lambda which=which: _pairs(numbers, main, which),  # type: ignore[misc]
                inline="png",
            )
        )
    return [*found, *_further(numbers, parts)]


def _further(numbers: Numbers, parts: str) -> list[Figure]:
    return [
        Figure(
            "residual",
            "Residual loss by batch size and by set size",
            "Test images, mean absolute residual on the scale [0, 1].",
            lambda: _residuals(numbers),
        ),
        Figure(
            "variants",
            "The same trainings in other variants of MS-SSIM",
            parts,
            lambda: _variants(numbers),
        ),
        Figure(
            "bound",
            "What the bits allow, and what the network reaches",
            "Lines: images behind the optimal channel of a Gaussian with the training images’ mean "
            f"and covariance. Dots: the best training in its {CODE_BITS} bits; crosses: PCA "
            "quantised to as many. Dotted: where “95–98 %” begins.",
            lambda: _bound(numbers),
        ),
        Figure(
            "colour",
            "MS-SSIM alone and with L1",
            "The first test images, seed "
            f"{numbers.first}; the last row is what MS-SSIM thinks nearly as good as the original.",
            lambda: _colour(numbers),
            inline="png",
        ),
        Figure(
            "one_image",
            "What MAE as objective leads to",
            f"The first test images, seed {numbers.first}.",
            lambda: _one_image(numbers),
            inline="png",
        ),
        Figure(
            "gradients",
            "Gradients of each layer",
            "Euclidean norm of the gradient of 1 − MS-SSIM for the layer’s weights, from the input "
            f"to the output, seed {numbers.first}.",
            lambda: _gradients(numbers),
        ),
    ]


def _batches(numbers: Numbers) -> dict[str, str]:
    return {f"batch {size}": label for size, label in numbers.batch_labels().items()}


def _sizes(numbers: Numbers) -> dict[str, str]:
    amounts = numbers.set_sizes()
    return {f"{amounts[size]:,} images": label for size, label in numbers.sizes.items()}


def _lines(numbers: Numbers, named: dict[str, str], part: str, measure: str) -> list[Series]:
    x = np.arange(1, numbers.epochs() + 1)
    return [
        Series(name, x, np.asarray(numbers.course(label, part, measure)), look=look)
        for look, (name, label) in enumerate(named.items())
    ]


def _courses(numbers: Numbers, named: dict[str, str], measure: str) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 3.4, 1, 2)
    for place, part, title in zip(
        axes, ("train", "test"), ("Training images", "Test images"), strict=True
    ):
        draw_curves(
            place,
            _lines(numbers, named, part, measure),
            title=title,
            x_label="epoch",
            y_label=_Y[measure],
            levels=[(f"{ACCURACY:g}", ACCURACY)] if measure == "adaptive" else [],
            legend=False,
        )
    axes[1].sharey(axes[0])
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=5)
    return figure


def _residuals(numbers: Numbers) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 3.2, 1, 2)
    for place, named, title in zip(
        axes, (_batches(numbers), _sizes(numbers)), ("Batch size", "Training set"), strict=True
    ):
        draw_curves(
            place,
            _lines(numbers, named, "test", "residual"),
            title=title,
            x_label="epoch",
            y_label=_Y["residual"],
        )
    return figure


def _variants(numbers: Numbers) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 6.0, 2, 2)
    named = {**_batches(numbers), **_sizes(numbers)}
    # The training of the paper's set and batch size is in both.
    named = {name: label for label, name in {label: name for name, label in named.items()}.items()}
    for row, measure in enumerate(("renormalised", "ssim")):
        for column, part in enumerate(("train", "test")):
            draw_curves(
                axes[2 * row + column],
                _lines(numbers, named, part, measure),
                title="Training images" if part == "train" else "Test images",
                x_label="epoch",
                y_label=_Y[measure],
                legend=False,
            )
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    return figure


def _pairs(numbers: Numbers, label: str, which: str) -> MatplotlibFigure:
    scores = numbers.data("look", label)[which]
    note = f"MS-SSIM {min(scores):.3f} to {max(scores):.3f}"
    pair = [
        Panel(numbers.images(label, f"{which}_originals")),
        Panel(numbers.images(label, which), note),
    ]
    return draw_panels(
        [pair], row_names=[""], column_names=["input", "output"], columns=6, size=3.3
    )


def _rows(rows: dict[str, Panel]) -> MatplotlibFigure:
    return draw_panels(
        [[panel] for panel in rows.values()],
        row_names=list(rows),
        column_names=[""],
        columns=12,
        size=6.6,
    )


def _panel(numbers: Numbers, label: str) -> Panel:
    note = (
        f"MS-SSIM {numbers.looked(label, 'adaptive')[0]:.3f}, "
        f"{numbers.looked(label, 'psnr')[0]:.1f} dB, variation "
        f"{numbers.looked(label, 'variation')[0]:.3f}"
    )
    return Panel(numbers.images(label, "first")[:12], note)


def _rival(numbers: Numbers, name: str) -> Panel:
    data = numbers.alone("rivals")[name]
    note = f"MS-SSIM {data['adaptive']:.3f}, {data['psnr']:.1f} dB"
    return Panel(numbers.kept("rivals", name)[:12], note)


def _colour(numbers: Numbers) -> MatplotlibFigure:
    return _rows(
        {
            "input": Panel(numbers.images("size50", "first_originals")[:12]),
            "MS-SSIM": _panel(numbers, "size50"),
            "with L1": _panel(numbers, "mixed"),
            "gray": _rival(numbers, "gray"),
        }
    )


def _one_image(numbers: Numbers) -> MatplotlibFigure:
    s = numbers.run.settings
    return _rows(
        {
            "input": Panel(numbers.images("mae", "first_originals")[:12]),
            f"rate {s.number('lr'):g}": _panel(numbers, "mae"),
            f"rate {s.number('high_lr'):g}": _panel(numbers, "mae-fast"),
            "median": _rival(numbers, "median"),
        }
    )


def _bound(numbers: Numbers) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 3.6, 1, 2)
    points = numbers.alone("bound")["points"]
    bits = [point["bits"] for point in points]
    pca = numbers.alone("rivals")["pca"]

    def best(measure: str) -> float:
        return max(numbers.mean_at(label, -1, measure) for label in numbers.paper_labels())

    series = []
    for look, name in enumerate(VARIANTS):
        series += [
            Series(SHORT[name], bits, [point[name] for point in points], look=look),
            Series("", [CODE_BITS], [best(name)], look=look, line=-1, marker="o"),
            Series("", [CODE_BITS], [pca[name]], look=look, line=-1, marker="X"),
        ]
    draw_curves(
        axes[0],
        series,
        title="Similarity",
        x_label="bits of an image",
        y_label="mean over test images",
        x_scale="log",
        levels=[(f"{ACCURACY:g}", ACCURACY)],
        level_side="left",
    )
    axes[0].set_ylim(bottom=0.0)  # room for the legend below all points
    psnr = [
        Series("the function", bits, [point["psnr_of_mse"] for point in points], look=0),
        Series("images behind the channel", bits, [point["psnr"] for point in points], look=1),
        Series("network", [CODE_BITS], [best("psnr")], line=-1, marker="o", color=PALETTE["black"]),
        Series("PCA", [CODE_BITS], [pca["psnr"]], line=-1, marker="X", color=PALETTE["gray"]),
    ]
    draw_curves(
        axes[1],
        psnr,
        title="PSNR",
        x_label="bits of an image",
        y_label="dB",
        x_scale="log",
    )
    return figure


def _gradients(numbers: Numbers) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 3.6, 1, 2)
    for place, when, title in zip(
        axes, ("start", "end"), ("Before the training", "At its end"), strict=True
    ):
        series = []
        for look, (name, text) in enumerate((("size50", "leaky ReLU"), ("relu", "ReLU"))):
            layers = numbers.layers(name, when)
            # A logarithmic axis has no place for a gradient of nothing.
            y = [row["gradient"] or np.nan for row in layers.values()]
            series.append(Series(text, range(len(y)), y, look=look, marker="os"[look]))
        draw_curves(
            place,
            series,
            title=title,
            x_label="",
            y_label="norm of the gradient",
            y_scale="log",
        )
        names = [name.replace("encoder.", "E ").replace("decoder.", "D ") for name in layers]
        place.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7.5)
    return figure
