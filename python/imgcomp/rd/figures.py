"""The figures of a comparison: quality and accuracy over the rate, one panel for each size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]

SIZE_TITLES = {
    "file": "one file for each image",
    "payload": "coded image alone",
    "mosaic": "all images in one file",
}
_FAMILY_COLORS = {
    "jpeg": "gray",
    "webp": "green",
    "avif": "purple",
    "jxl": "orange",
    "png": "black",
    "pca": "yellow",
    "pq": "sky",
}
_MEASURES = {
    "psnr": ("PSNR (dB)", 50.0),
    "ssim": ("SSIM", None),
    "ms_ssim": ("MS-SSIM, {}", None),
    "accuracy": ("accuracy (%)", None),
}


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn when it is asked for.

    Attributes:
        id: of its files.
        title: above it on the page.
        caption: below it.
        draw: makes it, inside `imgcomp.plots.style`.
    """

    id: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def drawings(results: Record) -> list[Drawing]:
    """All figures of a comparison's results."""
    lines = results["lines"]
    found = []
    sizes = (
        "Left: bytes of a file for each image. Middle: the coded image without any container. "
        "Right: one file for all images; for ordinary codecs a mosaic, their best case. The "
        "package’s codecs are an archive with everything in it, in the left and right panel. "
    )
    for measure, title in (
        ("psnr", "PSNR over rate"),
        ("ssim", "SSIM over rate"),
        ("ms_ssim", "MS-SSIM over rate"),
        ("accuracy", "Recognised over rate"),
    ):
        if not _known(lines, measure):
            continue
        caption = sizes + "Dotted: the rate of the shortest lossless files."
        if measure == "accuracy":
            caption = (
                "Images that a classifier recognises, trained on originals"
                + ". Dotted line: the originals."
                + _retrained_in_words(results)
            )
        found.append(
            Drawing(
                f"rate-{measure.replace('_', '-')}",
                title,
                caption,
                lambda measure=measure: _panels(results, measure),  # type: ignore[misc]
            )
        )
    if any("whole" in point for line in lines for point in line["points"]):
        found.append(
            Drawing(
                "whole-pictures",
                "Whole photographs",
                "Rivals, and codecs that take any size, get the photographs as they are; others "
                "of the package get their tiles, one file for each photograph.",
                lambda: _whole(results),
            )
        )
    return found


def _retrained_in_words(results: Record) -> str:
    few = results.get("retrained")
    if few is None:
        return ""
    return (
        f" Open marks: trained on {few['images']:,} images that went through the same; dashed "
        "line: on as many originals."
    )


def _known(lines: Sequence[Record], measure: str) -> bool:
    return any(point[measure] is not None for line in lines for point in line["points"])


