"""kawaguchi2022: the paper's Figures 3 to 6, 8 and 9, and the figures that explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from imgcomp.papers.kawaguchi2022.beyond import sweep_points, variants
from imgcomp.papers.kawaguchi2022.claims import FIGURES_5_6, MODEL_2, VALIDATION
from imgcomp.papers.kawaguchi2022.numbers import Numbers
from imgcomp.papers.kawaguchi2022.pipeline import MAIN, rate_networks
from imgcomp.papers.kawaguchi2022.tables import rate_name
from imgcomp.plots import PALETTE, Panel, Series, draw_curves, draw_panels, new_figure
from imgcomp.report import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


def figures(numbers: Numbers) -> list[Figure]:
    """The report's figures."""
    s = numbers.run.settings
    seeds = len(numbers.seeds)
    spread = f" Lines are means over {seeds} seeds, bands their range." if seeds > 1 else ""
    last = s.integer("m1_epochs")
    drawn = (
        "Three test images and what model 1 gives back, seed "
        f"{numbers.first}. The paper’s drawing function brings only the originals from [−1, 1] to "
        "[0, 1]; what the network gives is drawn as it is, so that 0, which stands for a middle "
        "grey, is black (third row). The second row is brought back rightly."
    )
    found = [
        Figure(
            "figure3",
            f"Model 1 after {numbers.short} epochs (the paper’s Figure 3)",
            drawn,
            lambda: _three(numbers, numbers.short_images()),
            inline="png",
        ),
        Figure(
            "figure4",
            f"Model 1 after {last} epochs (the paper’s Figure 4)",
            drawn,
            lambda: _three(numbers, numbers.images("model1")),
            inline="png",
        ),
        Figure(
            "figures5_6",
            "Model 1’s losses (the paper’s Figures 5 and 6)",
            f"Left: the first {numbers.short} epochs, right: all. Diamonds: what the text reads "
            f"from its figures, at the epochs that stand for its own. Dotted: the floors.{spread}",
            lambda: _losses_1(numbers),
        ),
        Figure(
            "figure8",
            "An image of each class before and after (the paper’s Figure 8, for both models)",
            "The first test image of each class; the paper shows model 2’s. Model 1 with its "
            f"output brought back rightly, seed {numbers.first}; under each row its PSNR on all "
            "test images.",
            lambda: _classes(numbers),
            inline="png",
        ),
        Figure(
            "figure9",
            "Model 2’s losses (the paper’s Figure 9)",
            f"Diamonds: “close to 0.0012 after only 10 epochs”.{spread}",
            lambda: _losses_2(numbers),
        ),
        Figure(
            "sweep",
            "What reaches the floor: rate, momentum, batch size and initialisation",
            f"Best validation loss (MSE in [−1, 1]) in {s.integer('sweep_epochs')} epochs of the "
            f"sweep’s images over the floor of its validation images, seed {numbers.first}.",
            lambda: _sweep(numbers),
        ),
        Figure(
            "rates",
            "Quality by the number of code bits",
            "PSNR of the test images; each line is one network with its code’s values quantised to "
            "more and more bits. PCA: the best that any number of components and bits gives for "
            "at most so many bits in all. Dotted: the bits of the image itself. Seed "
            f"{numbers.first}.",
            lambda: _rates(numbers),
        ),
    ]
    if variants(numbers.run):
        found.append(
            Figure(
                "variants",
                "The same network with something changed",
                "The first test image of each class; under each row its PSNR on all test images. "
                f"Seed {numbers.first}.",
                lambda: _variants(numbers),
                inline="png",
            )
        )
    return found


def as_drawn(images: torch.Tensor) -> torch.Tensor:
    """8-bit images of the range [-1, 1] as they look where [0, 1] is drawn: 0 and below is black.

    Args:
        images: uint8, (N, C, H, W).
    """
    return (2 * images.to(torch.int16) - 255).clamp(0, 255).to(torch.uint8)


