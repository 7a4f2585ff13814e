"""BD-rates of a comparison: over every measure, for every way of counting, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imgcomp.rd import bd
from imgcomp.rd.curves import Curves
from imgcomp.rd.found import Found
from imgcomp.rd.scales import MAIN

AMORTISED = (1_000, 10_000, 70_000)
"""Numbers of images that share one model."""
ENVELOPE = "envelope"
"""In place of a rival's name: the best of all of them at each quality."""
_COUNTED = ("file", "mosaic")


def bd_records(curves: Curves) -> list[dict[str, Any]]:
    """BD-rates: of the package's codecs against each rival and the best of all rivals.

    Without a codec of the package every rival is compared with every other, without intervals.

    Args:
        curves: of all lines.

    Returns:
        For each measure, way of counting and pair: ``tested``, ``anchor`` (a name, or
        `ENVELOPE`), ``measure`` and ``size`` as of `Curves`, ``percent``, ``low`` and ``high`` (on
        the measure's scale), ``points``, ``few_points``, ``interval`` (two numbers in per cent, or
        None).
    """
    records = []
    for measure in curves.measures:
        for size in curves.sizes:
            rivals = curves.known(curves.rivals, size, measure)
            for one in curves.known(curves.ours, size, measure) or ([] if curves.ours else rivals):
                groups = {found.line.name: [found] for found in rivals if found is not one}
                if len(groups) > 1:
                    groups[ENVELOPE] = [found for each in groups.values() for found in each]
                for anchor, some in groups.items():
                    pair = {"tested": one.line.name, "anchor": anchor, "measure": measure}
                    records.append({**pair, **_compared(curves, one, some, size, measure)})
    return records


def with_model(curves: Curves) -> list[dict[str, Any]]:
    """BD-rates over PSNR where what must be known beforehand is counted too, of both sides.

    Args:
        curves: of all lines.

    Returns:
        For each codec of the package, ``file`` and ``mosaic``, and each of `AMORTISED`, and
        None for not counted: ``tested``, ``anchor`` (`ENVELOPE`), ``shared_by`` (images that share
        the model, or None), and the rest as of `bd_records`.
    """
    records = []
    for one in curves.ours:
        for size in _COUNTED:
            for count in (None, *AMORTISED):
                if not curves.rivals:
                    continue
                pair = {"tested": one.line.name, "anchor": ENVELOPE, "shared_by": count}
                record = _compared(curves, one, curves.rivals, size, MAIN, count)
                records.append({**pair, **record})
    return records


def _compared(
    curves: Curves,
    tested: Found,
    anchors: Sequence[Found],
    size: str,
    measure: str,
    shared_by: int | None = None,
) -> dict[str, Any]:
    found = bd.compare(
        [curves.of(each, size, measure, shared_by) for each in anchors],
        curves.of(tested, size, measure, shared_by),
    )
    ends: tuple[float | None, float | None] = (None, None)
    if curves.ours and curves.repeats and found.percent is not None:
        rows = [curves.drawn(each, size, measure, shared_by) for each in anchors]
        drawn = curves.drawn(tested, size, measure, shared_by)
        ends = bd.interval(
            [bd.compare([row[i] for row in rows], curve).percent for i, curve in enumerate(drawn)]
        )
    return {
        "size": size,
        "percent": found.percent,
        "low": found.low,
        "high": found.high,
        "points": found.points,
        "few_points": found.few_points,
        "interval": None if ends[0] is None else list(ends),
    }
