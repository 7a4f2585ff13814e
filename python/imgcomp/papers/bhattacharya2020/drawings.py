"""bhattacharya2020: how the figures of the paper's own experiments are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgcomp.papers.bhattacharya2020.claims import DENOISER_LOSS, LOSSES
from imgcomp.papers.bhattacharya2020.numbers import Numbers, mean
from imgcomp.plots import Panel, Series, draw_curves, draw_panels, new_figure

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure

PICTURES = 24


def originals(numbers: Numbers, name: str, count: int = PICTURES) -> torch.Tensor:
    """The first test images."""
    return numbers.splits(name).test.images[:count]


def reconstructions(numbers: Numbers, name: str) -> MatplotlibFigure:
    """Originals, reconstructions, and what PCA makes with as many values."""
    seed = numbers.seeds[0]
    label = f"autoencoder-{name}"

    def note(psnr: float, ssim: float, accuracy: float) -> str:
        return f"{psnr:.2f} dB, SSIM {ssim:.3f}, {accuracy:.1f} %"

    ours = note(*(mean(numbers.judged(label, what)) for what in ("psnr", "ssim", "accuracy")))
    pca = note(*(numbers.rival(name, "pca-49", what) for what in ("psnr", "ssim", "accuracy")))
    accuracy = numbers.rival(name, "originals", "accuracy")
    return draw_panels(
        [
            [
                Panel(originals(numbers, name), f"{accuracy:.1f} %"),
                Panel(numbers.images(f"reconstruct/{label}/seed{seed}", count=PICTURES), ours),
                Panel(numbers.images(f"reconstruct/rivals-{name}/all", "pca-49", PICTURES), pca),
            ]
        ],
        row_names=[""],
        column_names=["originals", "autoencoder, 49 values", "PCA, 49 values"],
        columns=6,
        size=2.4,
    )


def loss_curves(numbers: Numbers, name: str) -> MatplotlibFigure:
    """Training and validation loss over the epochs, on both kinds of axes."""
    figure, axes = new_figure(7.4, 3.4, 1, 2)
    label = f"autoencoder-{name}"
    series = []
    for look, (metric, text) in enumerate((("loss", "training"), ("val_loss", "validation"))):
        losses = np.asarray(numbers.histories(label, metric))
        series.append(Series(text, np.arange(1, losses.shape[1] + 1), losses, look=look))
    levels = [("PCA, 49 values", numbers.rival(name, "pca-49", "loss"))]
    if name in LOSSES:
        levels.append((f"paper: {LOSSES[name]:g}", LOSSES[name]))
    for place, scale in zip(axes, ("linear", "log"), strict=True):
        draw_curves(
            place,
            series,
            title="Loss" if scale == "linear" else "The same, logarithmic",
            x_label="epoch",
            y_label="mean squared error",
            y_scale="linear" if scale == "linear" else "log",
            levels=levels if scale == "log" else [],
            legend=scale == "linear",
        )
    return figure


def denoiser_pictures(numbers: Numbers) -> MatplotlibFigure:
    """Input and target, and what the two instances and the constant make of it."""
    seed, name = numbers.denoiser_seeds[0], numbers.main
    seeds = numbers.denoiser_seeds

    def panel(title: str, label: str, image: str) -> Panel:
        psnr, ssim, accuracy = (
            mean(numbers.judged(f"{label}-test", what, seeds, image))
            for what in ("psnr", "ssim", "accuracy")
        )
        return Panel(
            numbers.images(f"denoise/{label}-test/seed{seed}", image, PICTURES),
            f"{title}\n{psnr:.2f} dB, SSIM {ssim:.3f}, {accuracy:.1f} %",
        )

    constant = [numbers.rival(name, "constant", what) for what in ("psnr", "ssim", "accuracy")]
    accuracy = numbers.rival(name, "originals", "accuracy")
    return draw_panels(
        [
            [
                Panel(originals(numbers, name), f"target: the originals\n{accuracy:.1f} %"),
                panel("input: reconstructions", "denoiser", "inputs"),
                panel("output, trained well", "denoiser", "images"),
            ],
            [
                None,
                panel("output, dead code", "dead-denoiser", "images"),
                Panel(
                    numbers.images(f"reconstruct/rivals-{name}/all", "constant", PICTURES),
                    f"a constant\n{constant[0]:.2f} dB, SSIM {constant[1]:.3f}, "
                    f"{constant[2]:.1f} %",
                ),
            ],
        ],
        row_names=["", ""],
        column_names=["", "", ""],
        columns=6,
        size=2.4,
    )


def denoiser_curves(numbers: Numbers) -> MatplotlibFigure:
    """Both instances’ losses, beside what a constant and the untouched input have."""
    figure, (axes,) = new_figure(6.6, 4.2)
    seeds = numbers.denoiser_seeds
    series = []
    for look, (label, text) in enumerate(
        ((numbers.denoiser(), "trained well"), ("dead-denoiser", "dead code"))
    ):
        for line, metric in enumerate(("loss", "val_loss")):
            losses = np.asarray(numbers.histories(label, metric, seeds))
            what = "training" if metric == "loss" else "validation"
            x = np.arange(1, losses.shape[1] + 1)
            series.append(Series(f"{text}, {what}", x, losses, look=look, line=line))
    inputs = mean(numbers.input_losses("validation"))
    draw_curves(
        axes,
        series,
        title="The denoising instance",
        x_label="epoch",
        y_label="mean squared error",
        y_scale="log",
        levels=[
            (f"paper: {DENOISER_LOSS:g}", DENOISER_LOSS),
            ("the mean image", numbers.variance(numbers.main, "validation", "mean")),
            ("its input, validation", inputs),
        ],
    )
    return figure


def zeros(numbers: Numbers) -> MatplotlibFigure:
    """Shares of zero values in the codes of drawn networks, sorted, before and after some steps."""
    from imgcomp.papers.bhattacharya2020.data import shown_name
    from imgcomp.papers.bhattacharya2020.tables_beyond import counted

    names = counted(numbers)
    figure, axes = new_figure(3.7 * len(names), 3.3, 1, len(names))
    for place, name in zip(axes, names, strict=True):
        data = numbers.data(f"count/dead-{name}/all")
        series = []
        for look, (when, text) in enumerate(
            (("before", "as drawn"), ("after", f"after {data['steps']} steps"))
        ):
            shares = sorted(row["values"] for row in data[when])
            if shares:
                x = [100 * (place + 0.5) / len(shares) for place in range(len(shares))]
                series.append(
                    Series(text, x, [100 * share for share in shares], look=look, marker=".")
                )
        draw_curves(
            place,
            series,
            title=shown_name(name),
            x_label="networks, sorted (%)",
            y_label="zero values of the code (%)",
        )
    return figure
