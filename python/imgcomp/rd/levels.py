"""Lines at equal quality, and at the rate at which the best rival has lost some of its accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from imgcomp.rd import bd
from imgcomp.rd.curves import Curves
from imgcomp.rd.scales import ACCURACY, SCALES

DROP = 5.0
"""Points of accuracy that the best rival has lost."""
_STEP = 2
_HIGHEST = 50.0


def at_quality(curves: Curves, originals_accuracy: float | None) -> list[dict[str, Any]]:
    """Rates of all lossy lines at equal quality.

    Args:
        curves: of all lines.
        originals_accuracy: a share; None where nothing was classified.

    Returns:
        For each measure, level and line: ``line``, ``measure``, ``level`` on the measure's scale,
        and the bits per pixel of each way of counting, None where its curve does not reach it.
        Levels that no line has are left out. Of PSNR every 2 dB, else the levels of `SCALES`.
    """
    records = []
    for measure in curves.measures:
        found = {
            (each.line.name, size): curves.of(each, size, measure)
            for size in curves.sizes
            for each in curves.known(curves.lossy, size, measure)
        }
        for level in _levels(measure, list(found.values()), originals_accuracy):
            for each in curves.lossy:
                places = [(size, found.get((each.line.name, size))) for size in curves.sizes]
                rates = {
                    size: None if curve is None else curve.rate_at(level) for size, curve in places
                }
                if any(rate is not None for rate in rates.values()):
                    name = each.line.name
                    records.append({"line": name, "measure": measure, "level": level, **rates})
    return records


def _levels(
    measure: str, found: Sequence[bd.Curve], originals_accuracy: float | None
) -> Sequence[float]:
    levels = SCALES[measure].levels
    if measure == ACCURACY:
        return [100 * (originals_accuracy or 0.0) - lost for lost in levels]
    if levels or not found:
        return levels
    low = min(curve.low for curve in found)
    high = min(_HIGHEST, max(curve.high for curve in found))
    return range(_STEP * math.ceil(low / _STEP), math.floor(high) + 1, _STEP)


def fallen(curves: Curves, originals: torch.Tensor | None) -> list[dict[str, Any]]:
    """What is still recognised at the rate at which the best rival has lost `DROP` points.

    The best rival is the one that keeps so much at the lowest rate; one whose coarsest setting
    keeps more is taken there. Accuracies are those of a classifier trained on originals, between
    points by interpolation; of a line they are the best with at most so many bits.

    Args:
        curves: of all lines.
        originals: float64 (N,), 1 where an original is recognised, else 0; None where nothing was
            classified.

    Returns:
        For each way of counting that some rival has: ``size``, ``drop``, ``rival``, ``rate`` in
        bits per pixel, ``rival_fallen`` in points, and for each lossy line in ``lines``: ``line``,
        ``accuracy`` in per cent, ``fallen`` in points (below 0: more is recognised than of the
        originals) and its ``interval``; None where it needs more bits at its coarsest.
    """
    if originals is None:
        return []
    records = []
    whole = 100 * float(originals.mean())
    drawn = 100 * curves.draws(len(originals)) @ originals.numpy()
    for size in curves.sizes:
        lossy = curves.known(curves.lossy, size, ACCURACY)
        rivals = [each for each in lossy if not each.line.ours]
        if not rivals:
            continue
        found = {each.line.name: curves.of(each, size, ACCURACY) for each in lossy}
        rows = {each.line.name: curves.drawn(each, size, ACCURACY) for each in lossy}
        names = [each.line.name for each in rivals]
        best = _best([found[name] for name in names], whole - DROP)
        if best is None:
            continue
        place, rate, kept = best
        again = [
            _best([rows[name][i] for name in names], level - DROP) for i, level in enumerate(drawn)
        ]
        records.append(
            {
                "size": size,
                "drop": DROP,
                "rival": names[place],
                "rate": rate,
                "rival_fallen": whole - kept,
                "lines": [
                    {
                        "line": name,
                        **_fallen(curve.best_within(rate), whole),
                        "interval": _interval(
                            [
                                None if one is None else _lost(row.best_within(one[1]), level)
                                for one, row, level in zip(again, rows[name], drawn, strict=True)
                            ]
                        ),
                    }
                    for name, curve in found.items()
                ],
            }
        )
    return records


def _best(rivals: Sequence[bd.Curve], level: float) -> tuple[int, float, float] | None:
    """Which rival keeps a level at the lowest rate, that rate, and what it keeps there."""
    found: list[tuple[float, int, float]] = []
    for place, curve in enumerate(rivals):
        kept = max(level, curve.low)
        rate = curve.rate_at(kept)
        if rate is not None:
            found.append((rate, place, kept))
    if not found:
        return None
    rate, place, kept = min(found)
    return place, rate, kept


def _lost(accuracy: float | None, whole: float) -> float | None:
    return None if accuracy is None else whole - accuracy


def _fallen(accuracy: float | None, whole: float) -> dict[str, float | None]:
    return {"accuracy": accuracy, "fallen": _lost(accuracy, whole)}


def _interval(values: Sequence[float | None]) -> list[float] | None:
    low, high = bd.interval(values)
    return None if low is None or high is None else [low, high]
