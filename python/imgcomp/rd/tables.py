"""The tables of a comparison as texts, for its page, for the terminal and for the documentation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgcomp.rd.figures import SIZE_TITLES
from imgcomp.rd.found import WHOLE
from imgcomp.rd.rates import ENVELOPE
from imgcomp.rd.scales import ACCURACY, LOST, MAIN, SCALES

Results = Mapping[str, Any]

COUNTED = {**SIZE_TITLES, WHOLE: "whole photographs, a file each"}
"""Ways of counting, for people."""
BEST = "the best of all rivals"
NONE = "–"
_LOST = LOST[:4]
"""Points of accuracy."""


@dataclass(frozen=True)
class Shown:
    """A table of texts.

    Attributes:
        title: above it.
        heads: of the columns; all but the first hold numbers.
        rows: a cell for each column; what comes after its first line is small print.
        caption: what must be known to read it.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


def sizes_of(results: Results) -> list[str]:
    """The ways of counting that a comparison has."""
    found = {record["size"] for record in results["bd_rates"]}
    return [size for size in COUNTED if size != WHOLE or size in found]


def titles_of(results: Results) -> dict[str, str]:
    """Lines' names, and `ENVELOPE`, for people."""
    return {line["name"]: line["title"] for line in results["lines"]} | {ENVELOPE: BEST}


def measures_of(results: Results) -> list[str]:
    """Names of the measures that BD-rates are over, the main one first."""
    found = {record["measure"] for record in results["bd_rates"]}
    return [name for name in SCALES if name in found]


def bd_table(results: Results, tested: str, measure: str) -> Shown:
    """BD-rates of one line against each rival.

    Args:
        results: content of ``results.json``.
        tested: the line's name.
        measure: one of `measures_of`.
    """
    titles, sizes = titles_of(results), sizes_of(results)
    rows: dict[str, dict[str, str]] = {}
    for record in results["bd_rates"]:
        if (record["tested"], record["measure"]) == (tested, measure):
            cell = show_percent(record)
            if record["low"] is not None:
                cell += f"\n{_range(record, SCALES[measure].unit)}"
            rows.setdefault(record["anchor"], {})[record["size"]] = cell
    return Shown(
        f"{titles[tested]}, over {SCALES[measure].title}",
        ["compared with", *(COUNTED[size] for size in sizes)],
        [
            [titles[anchor], *(cells.get(size, NONE) for size in sizes)]
            for anchor, cells in rows.items()
        ],
    )


def best_table(results: Results) -> Shown:
    """BD-rates of the package's codecs against the best of all rivals, over every measure.

    Against the only rival where there is but one. Measures over which a codec shares no quality
    with rivals have no row.

    Args:
        results: content of ``results.json``.
    """
    titles, sizes = titles_of(results), sizes_of(results)
    ours = {line["name"] for line in results["lines"] if line["ours"]}
    envelopes = any(record["anchor"] == ENVELOPE for record in results["bd_rates"])
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for record in results["bd_rates"]:
        chosen = record["tested"] in ours and (record["anchor"] == ENVELOPE or not envelopes)
        if chosen and record["percent"] is not None:
            row = rows.setdefault((record["tested"], record["measure"]), {})
            row[record["size"]] = show_percent(record)
    ordered = sorted(rows, key=lambda key: list(titles).index(key[0]))
    return Shown(
        f"BD-rate against {BEST if envelopes else 'the rival'}",
        ["Codec", "at equal", *(COUNTED[size] for size in sizes)],
        [
            [
                titles[tested],
                SCALES[measure].title,
                *(rows[tested, measure].get(size, NONE) for size in sizes),
            ]
            for tested, measure in ordered
        ],
        "How many per cent more rate (−: less) is needed at equal quality. * A curve has less than "
        "three points in the common range.",
    )


