"""The package's codecs against the formats that everybody reads: the best of these at each quality.

The best of all rivals is often one that no program writes to files, such as principal components
without a header. What is told here comes from the points of a finished comparison alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imgcomp.errors import UsageError
from imgcomp.rd import bd
from imgcomp.rd.found import WHOLE
from imgcomp.rd.scales import ACCURACY, MAIN, SCALES, trained_for
from imgcomp.rd.tables import COUNTED, NONE, Shown, show_percent, sizes_of

_ORDINARY = "ordinary"
_FORMATS = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "jxl": "JPEG XL"}
"""Families of lines, for people."""


def against_formats(
    results: Mapping[str, Any], tested: str, size: str, measure: str = MAIN
) -> bd.BDRate:
    """The BD-rate of a line against the best of the ordinary formats at each quality.

    Nothing is compared over the accuracies of two classifiers, such as a kept line's and others'.

    Args:
        results: content of ``results.json``.
        tested: the line's name.
        size: a way of counting.
        measure: one of `SCALES`.

    Raises:
        UsageError: there is no such line.
    """
    if not any(line["name"] == tested for line in results["lines"]):
        raise UsageError(f"there is no line {tested!r}")
    curves = {
        line["name"]: found
        for line in results["lines"]
        if line["name"] == tested or (line["kind"] == _ORDINARY and not line["lossless"])
        if (found := _curve(line, size, measure)) is not None
    }
    own = curves.pop(tested, None)
    if measure == ACCURACY:
        kept = results.get("kept", {"lines": ()})["lines"]
        curves = {name: each for name, each in curves.items() if (name in kept) == (tested in kept)}
    return bd.BDRate(None) if own is None or not curves else bd.compare([*curves.values()], own)


def formats_table(results: Mapping[str, Any]) -> Shown | None:
    """BD-rates against the best of the formats; None where no codec shares a quality with any.

    None, too, where all rivals are such formats: the best of them is the best of all rivals.

    Each codec is compared over what it was trained for.

    Args:
        results: content of ``results.json``.
    """
    if all(line["ours"] or line["kind"] == _ORDINARY for line in results["lines"]):
        return None
    sizes = sizes_of(results)
    rows = []
    for line in results["lines"]:
        if line["ours"]:
            name = line["name"]
            measure = trained_for(name)
            cells = [_cell(against_formats(results, name, size, measure)) for size in sizes]
            if any(cell != NONE for cell in cells):
                rows.append([line["title"], SCALES[measure].title, *cells])
    if not rows:
        return None
    families = dict.fromkeys(
        _FORMATS.get(line["family"], line["title"])
        for line in results["lines"]
        if line["kind"] == _ORDINARY and not line["lossless"]
    )
    return Shown(
        "BD-rate against the best of the formats that everybody reads",
        ["Codec", "at equal", *(COUNTED[size] for size in sizes)],
        rows,
        f"The best at each quality of {', '.join(families)}, without what learns from training "
        "images; over what each codec is for. * A curve has less than three points in the common "
        "range.",
    )


def _curve(line: Mapping[str, Any], size: str, measure: str) -> bd.Curve | None:
    """Rate over quality of a line's points; None where one of both is not known."""
    rates, qualities = [], []
    for point in line["points"]:
        # The images of a mosaic, and whole photographs, are measured by themselves.
        measured = point.get(size, {} if size == WHOLE else point)
        rate = measured.get("bpp") if size == WHOLE else point["bpp"][size]
        if rate is None or measured.get(measure) is None:
            return None
        rates.append(rate)
        qualities.append(measured[measure])
    if not rates:
        return None
    return bd.Curve(rates, SCALES[measure].scaled(np.array(qualities, dtype=np.float64)))


def _cell(found: bd.BDRate) -> str:
    record = {"percent": found.percent, "few_points": found.few_points, "interval": None}
    return show_percent(record)
