"""bhattacharya2020: how the figures of what goes beyond the paper are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgcomp.papers.bhattacharya2020.data import CODE_VALUES
from imgcomp.papers.bhattacharya2020.experiment import KINDS, SMOOTHING, latent_channels, noises
from imgcomp.papers.bhattacharya2020.numbers import Numbers
from imgcomp.papers.bhattacharya2020.tables_beyond import filter_name, noise_title
from imgcomp.plots import PALETTE, Panel, Series, draw_curves, draw_panels, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


STYLES: dict[str, dict[str, Any]] = {
    "noisy": {"color": PALETTE["black"], "line": 2},
    "median": {"color": PALETTE["purple"], "line": 3},
    "pca-49": {"color": PALETTE["green"], "line": 0},
    "autoencoder": {"color": PALETTE["blue"], "line": 0},
    "gaussian-denoiser": {"color": PALETTE["blue"], "line": 1},
    "salt-denoiser": {"color": PALETTE["orange"], "line": 0},
}
"""How a filter or network looks in the curves over noise."""
_AXES = {
    "gaussian": ("Gaussian noise", "standard deviation σ", 1.0),
    "salt and pepper": ("Salt and pepper", "share of the pixels (%)", 100.0),
}
_PICTURES = 12


def _levels(numbers: Numbers, kind: str) -> list[float]:
    return [level for each, level in noises(numbers.run) if each == kind]


def _best_filter(numbers: Numbers, kind: str, level: float) -> str:
    """The Gaussian filter of the highest PSNR."""
    names = [f"gaussian-{std:g}" for std in SMOOTHING]
    return max(names, key=lambda name: numbers.noise(kind, level, name, "psnr"))


def noise_curves(numbers: Numbers) -> MatplotlibFigure:
    """PSNR and accuracy over the level of both kinds of noise."""
    figure, axes = new_figure(7.4, 6.2, 2, 2)
    for column, (kind, (title, label, factor)) in enumerate(_AXES.items()):
        levels = _levels(numbers, kind)
        x = [factor * level for level in levels]
        for row, (what, y_label) in enumerate(
            (("psnr", "PSNR (dB)"), ("accuracy", "classifier’s accuracy (%)"))
        ):
            series = [
                Series(
                    filter_name(name),
                    x,
                    [numbers.noise(kind, level, name, what) for level in levels],
                    marker="o",
                    **look,
                )
                for name, look in STYLES.items()
            ]
            best = [_best_filter(numbers, kind, level) for level in levels]
            values = [
                numbers.noise(kind, level, name, what)
                for level, name in zip(levels, best, strict=True)
            ]
            series.append(
                Series("best Gaussian filter", x, values, line=1, marker="o", color=PALETTE["gray"])
            )
            draw_curves(
                axes[2 * row + column],
                series,
                title="" if row else title,
                x_label=label if row else "",
                y_label="" if column else y_label,
                legend=False,
            )
            axes[2 * row + column].set_xticks(x)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    for row in (0, 1):
        pair = axes[2 * row : 2 * row + 2]
        low = min(place.get_ylim()[0] for place in pair)
        high = max(place.get_ylim()[1] for place in pair)
        for place in pair:
            place.set_ylim(low, high)
    return figure


def shown_level(numbers: Numbers, kind: str) -> float:
    """The level that is shown: that of the training where it was tested, else the middle one."""
    s = numbers.run.settings
    own = s.number("noise_trained" if kind == "gaussian" else "noise_trained_share")
    levels = _levels(numbers, kind)
    return own if own in levels else levels[len(levels) // 2]


def noise_pictures(numbers: Numbers) -> MatplotlibFigure:
    """Noisy test images, and what the filters and networks make of them."""
    rows: list[list[Panel | None]] = []
    for kind, network in KINDS.items():
        level = shown_level(numbers, kind)
        row: list[Panel | None] = []
        for name in ("noisy", "median", "autoencoder", network):
            psnr, accuracy = (
                numbers.noise(kind, level, name, what) for what in ("psnr", "accuracy")
            )
            images = numbers.noise_images(kind, level, name, _PICTURES)
            row.append(Panel(images, f"{psnr:.1f} dB, {accuracy:.1f} %"))
        rows.append(row)
    return draw_panels(
        rows,
        row_names=[noise_title(kind, shown_level(numbers, kind)) for kind in KINDS],
        column_names=["noisy", "median 3×3", "autoencoder", "trained with it"],
        columns=4,
        size=1.8,
    )


def latent_curves(numbers: Numbers) -> MatplotlibFigure:
    """Test MSE, PSNR and accuracy over the number of values, beside PCA."""
    figure, axes = new_figure(7.6, 3.1, 1, 3)
    name, seed = numbers.main, numbers.seeds[:1]
    channels = latent_channels(numbers.run)
    x = [CODE_VALUES * each for each in channels]
    accuracy = numbers.rival(name, "originals", "accuracy")
    for place, (what, title, y_label) in zip(
        axes,
        (
            ("mse", "Test MSE", "mean squared error"),
            ("psnr", "PSNR", "dB"),
            ("accuracy", "Accuracy", "judged right (%)"),
        ),
        strict=True,
    ):
        labels = [f"latent{each}-{name}" for each in channels]
        if what == "mse":
            ours = [
                float(numbers.data(f"reconstruct/{label}/seed{seed[0]}")["mse"]) for label in labels
            ]
            pca = [numbers.rival(name, f"pca-{values}", "loss") for values in x]
        else:
            ours = [numbers.judged(label, what, seed)[0] for label in labels]
            pca = [numbers.rival(name, f"pca-{values}", what) for values in x]
        draw_curves(
            place,
            [
                Series("autoencoder", x, ours, look=0, marker="o"),
                Series("PCA", x, pca, look=1, marker="s"),
            ],
            title=title,
            x_label="values in the code",
            y_label=y_label,
            x_scale="log",
            y_scale="log" if what == "mse" else "linear",
            levels=[("originals", accuracy)] if what == "accuracy" else [],
            legend=what == "mse",
        )
        place.set_xticks(x, [str(values) for values in x])
        place.minorticks_off()
    return figure