def level_table(results: Results, measure: str, size: str) -> Shown:
    """Bits per pixel of every line at equal quality.

    Args:
        results: content of ``results.json``.
        measure: one of `SCALES`.
        size: one of `sizes_of`.
    """
    records = [record for record in results["at_quality"] if record["measure"] == measure]
    levels = list(dict.fromkeys(record["level"] for record in records))
    rates = {(record["line"], record["level"]): record.get(size) for record in records}
    titles = titles_of(results)
    known = [
        line["name"]
        for line in results["lines"]
        if any(rates.get((line["name"], level)) is not None for level in levels)
    ]
    return Shown(
        f"{COUNTED[size][0].upper()}{COUNTED[size][1:]}",
        [_LEVEL_HEADS.get(measure, SCALES[measure].title), *_heads(results, measure, levels)],
        [
            [titles[name], *(show_rate(rates.get((name, level))) for level in levels)]
            for name in known
        ],
    )


_LEVEL_HEADS = {MAIN: "dB", ACCURACY: "points lost"}


def _heads(results: Results, measure: str, levels: Sequence[float]) -> list[str]:
    if measure == MAIN or not levels:
        return [f"{level:g}" for level in levels]
    if measure == ACCURACY:
        whole = 100 * results["originals_accuracy"]
        return [f"{whole - level:.3g}" for level in levels]
    return [f"{1 - 10 ** (-level / 10):.3g}" for level in levels]


def fallen_table(results: Results) -> Shown | None:
    """Points of accuracy lost, where the best rival has lost some; None where that is unknown."""
    if not results["fallen"]:
        return None
    titles = titles_of(results)
    columns = {record["size"]: record for record in results["fallen"]}
    cells: dict[str, dict[str, str]] = {}
    for size, record in columns.items():
        for line in record["lines"]:
            text = NONE
            if line["fallen"] is not None:
                text = f"{line['fallen']:.1f}".replace("-", "−") + _ends(line["interval"], ".1f")
            cells.setdefault(line["line"], {})[size] = text
    where = "; ".join(
        f"{COUNTED[size]}: {titles[record['rival']]}, {record['rival_fallen']:.1f} points at "
        f"{show_rate(record['rate'])} bits per pixel"
        for size, record in columns.items()
    )
    return Shown(
        f"Points of accuracy lost where the best rival has lost {results['fallen'][0]['drop']:g}",
        ["", *(COUNTED[size] for size in columns)],
        [[titles[name], *(row.get(size, NONE) for size in columns)] for name, row in cells.items()],
        f"Accuracy of a classifier trained on originals, at the best rival’s rate. {where}. "
        f"{NONE}: more bits are needed at the coarsest setting.",
    )


def smallest_table(results: Results) -> Shown | None:
    """Bytes of the smallest files of which a classifier still reads nearly as much as of originals.

    Args:
        results: content of ``results.json``.

    Returns:
        A row for the best of all rivals and one for the best of the package's codecs, as far as
        there are any, then one for each of these; None where nothing was classified.
    """
    if results["originals_accuracy"] is None:
        return None
    rows = []
    for title, ours in ((BEST, False), ("the best of the package’s codecs", True)):
        lines = [line for line in results["lines"] if line["ours"] == ours]
        if lines:
            rows.append([title, *(_smallest(results, lines, lost) for lost in _LOST)])
    for line in results["lines"]:
        if line["ours"]:
            cells = (_smallest(results, [line], lost) for lost in _LOST)
            rows.append([line["title"], *(cell.partition("\n")[0] for cell in cells)])
    return Shown(
        "The smallest file that a classifier still reads, in bytes an image",
        ["points lost, at most", *(f"{lost:g}" for lost in _LOST)],
        rows,
        "All images in one file, where a classifier that was trained on originals has lost no more "
        "points of its accuracy: between two settings, or at the coarsest one.",
    )


def _smallest(results: Results, lines: Sequence[Mapping[str, Any]], lost: float) -> str:
    """The fewest bytes, and the line that they are of."""
    kept = results.get("kept", {"lines": ()})  # judged by a classifier of their own
    found = []
    for line in lines:
        judged = kept if line["name"] in kept["lines"] else results
        level = 100 * judged["originals_accuracy"] - lost
        sizes = [
            record["mosaic"] * math.prod(results["data"]["image_shape"][1:]) / 8
            for record in results["at_quality"]
            if (record["line"], record["measure"]) == (line["name"], ACCURACY)
            and math.isclose(record["level"], level, rel_tol=1e-5)
            and record["mosaic"] is not None
        ]
        # Curves that do not come down to the level have it at every setting.
        sizes = sizes or [
            point["bytes"]["mosaic"]
            for point in line["points"]
            if 100 * point.get("mosaic", point)["accuracy"] >= level - 1e-6
        ]
        found += [(size, line["title"]) for size in sizes]
    if not found:
        return NONE
    size, title = min(found)
    return f"{size:.1f}\n{title}"


