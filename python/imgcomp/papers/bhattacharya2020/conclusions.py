"""bhattacharya2020: from the finished stages to judged claims, curves and the report's parts."""

from __future__ import annotations

from imgcomp.papers.bhattacharya2020.claims import (
    CLAIMS,
    DENOISER_LOSS,
    LOSSES,
    SHORT,
)
from imgcomp.papers.bhattacharya2020.figures import figures
from imgcomp.papers.bhattacharya2020.findings import findings
from imgcomp.papers.bhattacharya2020.numbers import Numbers, mean
from imgcomp.papers.bhattacharya2020.tables import PIXELS, tables
from imgcomp.papers.bhattacharya2020.tables_beyond import beyond_tables
from imgcomp.papers.experiment import Run
from imgcomp.report import Choice, JudgedClaim, Outcome
from imgcomp.stages import Artifacts

_CURVES = ("loss", "psnr", "val_loss", "val_psnr", "accuracy", "val_accuracy", "seconds")


def conclude(run: Run, artifacts: Artifacts) -> Outcome:
    """Judge every claim and gather what the report shows."""
    numbers = Numbers(run, artifacts)
    sizes = {}
    for name in numbers.names:
        parts = numbers.splits(name)
        for purpose, images in (
            ("train", parts.train),
            ("validation", parts.validation),
            ("test", parts.test),
        ):
            sizes[f"{name.replace('-', '_')}_{purpose}"] = len(images)
    return Outcome(
        claims=_judge(numbers),
        findings=findings(numbers),
        tables=[*tables(numbers), *beyond_tables(numbers)],
        figures=figures(numbers),
        curves=_curves(numbers, artifacts),
        sizes=sizes,
        choices=_CHOICES,
    )


def stands_for(numbers: Numbers, name: str) -> str | None:
    """The data set of this run that a claim about one of the paper's is judged on.

    Another data set, that the run was asked to use, stands for Fashion-MNIST.
    """
    if name in numbers.names:
        return name
    return numbers.main if name == "fashion-mnist" and numbers.main not in LOSSES else None


def claim_values(numbers: Numbers) -> dict[str, list[float]]:
    """Claim id → our values, one per seed, or per seed of the denoising instance."""
    values: dict[str, list[float]] = {}
    for name in LOSSES:
        ours = stands_for(numbers, name)
        if ours is None:
            continue
        losses = numbers.final(f"autoencoder-{ours}", "loss")
        validation = numbers.final(f"autoencoder-{ours}", "val_loss")
        values[f"{SHORT[name]}_loss"] = losses
        values[f"{SHORT[name]}_validation_gap"] = [
            100 * abs(v - loss) / loss for v, loss in zip(validation, losses, strict=True)
        ]
    count = len(numbers.seeds)
    for part, parameters in numbers.parameters().items():
        values[f"{part}_parameters"] = [float(parameters)] * count
    values["compression_factor"] = [numbers.code_values() / PIXELS] * count
    seeds = numbers.denoiser_seeds
    validation = numbers.final(numbers.denoiser(), "val_loss", seeds)
    values["denoiser_loss"] = numbers.final(numbers.denoiser(), "loss", seeds)
    values["dead_denoiser_loss"] = numbers.final("dead-denoiser", "val_loss", seeds)
    values["constant_loss"] = [numbers.variance(numbers.main, "test", "constant")] * count
    values["denoiser_loss_ratio"] = [
        loss / before
        for loss, before in zip(validation, numbers.input_losses("validation"), strict=True)
    ]
    values["denoiser_gain"] = [
        found["after"]["psnr"] - found["before"]["psnr"]
        for found in numbers.denoised("denoiser", "test")
    ]
    return values


def _judge(numbers: Numbers) -> list[JudgedClaim]:
    values = claim_values(numbers)
    epochs = numbers.run.settings.integer("epochs")
    disproof = _no_denoising(numbers, values)
    found = []
    for name, claim in CLAIMS.items():
        if name not in values:
            continue
        epoch = None
        if claim.paper_epoch is not None:
            epoch = numbers.denoiser_epochs if name.startswith("denoiser") else epochs
        found.append(
            claim.judge(
                values[name], epoch=epoch, disproof=disproof if name == "denoiser_loss" else ""
            )
        )
    return found


def _no_denoising(numbers: Numbers, values: dict[str, list[float]]) -> str:
    """What shows that a network with the stated loss has not removed any noise; "" if nothing."""
    constant = values["constant_loss"][0]
    ours, dead = mean(values["denoiser_loss"]), mean(values["dead_denoiser_loss"])
    inputs = mean(numbers.input_losses("train"))
    same = max(abs(value - DENOISER_LOSS) for value in (constant, dead)) < 1e-3
    if not same or max(values["denoiser_loss"]) > DENOISER_LOSS / 4 or inputs > DENOISER_LOSS / 4:
        return ""
    return (
        f"0.124 is the loss of an output that does not depend on the input: a constant has "
        f"{constant:.4f} on the test images, the same network with a dead code {dead:.4f}. The "
        f"reconstructions that it was to improve have {inputs:.4f}, and trained well it reaches "
        f"{ours:.4f}."
    )


def _curves(numbers: Numbers, artifacts: Artifacts) -> dict[str, dict[str, list[float | None]]]:
    """The record of every training; of the denoising instance, that of the last part."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for label in artifacts:
        short = label.removeprefix("train/")
        if short == label:
            continue
        if short.startswith("denoiser-to-") and not short.startswith(numbers.denoiser()):
            continue
        record = numbers.record(short)
        name = short.replace(numbers.denoiser(), "denoiser")
        found[name] = {
            "epoch": [float(epoch) for epoch in range(1, len(record["loss"]) + 1)],
            **{metric: record[metric] for metric in _CURVES if metric in record},
        }
    return found


_CHOICES = (
    Choice(
        "",
        "encoder 128 50 | 32 32 30 | 20 10 1; decoder 10 28 32 | 32 32 48 | 128 1",
        "output channels of the convolutions, a bar where the size changes",
        "not printed; the text has the order of the layers, and that the numbers fall from 128 to "
        "1 and rise again; these give both totals of parameters exactly",
    ),
    Choice(
        "",
        "nearest",
        "upsampling",
        "not said; Keras’ default",
    ),
    Choice(
        "",
        "ReLU, as in all layers but the output",
        "activation of the code",
        "so the text has it",
    ),
    Choice(
        "",
        "[0, 1]",
        "scale of the images",
        "“dividing by 255”; the output’s tanh could go down to −1",
    ),
    Choice(
        "",
        "the first weights’ seed is the repeat’s; where the code is dead, 1000 is added",
        "initial weights",
        "ours; the paper says nothing of dead codes",
    ),
    Choice(
        "",
        "rounded to 8 bits",
        "reconstructions that the denoising instance is given",
        "not said; an image file could hold them",
    ),
    Choice(
        "",
        "the images that the autoencoder was trained on, and those it was validated with",
        "images of the denoising instance",
        "not said; “a newly generated dataset consisting of the reconstructed images and the "
        "original images”",
    ),
    Choice(
        "",
        "the same for all repeats",
        "the images of training and validation",
        "ours; so that the spread over the repeats is that of the weights and of the order",
    ),
)
