"""bhattacharya2020: how the figures of what goes beyond the paper are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgcomp.papers.bhattacharya2020.data import CODE_VALUES
from imgcomp.papers.bhattacharya2020.experiment import KINDS, SMOOTHING, latent_channels, noises
from imgcomp.papers.bhattacharya2020.numbers import Numbers
from imgcomp.papers.bhattacharya2020.tables_beyond import filter_name, noise_title
from imgcomp.papers.noise_drawings import NOISE_AXES, Filter, draw_noise_curves
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
_PICTURES = 12


def _levels(numbers: Numbers, kind: str) -> list[float]:
    return [level for each, level in noises(numbers.run) if each == kind]


def _best_filter(numbers: Numbers, kind: str, level: float) -> str:
    """The Gaussian filter of the highest PSNR."""
    names = [f"gaussian-{std:g}" for std in SMOOTHING]
    return max(names, key=lambda name: numbers.noise(kind, level, name, "psnr"))


def noise_curves(numbers: Numbers) -> MatplotlibFigure:
    """PSNR and accuracy over the level of both kinds of noise."""

    def filtered(name: str) -> Filter:
        def value(kind: str, level: float, what: str) -> float:
            return numbers.noise(kind, level, name, what)

        return Filter(filter_name(name), value, STYLES[name])

    def best(kind: str, level: float, what: str) -> float:
        return numbers.noise(kind, level, _best_filter(numbers, kind, level), what)

    lines = [filtered(name) for name in STYLES]
    lines.append(Filter("best Gaussian filter", best, {"line": 1, "color": PALETTE["gray"]}))
    return draw_noise_curves(lines, {kind: _levels(numbers, kind) for kind in NOISE_AXES}, 3)


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
    from matplotlib.ticker import NullLocator

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
            level_side="left",  # PCA comes near it at the right
            legend=what == "mse",
        )
        place.set_xticks(x, [str(values) for values in x])
        place.xaxis.set_minor_locator(NullLocator())
    return figure
