"""Reconstructions class by class: PSNR, SSIM, MSE, and what a classifier still recognises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from imgcomp.papers.common import model_from
from imgcomp.papers.measures import PSNR_LIMIT
from imgcomp.report import Column, Table
from imgcomp.report.results import Cell
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split


@stage(version="1")
def judge_by_class(
    context: Context, classifier: Artifact, images: Artifact, test: Split
) -> Artifact:
    """Measure reconstructions class by class and let a classifier judge them.

    Config: ``names``: which tensors of `images` to judge, ``["images"]`` by default.

    Returns:
        Data: ``classes``: their names; ``counts``: test images of each; ``originals``: what the
        classifier makes of the test images, and ``found``: name → that and the errors of the
        reconstructions, or None where they do not exist because a training diverged. Both as
        measure → ``overall`` (mean over all images) and ``classes`` (one mean for each class, None
        where it has no image); the measures: ``accuracy`` (share), ``psnr`` (dB, peak 255, images
        without error counted as 99 dB), ``ssim`` and ``mse_8bit`` (squared grey levels).
    """
    network = model_from(classifier)
    found: dict[str, Any] = {}
    for name in context.config.get("names", ["images"]):
        shown = images.tensors.get(name)
        found[name] = (
            None
            if shown is None
            else _by_class({**_errors(test.images, shown), **_verdict(network, shown, test)}, test)
        )
    counts = torch.bincount(test.labels, minlength=len(test.classes))
    return Artifact(
        {},
        {
            "classes": list(test.classes),
            "counts": counts.tolist(),
            "originals": _by_class(_verdict(network, test.images, test), test),
            "found": found,
        },
    )


def _errors(originals: torch.Tensor, images: torch.Tensor) -> dict[str, torch.Tensor]:
    from imgcomp import metrics

    return {
        "psnr": metrics.psnr(originals, images).clamp(max=PSNR_LIMIT),
        "ssim": metrics.ssim(originals, images),
        "mse_8bit": metrics.mse(originals, images),
    }


def _verdict(network: Any, images: torch.Tensor, test: Split) -> dict[str, torch.Tensor]:
    right = network.predict(images).argmax(dim=1) == test.labels
    return {"accuracy": right.to(torch.float64)}


def _by_class(values: Mapping[str, torch.Tensor], test: Split) -> dict[str, Any]:
    """Measure → its means; values are float64 (N,)."""
    members = [test.labels == number for number in range(len(test.classes))]
    return {
        name: {
            "overall": float(each.mean()),
            "classes": [float(each[member].mean()) if member.any() else None for member in members],
        }
        for name, each in values.items()
    }


def per_class_table(
    repeats: Sequence[Mapping[str, Any]],
    name: str = "images",
    *,
    id: str,
    title: str,
    caption: str = "",
) -> Table:
    """The report's table of what `judge_by_class` found: a row for each class, and one for all.

    Args:
        repeats: The stage's data, one for each repeat; means over them are shown. Repeats where
            the training diverged are left out.
        name: Of the reconstructions.
        id: Of the table.
        title: Of the table.
        caption: What to say before the explanation of the columns.
    """
    there = [data for data in repeats if data["found"][name] is not None]
    rows: list[list[Cell]] = []
    if there:
        first = there[0]
        for place, title_of_row in enumerate(first["classes"]):
            rows.append([title_of_row, first["counts"][place], *_cells(there, name, place)])
        rows.append(["all", sum(first["counts"]), *_cells(there, name, None)])
    over = f", means over {len(there)} repeats" if len(there) > 1 else ""
    explained = (
        f"The test images{over}. PSNR (mean over images), SSIM and MSE on the 8-bit scale; "
        "accuracy: of a classifier trained on originals, on the originals and on the "
        "reconstructions."
    )
    return Table(
        id,
        title,
        f"{caption} {explained}".strip(),
        [
            Column("Class"),
            Column("Images", ",d"),
            Column("PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("MSE (8-bit)", ".1f"),
            Column("Accuracy on originals (%)", ".2f"),
            Column("on reconstructions (%)", ".2f"),
        ],
        rows,
    )


def _cells(repeats: Sequence[Mapping[str, Any]], name: str, place: int | None) -> list[Cell]:
    """The measures of the class at that place, or over all images."""

    def mean(parts: Sequence[Mapping[str, Any]]) -> float | None:
        values = [part["overall"] if place is None else part["classes"][place] for part in parts]
        return None if None in values else sum(values) / len(values)

    found = [data["found"][name] for data in repeats]
    shares = [
        mean([data["originals"]["accuracy"] for data in repeats]),
        mean([part["accuracy"] for part in found]),
    ]
    return [
        *(mean([part[measure] for part in found]) for measure in ("psnr", "ssim", "mse_8bit")),
        *(None if share is None else 100 * share for share in shares),
    ]
