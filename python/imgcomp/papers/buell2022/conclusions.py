"""buell2022: from the finished stages to judged claims, curves and the report's parts."""

from __future__ import annotations

import numpy as np

from imgcomp.papers.buell2022 import published
from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.claims import CLAIMS, SIZES
from imgcomp.papers.buell2022.figures import figures
from imgcomp.papers.buell2022.findings import findings
from imgcomp.papers.buell2022.numbers import Numbers
from imgcomp.papers.buell2022.tables import tables
from imgcomp.papers.experiment import Run
from imgcomp.report import Choice, JudgedClaim, Outcome
from imgcomp.report.claims import mean_and_std
from imgcomp.stages import Artifacts


def conclude(run: Run, artifacts: Artifacts) -> Outcome:
    """Judge every claim and gather what the report shows."""
    numbers = Numbers(run, artifacts)
    return Outcome(
        claims=_judge(numbers),
        findings=findings(numbers),
        tables=tables(numbers),
        figures=figures(numbers),
        curves=_curves(numbers),
        sizes={"train": numbers.train_images, "test": numbers.test_images},
        choices=_CHOICES,
    )


def claim_values(numbers: Numbers) -> dict[str, list[float]]:
    """Claim id → our values, one per repeat."""
    values: dict[str, list[float]] = {}
    for name in CASES:
        for score in ("precision", "recall", "f1"):
            found = numbers.scores(name, score)
            values[f"{name}_test_{score}"] = [100 * value for value in found]
        values[f"{name}_published_f1"] = numbers.scores(name, "f1")
        for curve in ("loss", "precision", "recall"):
            values[f"{name}_curve_{curve}"] = numbers.curve(name, curve)[:, -1].tolist()
        values[f"{name}_first_curve_loss"] = numbers.curve(name, "loss")[:, 0].tolist()
        if numbers.unscaled:
            other = f"unscaled-{name}"
            values[f"{name}_unscaled_f1"] = numbers.scores(other, "f1")
            for curve in ("loss", "precision", "recall"):
                last = numbers.curve(other, curve)[:, -1].tolist()
                values[f"{name}_unscaled_curve_{curve}"] = last
    base = {curve: numbers.curve("baseline", curve).mean(axis=1) for curve in ("f1", "loss")}
    base_f1 = np.asarray(numbers.scores("baseline"))
    height, width = numbers.run.dataset.image_shape[1:]
    for name in POOLED:
        gaps = 100 * (np.asarray(numbers.scores(name)) - base_f1)
        values[f"{name}_f1_gap"] = gaps.tolist()
        curve_gaps = 100 * (numbers.curve(name, "f1").mean(axis=1) - base["f1"])
        values[f"{name}_curve_f1_gap"] = curve_gaps.tolist()
        loss_gaps = numbers.curve(name, "loss").mean(axis=1) - base["loss"]
        values[f"{name}_curve_loss_gap"] = loss_gaps.tolist()
    for name in SIZES:
        case = CASES[name]
        share = 100.0 * case.side(height) * case.side(width) / (height * width)
        values[f"{name}_pixels"] = [share] * len(numbers.seeds)
    return values


def _judge(numbers: Numbers) -> list[JudgedClaim]:
    values = claim_values(numbers)
    epochs = numbers.run.settings.integer("epochs")
    disproofs = _disproofs(numbers, values)
    found = []
    for name, claim in CLAIMS.items():
        if name not in values:  # an experiment that this run leaves out
            continue
        epoch = (1 if "_curve_" in name else epochs) if claim.paper_epoch else None
        found.append(claim.judge(values[name], epoch=epoch, disproof=disproofs.get(name, "")))
    return found


def _disproofs(numbers: Numbers, values: dict[str, list[float]]) -> dict[str, str]:
    """Claim id → what shows that the published runs cannot have seen scaled images.

    The loss of the first batch is that of untrained networks, so that it does not matter for how
    long and on how many images this run trains.
    """
    found: dict[str, str] = {}
    if not numbers.unscaled or len(numbers.seeds) < 2:
        return found
    for name in CASES:
        claim = CLAIMS[f"{name}_first_curve_loss"]
        unscaled = numbers.curve(f"unscaled-{name}", "loss")[:, 0].tolist()
        judged = (
            claim.rule.judge(claim.paper, values[claim.id]),
            claim.rule.judge(claim.paper, unscaled),
        )
        if judged[0] == "agrees" or judged[1] != "agrees":
            continue
        scaled, raw = mean_and_std(values[claim.id]), mean_and_std(unscaled)
        found[claim.id] = (
            f"A network that has learnt nothing has a loss of {scaled[0]:.2f} ± {scaled[1]:.2f} on "
            f"scaled images, and of {raw[0]:.1f} ± {raw[1]:.1f} on unscaled bytes, with the same "
            "initial weights: the published runs were not scaled."
        )
    return found


def shown_batches(batches: int, count: int = 120) -> list[int]:
    """Batches at which curves are written down: the published ones and others, evenly in log."""
    places = {batch for batch in published.training_curves()["baseline"] if batch <= batches}
    places |= {round(value) for value in np.geomspace(1, batches, count)}
    return sorted({*places, batches})


def _curves(numbers: Numbers) -> dict[str, dict[str, list[float | None]]]:
    """Running curves of the first epoch, means over the repeats; records of the longer runs."""
    places = shown_batches(numbers.batches)
    found: dict[str, dict[str, list[float | None]]] = {}
    names = [*CASES, *(f"unscaled-{name}" for name in CASES if numbers.unscaled)]
    for name in names:
        found[name] = {"batch": [float(place) for place in places]}
        for curve in published.CURVES:
            mean = numbers.curve(name, curve).mean(axis=0)
            found[name][f"running_{curve}"] = [float(mean[place - 1]) for place in places]
    for name in numbers.long_runs():
        for seed in numbers.repeats("long_repeats"):
            scores = numbers.scores_by_epoch(name, [seed])[0]
            found[f"{name}/seed{seed}"] = {
                "epoch": [float(epoch) for epoch in range(1, len(scores) + 1)],
                "loss": numbers.history(name, seed, "loss"),
                "test_f1": scores.tolist(),
            }
    return found


_CHOICES = (
    Choice(
        "",
        "scaled, then pooled, then interpolated",
        "order of the preprocessing",
        "not said; the order of the published runs",
    ),
    Choice(
        "",
        "(x − mean) / std for each pixel, only the mean subtracted where std is 0",
        "the “standard-scaling”",
        "as scikit-learn’s StandardScaler does it; the published histories were made without",
    ),
    Choice(
        "",
        "the corners of both grids on each other",
        "where the spline takes its values",
        "not said; as scipy.interpolate.RectBivariateSpline on evenly spaced grids gives them",
    ),
    Choice(
        "",
        "the training and the test images together",
        "the 70,000 images",
        "MNIST-784 comes in one piece from the library that the paper names",
    ),
    Choice(
        "",
        "repeat r has seed r for the split, the weights and the order of the images, in every case",
        "random states",
        "the text says that they change; the same ones in every case make pairs of runs",
    ),
    Choice(
        "",
        "Glorot-uniform, biases 0",
        "initial weights",
        "not printed; Keras’ default",
    ),
    Choice(
        "",
        "as Keras counts: outputs above ½ against one-hot targets, pooled over classes, running "
        "over the epoch",
        "precision and recall while training",
        "the published histories are Keras’; F1 is that of both",
    ),
    Choice(
        "",
        "macro average of the likeliest class",
        "precision, recall and F1 on the test images",
        "“average over all classes”; the published runs have the same figures",
    ),
)
