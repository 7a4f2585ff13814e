"""kawaguchi2022: from the finished stages to judged claims, curves and the report's parts."""

from __future__ import annotations

from imgcomp.papers.experiment import Run
from imgcomp.papers.kawaguchi2022.claims import CLAIMS
from imgcomp.papers.kawaguchi2022.experiment import SMALL, splits_1, splits_2
from imgcomp.papers.kawaguchi2022.figures import figures
from imgcomp.papers.kawaguchi2022.findings import findings
from imgcomp.papers.kawaguchi2022.networks import code_values
from imgcomp.papers.kawaguchi2022.numbers import Numbers
from imgcomp.papers.kawaguchi2022.tables import tables
from imgcomp.report import Choice, JudgedClaim, Outcome
from imgcomp.report.claims import mean_and_std
from imgcomp.stages import Artifacts

_CURVES = ("loss", "psnr", "val_loss", "val_psnr", "accuracy", "val_accuracy", "seconds")


def conclude(run: Run, artifacts: Artifacts) -> Outcome:
    """Judge every claim and gather what the report shows."""
    numbers = Numbers(run, artifacts)
    training, validation = splits_1(run, run.seeds[0])
    second, test = splits_2(run, run.seeds[0])
    return Outcome(
        claims=_judge(numbers),
        findings=findings(numbers),
        tables=tables(numbers),
        figures=figures(numbers),
        curves=_curves(numbers, artifacts),
        sizes={
            "model1_train": len(training),
            "model1_validation": len(validation),
            "model2_train": len(second),
            "test": len(test),
        },
        choices=_CHOICES,
    )


def claim_values(numbers: Numbers) -> dict[str, tuple[list[float], int | None]]:
    """Claim id → our values, one per seed, and the epoch that they belong to."""
    short, long = numbers.short, numbers.run.settings.integer("m1_epochs")
    values: dict[str, tuple[list[float], int | None]] = {
        "model1_epoch10_loss": (numbers.at("model1", "loss", short), short),
        "model1_epoch30_loss": (numbers.at("model1", "loss", long), long),
    }
    early = [numbers.best("model1", short, seed) for seed in numbers.seeds]
    late = [numbers.best("model1", long, seed) for seed in numbers.seeds]
    values["model1_epoch10_val_loss"] = (early, short)
    drops = [first - last for first, last in zip(early, late, strict=True)]
    values["model1_val_loss_drop"] = (drops, long)
    gaps = zip(numbers.excesses(long, True), numbers.excesses(long, False), strict=True)
    values["model1_generalisation_gap"] = ([ours - theirs for ours, theirs in gaps], long)
    for paper_epoch in (10, 20):
        epoch = numbers.epoch_2(paper_epoch)
        for name in ("loss", "val_loss"):
            found = numbers.at("model2", name, epoch)
            values[f"model2_epoch{paper_epoch}_{name}"] = (found, epoch)
    leads = zip(numbers.error("model2", "psnr"), numbers.error("model1", "psnr"), strict=True)
    last = numbers.epoch_2(20)
    values["model2_psnr_lead"] = ([ours - theirs for ours, theirs in leads], last)
    leads = zip(numbers.error(SMALL, "psnr"), numbers.error("model1", "psnr"), strict=True)
    values["model2_equal_bits_lead"] = ([ours - theirs for ours, theirs in leads], last)
    specs = {name: numbers.spec(name) for name in ("model1", "model2")}
    layers = {name: _convolutions(spec) for name, spec in specs.items()}
    count = len(numbers.seeds)
    values["model2_layers"] = ([float(layers["model2"] - layers["model1"])] * count, None)
    ratio = numbers.parameters("model2") / numbers.parameters("model1")
    values["model2_parameters"] = ([ratio] * count, None)
    for name, spec in specs.items():
        share = code_values(spec) / _image_bytes(spec)
        values[f"{name}_code_share"] = ([share] * count, None)
    return values


def _convolutions(spec: dict[str, object]) -> int:
    parts = spec["parts"]
    assert isinstance(parts, dict)
    return sum(str(layer["kind"]).startswith("conv") for part in parts.values() for layer in part)


def _image_bytes(spec: dict[str, object]) -> int:
    shape = spec["input_shape"]
    assert isinstance(shape, list)
    count = 1
    for size in shape:
        count *= int(size)
    return count


def _judge(numbers: Numbers) -> list[JudgedClaim]:
    values = claim_values(numbers)
    disproofs = _disproofs(numbers)
    return [
        claim.judge(values[name][0], epoch=values[name][1], disproof=disproofs.get(name, ""))
        for name, claim in CLAIMS.items()
    ]


def _disproofs(numbers: Numbers) -> dict[str, str]:
    """Claim id → what shows that the statement cannot hold, whatever is trained."""
    found = {}
    spec = numbers.spec("model2")
    values, size = code_values(spec), _image_bytes(spec)
    if values > size:
        found["model2_code_share"] = (
            f"Model 2’s code has {values:,} values where the image has {size:,} bytes: it expands, "
            f"{values / size:.1f} times if a value took one byte, {4 * values / size:.1f} times as "
            "the 32-bit floats that they are."
        )
    ratio = numbers.parameters("model2") / numbers.parameters("model1")
    if ratio > 1:
        found["model2_parameters"] = (
            f"Model 2 has {numbers.parameters('model2'):,} trainable values, model 1 "
            f"{numbers.parameters('model1'):,}: fewer layers, but wider ones."
        )
    return found


def _curves(numbers: Numbers, artifacts: Artifacts) -> dict[str, dict[str, list[float | None]]]:
    found: dict[str, dict[str, list[float | None]]] = {}
    for label in artifacts:
        step, _, name = label.partition("/")
        record = artifacts[label].data["history"] if step == "train" else {}
        if not record or name.startswith("sweep-"):
            continue
        found[name] = {
            "epoch": [float(epoch) for epoch in range(1, len(record["loss"]) + 1)],
            **{metric: list(record[metric]) for metric in _CURVES if metric in record},
        }
    return found


def mean(values: list[float]) -> float:
    """The mean over seeds."""
    return mean_and_std(values)[0]


_CHOICES = (
    Choice(
        "",
        "one training",
        "model 1’s 10 and 30 epochs",
        "the paper trains twice; a training of 30 epochs begins with the same 10, so one is run, "
        "and the network with the lowest validation loss of the first 10 epochs is kept beside "
        "that of all 30",
    ),
    Choice(
        "",
        "other weights",
        "what happens where channels die",
        "the paper does not speak of it; an initialisation is given up when a channel of the "
        "output, or half of the code’s, is the same for each of 256 training images, before the "
        "training or after an epoch; the next one’s seed is higher by 1000",
    ),
    Choice(
        "",
        "PyTorch’s and Chainer’s",
        "how weights are drawn",
        "as the frameworks do that the two models are written in",
    ),
)