def retrained_table(results: Results) -> Shown | None:
    """Classifiers trained on reconstructions beside that of originals; None where there are none.

    Args:
        results: content of ``results.json``.
    """
    few = results.get("retrained")
    if few is None:
        return None
    rows = []
    for line in results["lines"]:
        points = [point for point in line["points"] if "accuracy_retrained" in point]
        for point in points:
            rows.append(
                [
                    line["title"] if point is points[0] else "",
                    point["label"],
                    *(show_rate(point["bpp"][size]) for size in ("file", "payload")),
                    f"{100 * point['accuracy']:.1f}",
                    f"{100 * point['accuracy_retrained']:.1f}",
                ]
            )
    return Shown(
        "Trained on what comes out",
        ["", "at", *(COUNTED[size] for size in ("file", "payload")), "of originals", "of these"],
        rows,
        "Images of the test set recognised after the codec, in per cent: by the classifier that "
        f"was trained on all originals, which has {100 * results['originals_accuracy']:.1f} of the "
        f"originals; and by one that was trained on {few['images']:,} images that went through the "
        f"same, where as many originals give one that has {100 * few['originals_accuracy']:.1f}.",
    )


def weights_table(results: Results) -> Shown | None:
    """BD-rates of the package's codecs with what must be known beforehand; None without any.

    Codecs that share no quality with rivals have no row.
    """
    records = [record for record in results["with_model"] if record["percent"] is not None]
    if not records:
        return None
    titles = titles_of(results)
    models = {
        line["name"]: max(point["model_bytes"] for point in line["points"])
        for line in results["lines"]
    }
    counts = [None, *results["amortised_over"]]
    rows: dict[tuple[str, str], dict[int | None, str]] = {}
    for record in records:
        row = rows.setdefault((record["tested"], record["size"]), {})
        row[record["shared_by"]] = show_percent(record)
    return Shown(
        f"With the weights, among so many images: BD-rate over PSNR against {BEST}",
        ["Codec", "Its bytes", "Counted", "without", *(f"{n:,}" for n in counts if n)],
        [
            [titles[name], f"{models[name]:,}", COUNTED[size], *(row.get(n, NONE) for n in counts)]
            for (name, size), row in rows.items()
        ],
        "The codec’s file, divided among so many images, is added to each image’s bytes; so is "
        "what rivals learn. Several files of one curve are each added to their own points.",
    )


def points_with_model(results: Results, name: str) -> Shown:
    """Rates of one line with and without what must be known beforehand.

    Args:
        results: content of ``results.json``.
        name: of the line.
    """
    (line,) = [line for line in results["lines"] if line["name"] == name]
    counts = [str(count) for count in results["amortised_over"]]
    return Shown(
        f"{line['title']}: bits per pixel with the weights",
        [line["unit"], "PSNR", "without", *(f"among {int(n):,} images" for n in counts)],
        [
            [
                point["label"],
                f"{point['psnr']:.2f}",
                show_rate(point["bpp"]["file"]),
                *(show_rate(point["bpp_with_model"][count]) for count in counts),
            ]
            for point in line["points"]
        ],
    )


def show_percent(record: Mapping[str, Any]) -> str:
    """A BD-rate, a star where there are few points, and below it its interval."""
    if record["percent"] is None:
        return NONE
    text = f"{record['percent']:+.1f} %" + (" *" if record["few_points"] else "")
    return text.replace("-", "−") + _ends(record["interval"], "+.1f")


def show_rate(value: float | None) -> str:
    """Bits per pixel with three figures."""
    if value is None:
        return NONE
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _ends(interval: Sequence[float] | None, form: str) -> str:
    if interval is None:
        return ""
    return "\n{:{f}} … {:{f}}".format(*interval, f=form).replace("-", "−")


def _range(record: Mapping[str, Any], unit: str) -> str:
    low, high = record["low"], record["high"]
    return f"at {low:.1f} {unit}" if low == high else f"{low:.1f} … {high:.1f} {unit}"