def looks(lines: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Colour, line style and marker of each line.

    The package's codecs are blue and the papers' networks black, and their markers differ; ordinary
    codecs have a colour and a marker for each family.
    """
    from imgcomp.plots import MARKERS, PALETTE

    found: dict[str, dict[str, Any]] = {}
    colors = ["blue", *_FAMILY_COLORS.values()]
    drawn = dict.fromkeys(colors, 0)
    for line in lines:
        color = "blue" if line["ours"] else _FAMILY_COLORS.get(line["family"], "black")
        variant = drawn[color]
        drawn[color] += 1
        marker = variant if color in ("blue", "black") else colors.index(color)
        found[line["name"]] = {
            "color": PALETTE[color],
            "line": variant,
            "marker": MARKERS[marker % len(MARKERS)],
        }
    return found


def _panels(results: Record, measure: str) -> Figure:
    from imgcomp.plots import Series, draw_curves, new_figure

    lines = results["lines"]
    style = looks(lines)
    factor = 100 if measure == "accuracy" else 1
    label, limit = _label(results, measure)
    figure, axes = new_figure(10.5, 4.6, 1, 3)
    for place, size in zip(axes, SIZE_TITLES, strict=True):
        series = []
        for line in lines:
            pairs = sorted(
                (point["bpp"][size], factor * value)
                for point in line["points"]
                if (value := _value(point, size, measure)) is not None
            )
            if line["lossless"] or not pairs:
                continue
            x, y = zip(*pairs, strict=True)
            series.append(Series(line["title"], x, y, **style[line["name"]]))
        draw_curves(
            place,
            series,
            title=SIZE_TITLES[size],
            x_label="bits per pixel",
            y_label=label if size == "file" else "",
            x_scale="log",
            legend=False,
        )
        _raise(place, lines)
        if measure == "accuracy":
            _accuracies(place, results, size, style)
        _lossless(place, lines, size)
        _log_ticks(place)
        if limit is not None:
            place.set_ylim(top=min(limit, place.get_ylim()[1]))
    low = min(place.get_ylim()[0] for place in axes)
    high = max(place.get_ylim()[1] for place in axes)
    left = min(place.get_xlim()[0] for place in axes)
    right = max(place.get_xlim()[1] for place in axes)
    # More bits than the images themselves have are no compression.
    right = min(right, 8.0 * results["data"]["image_shape"][0])
    for place in axes:
        place.set(ylim=(low, high), xlim=(left, right))
    _legend(figure, axes[0])
    return figure


def _raise(place: Axes, lines: Sequence[Record]) -> None:
    """The package's curves over the others."""
    ours = {line["title"] for line in lines if line["ours"]}
    for curve in place.get_lines():
        if curve.get_label() in ours:
            curve.set_zorder(4)


def _label(results: Record, measure: str) -> tuple[str, float | None]:
    """Of the axis of a measure, and where that ends."""
    label, limit = _MEASURES[measure]
    return label.format(results["ms_ssim"]), limit


def _value(point: Record, size: str, measure: str) -> float | None:
    source = point.get("mosaic", point) if size == "mosaic" else point
    found: float | None = source[measure]
    return found


def _accuracies(place: Axes, results: Record, size: str, style: Mapping[str, Any]) -> None:
    place.axhline(
        100 * results["originals_accuracy"], color="#555555", linewidth=0.9, linestyle=":"
    )
    if size == "mosaic":
        return
    if (few := results.get("retrained")) is not None:
        place.axhline(
            100 * few["originals_accuracy"], color="#555555", linewidth=0.9, linestyle="--"
        )
    for line in results["lines"]:
        for point in line["points"]:
            if "accuracy_retrained" in point:
                place.plot(
                    point["bpp"][size],
                    100 * point["accuracy_retrained"],
                    linestyle="none",
                    marker=style[line["name"]]["marker"],
                    markerfacecolor="white",
                    markeredgecolor=style[line["name"]]["color"],
                    zorder=5,
                )


def _lossless(place: Axes, lines: Sequence[Record], size: str) -> None:
    """The shortest lossless files as a line, named at its foot."""
    rates = {
        line["title"]: point["bpp"][size]
        for line in lines
        if line["lossless"]
        for point in line["points"]
    }
    if not rates:
        return
    title = min(rates, key=lambda name: rates[name])
    place.axvline(rates[title], color="#555555", linewidth=0.9, linestyle=":", zorder=1)
    place.annotate(
        title,
        (rates[title], 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(3, 0),
        textcoords="offset points",
        rotation=90,
        ha="left",
        va="bottom",
        fontsize=7.5,
        color="#333333",
    )


def _log_ticks(place: Axes) -> None:
    """Plain numbers at 1, 2 and 5 in every decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    place.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    place.xaxis.set_minor_formatter(NullFormatter())
    place.tick_params(axis="x", labelrotation=45)


def _legend(figure: Figure, place: Axes) -> None:
    """Below the panels, in as many columns as the figure is wide enough for."""
    handles, labels = place.get_legend_handles_labels()
    for columns in range(max(1, min(5, len(labels))), 0, -1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def _whole(results: Record) -> Figure:
    from imgcomp.plots import Series, draw_curves, new_figure

    style = looks(results["lines"])
    figure, axes = new_figure(9.0, 4.2, 1, 2)
    for place, measure in zip(axes, ("psnr", "ms_ssim"), strict=True):
        series = []
        for line in results["lines"]:
            pairs = sorted(
                (point["whole"]["bpp"], point["whole"][measure])
                for point in line["points"]
                if "whole" in point and not line["lossless"]
            )
            if pairs:
                x, y = zip(*pairs, strict=True)
                series.append(Series(line["title"], x, y, **style[line["name"]]))
        label, limit = _label(results, measure)
        draw_curves(
            place,
            series,
            title=label.partition(" ")[0].rstrip(","),
            x_label="bits per pixel, whole files",
            y_label=label,
            x_scale="log",
            legend=False,
        )
        _raise(place, results["lines"])
        _log_ticks(place)
        if limit is not None:
            place.set_ylim(top=min(limit, place.get_ylim()[1]))
    _legend(figure, axes[0])
    return figure
