"""buell2022: the paper's own runs, as its author published them, read from the tables beside this.

Source: L. Buell, https://github.com/landonbuell/Buell-ENGR6222-Summer2022, the repository that the
paper names. ``published-test-runs.csv`` has one line for each of its 50 runs: macro precision,
recall, F1 and accuracy of the predictions for the 14,000 held-out images, 5 digits.
``published-training-curves.csv`` has the running loss, precision and recall that Keras showed, and
the F1 of the latter two, after 21 of the 1,750 batches: means over the 10 runs of a case, 4 digits.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

RUNS = 10
"""Published runs of each case."""
BATCHES = 1750
"""Batches of each published training: 56,000 images, 32 each, one epoch."""
TEST_SCORES = ("precision", "recall", "f1", "accuracy")
CURVES = ("loss", "precision", "recall", "f1")


def _rows(name: str) -> list[dict[str, str]]:
    text = files("imgcomp.papers.buell2022").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def test_scores() -> Mapping[str, Mapping[str, tuple[float, ...]]]:
    """Case → score (`TEST_SCORES`, shares) → one number for each of the 10 runs."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in _rows("published-test-runs.csv"):
        case = found.setdefault(row["case"], {name: [] for name in TEST_SCORES})
        for name in TEST_SCORES:
            case[name].append(float(row[name if name == "accuracy" else f"{name}_macro"]))
    return {
        case: {name: tuple(values) for name, values in scores.items()}
        for case, scores in found.items()
    }


@cache
def training_curves() -> Mapping[str, Mapping[int, Mapping[str, float]]]:
    """Case → batch (1 … 1,750) → curve (`CURVES`) → its mean over the 10 runs."""
    found: dict[str, dict[int, dict[str, float]]] = {}
    for row in _rows("published-training-curves.csv"):
        case = found.setdefault(row["case"], {})
        case[int(row["batch"])] = {name: float(row[name]) for name in CURVES}
    return found