def first_of_each_class(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Positions of the first image of each class that has one, in the classes' order."""
    places = [torch.nonzero(labels == number)[:1, 0] for number in range(classes)]
    return torch.cat(places)


def _three(numbers: Numbers, images: torch.Tensor) -> MatplotlibFigure:
    originals = numbers.images("originals")[:3]
    rows = [originals, images[:3], as_drawn(images[:3])]
    return draw_panels(
        [[Panel(row)] for row in rows],
        row_names=["original", "model 1", "as drawn\nin the paper"],
        column_names=[""],
        columns=3,
        size=3.4,
    )


def _losses_1(numbers: Numbers) -> MatplotlibFigure:
    figure, axes = new_figure(7.4, 3.3, 1, 2)
    losses = np.asarray(numbers.histories("model1", "loss"))
    validation = np.asarray(numbers.histories("model1", "val_loss"))
    floors = [
        (
            "floor, training",
            float(np.mean([numbers.floor("train", n)["floor"] for n in numbers.seeds])),
        )
    ]
    for place, (end, paper) in enumerate(
        ((numbers.short, FIGURES_5_6[10]), (losses.shape[1], FIGURES_5_6[30]))
    ):
        x = np.arange(1, end + 1)
        series = [
            Series("training", x, losses[:, :end], look=0),
            Series("validation", x, validation[:, :end], look=1),
            Series("paper, training", [end], [paper], line=-1, marker="D", color=PALETTE["blue"]),
        ]
        if place == 0:
            series.append(
                Series(
                    "paper, validation",
                    [end],
                    [VALIDATION],
                    line=-1,
                    marker="D",
                    color=PALETTE["orange"],
                )
            )
        draw_curves(
            axes[place],
            series,
            title=f"{end} epochs",
            x_label="epoch",
            y_label="MSE in [−1, 1]",
            levels=floors,
            level_side="left",
            legend=False,
        )
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    return figure


def _losses_2(numbers: Numbers) -> MatplotlibFigure:
    figure, (axes,) = new_figure(5.2, 3.3)
    losses = np.asarray(numbers.histories("model2", "loss"))
    x = np.arange(1, losses.shape[1] + 1)
    points = sorted({numbers.epoch_2(10), numbers.epoch_2(20)})
    draw_curves(
        axes,
        [
            Series("training", x, losses, look=0),
            Series("validation", x, numbers.histories("model2", "val_loss"), look=1),
            Series(
                "paper",
                points,
                [MODEL_2] * len(points),
                line=-1,
                marker="D",
                color=PALETTE["black"],
            ),
        ],
        title="Model 2",
        x_label="epoch",
        y_label="MSE in [0, 1]",
        y_scale="log",
    )
    return figure


def _rows(numbers: Numbers, named: dict[str, tuple[torch.Tensor, str]]) -> MatplotlibFigure:
    """A row for each network with an image of each class."""
    from imgcomp.papers.kawaguchi2022.experiment import test_images

    test = test_images(numbers.run)
    chosen = first_of_each_class(test.labels, len(test.classes))
    return draw_panels(
        [[Panel(images[chosen], note)] for images, note in named.values()],
        row_names=list(named),
        column_names=[", ".join(test.classes[int(label)] for label in test.labels[chosen])],
        columns=len(chosen),
        size=6.6,
    )


def _decibels(numbers: Numbers, label: str) -> str:
    return f"{numbers.error_1(label, 'psnr'):.1f} dB"


def _classes(numbers: Numbers) -> MatplotlibFigure:
    named = {"originals": (numbers.images("originals"), "")}
    for label, name in MAIN.items():
        named[name] = (numbers.images(label), _decibels(numbers, label))
    return _rows(numbers, named)


def _variants(numbers: Numbers) -> MatplotlibFigure:
    named = {"originals": (numbers.images("originals"), "")}
    for label, short, text in [
        ("model1", "paper", "as in the paper"),
        *((one.name, one.short, one.text) for one in variants(numbers.run)),
    ]:
        named[short] = (numbers.images(label), f"{text}: {_decibels(numbers, label)}")
    return _rows(numbers, named)


def _sweep(numbers: Numbers) -> MatplotlibFigure:
    figure, (left, right) = new_figure(7.4, 3.3, 1, 2)
    s = numbers.run.settings
    batch = s.integer("m1_batch")
    found = {
        point: over
        for point in sweep_points(numbers.run)
        if (over := numbers.sweep_excess(point)) is not None
    }
    rates = []
    for look, momentum in enumerate(sorted({point.momentum for point in found})):
        line = sorted(
            (point.lr, loss)
            for point, loss in found.items()
            if (point.momentum, point.batch, point.initialization) == (momentum, batch, "pytorch")
        )
        if not line:
            continue
        x, y = [rate for rate, _ in line], [loss for _, loss in line]
        rates.append(Series(f"momentum {momentum:g}", x, y, look=look, marker="os^v"[look % 4]))
    draw_curves(
        left,
        rates,
        title="Rate and momentum",
        x_label="SGD rate",
        y_label="validation loss over its floor",
        x_scale="log",
        y_scale="log",
    )
    names, values = [], []
    for point, loss in found.items():
        own = (point.lr, point.momentum) == (s.number("m1_lr"), 0.0)
        if point.initialization != "pytorch" or (own and point.batch != batch):
            what = (
                f"{point.initialization} weights"
                if point.initialization != "pytorch"
                else f"batches of {point.batch}"
            )
            names.append(f"{what},\nrate {point.lr:g}, momentum {point.momentum:g}")
            values.append(loss)
    right.barh(range(len(values)), values, height=0.62, color=PALETTE["blue"], zorder=2)
    right.set(title="Batch size and weights", xlabel="validation loss over its floor")
    right.set_yticks(range(len(names)), names, fontsize=7.5)
    right.invert_yaxis()
    return figure


def _rates(numbers: Numbers) -> MatplotlibFigure:
    figure, (axes,) = new_figure(7.0, 4.4)
    series = []
    for look, label in enumerate(rate_networks(numbers.run)):
        points = [point for point in numbers.rates(label) if point["bits"] < 32]
        series.append(
            Series(
                rate_name(label),
                [8 * point["packed"] for point in points],
                [point["psnr"] for point in points],
                look=look,
                marker="os^vDPX"[look % 7],
            )
        )
    series.append(Series("PCA", *_hull(numbers), line=1, color=PALETTE["gray"]))
    channels, height, width = numbers.run.dataset.image_shape
    draw_curves(
        axes,
        series,
        title="",
        x_label="bits of the code of an image",
        y_label="PSNR (dB)",
        x_scale="log",
        legend=False,
    )
    axes.axvline(8 * channels * height * width, color="#555555", linewidth=0.9, linestyle=":")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _hull(numbers: Numbers) -> tuple[list[float], list[float]]:
    """PCA's best PSNR for at most so many bits."""
    points = sorted(
        (float(point["code_bits"]), float(point["psnr"]))
        for point in numbers.data("rates", "pca")["points"]
        if point["bits"] < 32
    )
    bits: list[float] = []
    best: list[float] = []
    for place, psnr in points:
        if not best or psnr > best[-1]:
            bits.append(place)
            best.append(psnr)
    return bits, best
