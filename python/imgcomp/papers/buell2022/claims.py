"""buell2022: every claim of the paper and the rule that judges it, fixed before any run."""

from __future__ import annotations

from typing import Literal

from imgcomp.papers.buell2022 import published
from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.rules import Equivalent, SameMean
from imgcomp.report import Claim, Holds, Near
from imgcomp.report.claims import Rule, mean_and_std

TEST_MARGIN = 0.5
"""Points of F1: the paper reads its test scores to whole percents, “roughly 97 %”."""
CURVE_MARGIN = 2.0
"""Points of running F1, mean over the training: 2 % of the axis of the paper’s Figure 9."""
LOSS_MARGIN = 0.17
"""Nats of running loss: 2 % of the axis that the paper’s Figure 6 needs (8.6, its first batch)."""
SIZES: dict[str, tuple[float, str]] = {
    "cs1": (92.0, "“92 % as large”"),
    "cs2": (25.0, "“25 % of the original size”"),
    "cs3": (86.0, "“about 86 %”"),
    "cs4": (22.0, "“less than 22 %”"),
}
"""Case → (share of the pixels in %, the paper's words)."""
_SCORES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def _roughly_97() -> list[Claim]:
    return [
        Claim(
            f"{name}_test_{score}",
            "accuracy",
            "%",
            97.0,
            Near(1, "higher"),
            "Figures 10–12: “roughly 97 %” on the test images",
            f"{case.text}: macro {text}",
            1,
        )
        for name, case in CASES.items()
        for score, text in _SCORES.items()
    ]


def _published_runs(unscaled: bool) -> list[Claim]:
    found = []
    for name, case in CASES.items():
        mean, std = mean_and_std(published.test_scores()[name]["f1"])
        found.append(
            Claim(
                f"{name}_unscaled_f1" if unscaled else f"{name}_published_f1",
                "accuracy",
                "",
                round(mean, 6),
                SameMean(published.RUNS, 1e-6, "higher", std),
                "The paper’s 50 published runs, ours on unscaled bytes"
                if unscaled
                else "The paper’s 50 published runs, ours scaled as in the text",
                f"{case.text}: mean macro F1 on the test images",
                1,
            )
        )
    return found


def _published_curves(unscaled: bool) -> list[Claim]:
    sides: dict[str, Literal["lower", "higher"]] = {
        "loss": "lower",
        "precision": "higher",
        "recall": "higher",
    }
    how = "ours on unscaled bytes" if unscaled else "ours scaled as in the text"
    return [
        Claim(
            f"{name}_unscaled_curve_{curve}" if unscaled else f"{name}_curve_{curve}",
            "loss" if curve == "loss" else "accuracy",
            "nats" if curve == "loss" else "",
            published.training_curves()[name][published.BATCHES][curve],
            SameMean(published.RUNS, 1e-4, side),
            f"The published training histories after their last batch (1,750), {how}",
            f"{case.text}: running {curve}",
            1,
        )
        for name, case in CASES.items()
        for curve, side in sides.items()
    ]


def _first_losses() -> list[Claim]:
    return [
        Claim(
            f"{name}_first_curve_loss",
            "loss",
            "nats",
            published.training_curves()[name][1]["loss"],
            SameMean(published.RUNS, 1e-4, "lower"),
            "Section II: scaled images; the published histories after their first batch",
            f"{case.text}: running loss of scaled images",
            1,
        )
        for name, case in CASES.items()
    ]


def _little_deviation() -> list[Claim]:
    found = []
    for name in POOLED:
        case = CASES[name]
        rows: list[tuple[str, str, str, float, str]] = [
            ("f1_gap", "accuracy", "points", TEST_MARGIN, "macro F1 on the test images"),
            (
                "curve_f1_gap",
                "accuracy",
                "points",
                CURVE_MARGIN,
                "running F1, mean over the first epoch’s batches",
            ),
            (
                "curve_loss_gap",
                "loss",
                "nats",
                LOSS_MARGIN,
                "running loss, mean over the first epoch’s batches",
            ),
        ]
        found += [
            Claim(
                f"{name}_{ending}",
                kind,
                unit,
                0.0,
                Equivalent(margin),
                "Section VI: “little deviation from the baseline”",
                f"{case.text} minus baseline: {text}",
                1,
            )
            for ending, kind, unit, margin, text in rows
        ]
    return found


def _sizes() -> list[Claim]:
    found = []
    for name, (share, words) in SIZES.items():
        # Shares are cut, not rounded, in the paper (92.98 is its 92): a whole unit of the last
        # digit is allowed.
        rule: Rule = Holds("<") if words.startswith("“less") else Near(2, None)
        found.append(
            Claim(
                f"{name}_pixels",
                "size",
                "%",
                share,
                rule,
                "Section V: sizes of the shrunk images",
                f"{CASES[name].text}: pixels, {words}",
            )
        )
    return found


CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in [
        *_roughly_97(),
        *_published_runs(unscaled=False),
        *_published_curves(unscaled=False),
        *_first_losses(),
        *_published_runs(unscaled=True),
        *_published_curves(unscaled=True),
        *_little_deviation(),
        *_sizes(),
    ]
}
