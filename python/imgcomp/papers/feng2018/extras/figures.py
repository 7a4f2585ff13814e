"""feng2018's extras as figures: noise in curves and pictures, deep autoencoders, smaller layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgcomp.papers.feng2018.extras.experiment import compressions, noises
from imgcomp.papers.feng2018.extras.numbers import Extras
from imgcomp.papers.feng2018.extras.tables import DEEP_NAMES, FILTER_NAMES, over
from imgcomp.papers.noise_drawings import NOISE_AXES, Filter, draw_noise_curves
from imgcomp.plots import PALETTE, Panel, Series, draw_curves, draw_panels, new_figure
from imgcomp.report import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

_STYLE: dict[str, dict[str, Any]] = {
    "noisy": {"color": PALETTE["black"], "line": 2},
    "median": {"color": PALETTE["purple"], "line": 3},
    "pca-40": {"color": PALETTE["green"], "line": 0},
    "pca-400": {"color": PALETTE["green"], "line": 1},
    "cnn-well": {"color": PALETTE["blue"], "line": 0},
    "cnn-denoiser": {"color": PALETTE["blue"], "line": 1},
    "ann-well": {"color": PALETTE["orange"], "line": 0},
    "ann-denoiser": {"color": PALETTE["orange"], "line": 1},
}


def extra_figures(extras: Extras) -> list[Figure]:
    """The extras' part of the report's figures."""
    s = extras.run.settings
    trained = (
        f"CNN and ANN: well trained on images without noise; denoisers: trained with Gaussian "
        f"noise of σ {s.number('denoiser_noise'):g}."
    )
    gaussian, salt = (_middle(extras, kind) for kind in NOISE_AXES)
    return [
        Figure(
            "noise",
            "Do the networks filter noise? (future work)",
            f"PSNR against the images without noise, and the classifier’s accuracy, by the "
            f"strength of the noise on the test images. {trained} {over(extras)}",
            lambda: _noise(extras),
        ),
        Figure(
            "noise_images",
            "Noisy images and what comes out (future work)",
            f"The first test images of seed {extras.seeds[0]} with Gaussian noise of σ "
            f"{gaussian:g} (upper half) and {100 * salt:g} % salt and pepper (lower half); under "
            f"each panel its PSNR on all test images and the classifier’s accuracy. {trained}",
            lambda: _noise_images(extras),
            inline="png",
        ),
        Figure(
            "deep_images",
            "Reconstructions of the deep autoencoders (future work)",
            f"Beside the well-trained networks and PCA with as many values, seed "
            f"{extras.seeds[0]}; under each panel its PSNR on all test images and the "
            "classifier’s accuracy.",
            lambda: _deep_images(extras),
            inline="png",
        ),
        Figure(
            "compressed",
            "Pruned and product-quantised layers of the ANN (future work)",
            "MSE of the reconstructed test images and the classifier’s accuracy on them, by the "
            "bytes of the network’s file. Uniform: each weight in so many bits, the trivial rival. "
            "Dotted: the network with all its weights, "
            f"{(extras.compressed('whole', 'plain', 'bytes') or 0) / 1e6:.2f} MB. {over(extras)}",
            lambda: _compressed(extras),
        ),
    ]


def _middle(extras: Extras, kind: str) -> float:
    """The level that is shown: the denoisers' own where it was tested, else the middle one."""
    levels = [level for each, level in noises(extras.run) if each == kind]
    own = extras.run.settings.number("denoiser_noise")
    return own if kind == "gaussian" and own in levels else levels[len(levels) // 2]


def _noise(extras: Extras) -> MatplotlibFigure:
    def filtered(name: str) -> Filter:
        def value(kind: str, level: float, what: str) -> float:
            return extras.noise(kind, level, name, what)

        return Filter(FILTER_NAMES[name], value, _STYLE[name])

    levels = {
        kind: [level for each, level in noises(extras.run) if each == kind] for kind in NOISE_AXES
    }
    return draw_noise_curves([filtered(name) for name in FILTER_NAMES], levels, 4)


def _noise_images(extras: Extras) -> MatplotlibFigure:
    layout = [
        ["originals", "noisy", "median", "pca-40"],
        ["cnn-well", "cnn-denoiser", "ann-well", "ann-denoiser"],
    ]

    def panel(kind: str, level: float, name: str) -> Panel:
        images = extras.noise_images(kind, level, name)
        if name == "originals":
            accuracy = extras.noise("none", 0.0, "noisy", "accuracy")
            return Panel(images, f"the originals\n{accuracy:.1f} %")
        psnr, accuracy = (extras.noise(kind, level, name, what) for what in ("psnr", "accuracy"))
        return Panel(images, f"{FILTER_NAMES[name]}\n{psnr:.1f} dB, {accuracy:.1f} %")

    gaussian, salt = (_middle(extras, kind) for kind in NOISE_AXES)
    rows = [
        [panel(kind, level, name) for name in names]
        for kind, level in zip(NOISE_AXES, (gaussian, salt), strict=True)
        for names in layout
    ]
    return draw_panels(
        rows,
        row_names=[f"Gaussian\nσ {gaussian:g}"] * 2 + [f"salt, pepper\n{100 * salt:g} %"] * 2,
        column_names=["", "", "", ""],
        columns=6,
        size=2.0,
    )


def _deep_images(extras: Extras) -> MatplotlibFigure:
    count = 24
    names = {**FILTER_NAMES, **DEEP_NAMES}

    def panel(label: str) -> Panel:
        psnr, accuracy = (extras.quality(label, what) for what in ("psnr", "accuracy"))
        name = names[label].split(", ")[0]
        return Panel(extras.images(label, count), f"{name}\n{psnr:.1f} dB, {accuracy:.1f} %")

    accuracy = extras.noise("none", 0.0, "noisy", "accuracy")
    first = Panel(extras.originals(count), f"the originals\n{accuracy:.1f} %")
    return draw_panels(
        [
            [first, *(panel(label) for label in ("deep-40", "cnn-well", "pca-40"))],
            [first, *(panel(label) for label in ("deep-400", "ann-well", "pca-400"))],
        ],
        row_names=["40 values", "400 values"],
        column_names=["", "", "", ""],
        size=2.0,
    )


def _compressed(extras: Extras) -> MatplotlibFigure:
    figure, (left, right) = new_figure(7.4, 3.7, 1, 2)
    styles: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("pruned", "prune", "plain", {"look": 0, "line": 0, "marker": "o"}),
        ("pruned, tuned", "prune", "tuned", {"look": 0, "line": 1, "marker": "s"}),
        ("product", "product", "plain", {"look": 1, "line": -1, "marker": "^"}),
        ("product, tuned", "product", "tuned", {"look": 1, "line": -1, "marker": "v"}),
        ("uniform", "uniform", "plain", {"color": PALETTE["gray"], "line": 2, "marker": "D"}),
        (
            "uniform, tuned",
            "uniform",
            "tuned",
            {"color": PALETTE["gray"], "line": 1, "marker": "P"},
        ),
    )
    for axes, what, title, y_label in (
        (left, "mse", "Test MSE", "MSE"),
        (right, "accuracy", "Classifier’s accuracy", "accuracy (%)"),
    ):
        series = []
        for name, method, state, look in styles:
            labels = [
                label
                for label, config in compressions(extras.run).items()
                if config["method"] == method and extras.compressed(label, state, what) is not None
            ]
            if labels:
                sizes = [
                    (extras.compressed(label, "plain", "bytes") or 0) / 1e3 for label in labels
                ]
                values = [extras.compressed(label, state, what) for label in labels]
                series.append(Series(name, sizes, values, **look))  # type: ignore[arg-type]
        draw_curves(
            axes,
            series,
            title=title,
            x_label="file (kB)",
            y_label=y_label,
            x_scale="log",
            y_scale="log" if what == "mse" else "linear",
            levels=[("all weights", extras.compressed("whole", "plain", what) or 0.0)],
            level_side="left",
            legend=False,
        )
        _plain_ticks(axes)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _plain_ticks(axes: Axes) -> None:
    """Sizes as whole numbers in place of powers of ten."""
    from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

    low, high = axes.get_xlim()
    places = [part * 10**power for power in range(8) for part in (1, 2, 5)]
    axes.xaxis.set_major_locator(FixedLocator([p for p in places if low <= p <= high]))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
