"""feng2018: from the finished stages to judged claims, findings and tables."""

from __future__ import annotations

from imgcomp.papers.accounting import real_bytes
from imgcomp.papers.experiment import Run, scaled_epoch
from imgcomp.papers.feng2018.claims import (
    CLAIMS,
    FIGURE_7,
    TABLE_2,
    TABLE_3,
    WELL_TRAINED_RATIO,
)
from imgcomp.papers.feng2018.experiment import (
    METHODS,
    PAPER_EPOCHS,
    WELL,
    autoencoder_splits,
    classifier_splits,
    paper_epochs,
)
from imgcomp.papers.feng2018.extras import Extras, extra_findings
from imgcomp.papers.feng2018.extras.figures import extra_figures
from imgcomp.papers.feng2018.extras.tables import extra_tables
from imgcomp.papers.feng2018.figures import figures
from imgcomp.papers.feng2018.numbers import TRAINED, Numbers
from imgcomp.papers.feng2018.tables import sent, tables
from imgcomp.report import Choice, JudgedClaim, Outcome
from imgcomp.report.claims import mean_and_std
from imgcomp.stages import Artifacts

_CURVES = ("loss", "psnr", "val_loss", "val_psnr", "accuracy", "val_accuracy", "seconds")


def conclude(run: Run, artifacts: Artifacts) -> Outcome:
    """Judge every claim and gather what the report shows."""
    numbers = Numbers(run, artifacts)
    autoencoder_train, autoencoder_test = autoencoder_splits(run, run.seeds[0])
    classifier_train, classifier_test = classifier_splits(run)
    sizes = {
        "autoencoders_train": len(autoencoder_train),
        "autoencoders_test": len(autoencoder_test),
        "classifier_train": len(classifier_train),
        "classifier_test": len(classifier_test),
    }
    # A short training on few images proves nothing about the paper's.
    full = sizes["autoencoders_train"] >= 5000 and run.settings.integer("ae_epochs") >= PAPER_EPOCHS
    extras = Extras(run, artifacts) if run.settings.flag("extras") else None
    return Outcome(
        claims=_judge(run, numbers, full),
        findings=[*_findings(numbers), *(extra_findings(extras) if extras else [])],
        tables=[*tables(numbers), *(extra_tables(extras) if extras else [])],
        figures=[*figures(numbers), *(extra_figures(extras) if extras else [])],
        curves=_curves(numbers),
        sizes=sizes,
        choices=_CHOICES,
    )


def _judge(run: Run, numbers: Numbers, full: bool) -> list[JudgedClaim]:
    values: dict[str, list[float]] = {}
    epochs: dict[str, int] = {}
    used = paper_epochs(run, [row[0] for row in TABLE_2])
    for (epoch, _, _), ours in zip(TABLE_2, used, strict=True):
        loss, accuracy = f"classifier_epoch{epoch}_loss", f"classifier_epoch{epoch}_accuracy"
        values[loss] = numbers.at_epoch("classifier", "loss", ours)
        values[accuracy] = [
            100 * value for value in numbers.at_epoch("classifier", "val_accuracy", ours)
        ]
        epochs[loss] = epochs[accuracy] = ours
    accuracies = {label: numbers.judged(label, "accuracy") for label in TRAINED}
    losses = {label: numbers.final(label, "loss") for label in TRAINED}
    seconds = {method: numbers.training_seconds(method) for method in METHODS}
    for method in TABLE_3:
        values[f"{method}_loss"] = numbers.judged(method, "loss")
        values[f"{method}_accuracy"] = accuracies[method]
        values[f"{method}_training_seconds"] = seconds[method]

    count = range(len(run.seeds))
    for method in FIGURE_7:
        values[f"{method}_loss_rank"] = [
            1.0 + sum(losses[other][i] < losses[method][i] for other in METHODS) for i in count
        ]
    values["cnn_accuracy_rank"] = [
        1.0 + sum(accuracies[other][i] > accuracies["cnn"][i] for other in METHODS) for i in count
    ]
    values["lowest_accuracy"] = [min(accuracies[method][i] for method in METHODS) for i in count]
    values["ann_shared_accuracy_gap"] = [
        abs(accuracies["ann"][i] - accuracies["shared"][i]) for i in count
    ]
    values["shared_lead_seconds"] = [
        min(seconds["cnn"][i], seconds["ann"][i]) - seconds["shared"][i] for i in count
    ]
    for method in METHODS:
        values[f"{method}_loss_ratio"] = [
            losses[method][i] / max(losses[f"{method}-well"][i], 1e-12) for i in count
        ]
    cnns = [label for label in TRAINED if label.startswith("cnn")]
    anns = [label for label in TRAINED if label not in cnns]
    values["cnn_quality_lead"] = [
        max(accuracies[label][i] for label in cnns) - max(accuracies[label][i] for label in anns)
        for i in count
    ]
    for method, size in (("cnn", 40), ("ann", 400)):
        rival = numbers.judged(f"pca-{size}", "accuracy")
        values[f"{method}_over_pca"] = [accuracies[method][i] - rival[i] for i in count]

    disproofs = _disproofs(numbers, values) if full else {}
    last = scaled_epoch(PAPER_EPOCHS, PAPER_EPOCHS, run.settings.integer("ae_epochs"))
    return [
        claim.judge(values[name], epoch=epochs.get(name, last), disproof=disproofs.get(name, ""))
        for name, claim in CLAIMS.items()
    ]


def _mean(values: list[float]) -> float:
    return mean_and_std(values)[0]


def _disproofs(numbers: Numbers, values: dict[str, list[float]]) -> dict[str, str]:
    """Claim id → the experiment of this run that speaks against the statement in every seed."""
    s = numbers.run.settings
    found = {}
    sgd = f"SGD at {s.number('well_lr'):g} and momentum {s.number('well_momentum'):g}"
    adam = f"Adam from {s.number('cnn_well_lr'):g} along a cosine"
    for method in METHODS:
        name = f"{method}_loss_ratio"
        if min(values[name]) > WELL_TRAINED_RATIO:
            found[name] = (
                f"With {adam if method == 'cnn' else sgd} the same network reaches a training loss "
                f"{_mean(values[name]):.1f} times lower in as many epochs."
            )
    if max(values["cnn_quality_lead"]) < 0:
        anns = [label for label in WELL if label != "cnn-well"]
        best = max(anns, key=lambda label: _mean(numbers.judged(label, "accuracy")))
        cnn = max(_mean(numbers.judged(label, "accuracy")) for label in ("cnn", "cnn-well"))
        found["cnn_quality_lead"] = (
            f"Trained well, the {METHODS[best.removesuffix('-well')]} reaches "
            f"{_mean(numbers.judged(best, 'accuracy')):.1f} %, the CNN "
            f"{cnn:.1f} % at best: the order is one of under-trained "
            "SGD, and the ANNs’ code is ten times larger."
        )
    for method, size in (("cnn", 40), ("ann", 400)):
        if max(values[f"{method}_over_pca"]) < 0:
            found[f"{method}_over_pca"] = (
                f"PCA with the same {size} values, on the same images, is judged right in "
                f"{_mean(numbers.judged(f'pca-{size}', 'accuracy')):.1f} %, the {METHODS[method]} "
                f"in {_mean(numbers.judged(method, 'accuracy')):.1f} %."
            )
    return found


def _findings(numbers: Numbers) -> list[str]:
    accuracy = {label: _mean(numbers.judged(label, "accuracy")) for label in TRAINED}
    error = {label: _mean(numbers.error(label, "mse")) for label in TRAINED}
    pca = {size: _mean(numbers.error(f"pca-{size}", "mse")) for size in (40, 400)}
    originals = _mean(numbers.judged("originals", "accuracy"))
    found = [
        "With SGD as chosen for the paper’s, the classifier judges "
        + ", ".join(f"{accuracy[label]:.1f} % ({METHODS[label]})" for label in METHODS)
        + f" of the reconstructed test images right, and {originals:.1f} % of the originals.",
        "Trained to the end in as many epochs, the same networks reach "
        + ", ".join(f"{accuracy[f'{label}-well']:.1f} % ({METHODS[label]})" for label in METHODS)
        + "; their test MSE falls from "
        + ", ".join(f"{error[label]:.4f}" for label in METHODS)
        + " to "
        + ", ".join(f"{error[f'{label}-well']:.4f}" for label in METHODS)
        + ".",
        f"PCA, without any training by gradients, has MSE {pca[40]:.4f} with the CNN’s number of "
        f"values (40) and {pca[400]:.4f} with the ANNs’ (400).",
        real_bytes(sent(numbers, WELL)),
    ]
    collapsed = numbers.collapsed()
    found.append(
        f"Collapsed to one output for every input: {', '.join(collapsed)}."
        if collapsed
        else "No network collapsed to one output for every input."
    )
    return found


def _curves(numbers: Numbers) -> dict[str, dict[str, list[float | None]]]:
    found: dict[str, dict[str, list[float | None]]] = {}
    for label in ("classifier", *TRAINED):
        for seed in numbers.seeds:
            record = numbers.record(label, seed)
            length = len(record["loss"])
            found[f"{label}/seed{seed}"] = {
                "epoch": [float(epoch) for epoch in range(1, length + 1)],
                **{metric: record[metric] for metric in _CURVES if metric in record},
            }
    return found


_CHOICES = (
    Choice(
        "",
        "conv 3×3 stride 3 padding 1, pool 2, conv 3×3 stride 2 padding 1, pool 2 stride 1; "
        "deconv 3×3 stride 2 (25), 5×5 stride 3 padding 1 (10), 2×2 stride 2 padding 1 (1)",
        "strides of the CNN autoencoder",
        "not printed; these give the sizes that are: 28×28 to 2×2 and back",
    ),
    Choice(
        "",
        "ReLU inside, sigmoid at the output",
        "activations of the CNN autoencoder",
        "not printed; the sigmoid matches inputs in [0, 1]",
    ),
    Choice(
        "",
        "a third deconvolution to one channel",
        "last layer of the CNN autoencoder",
        "the text names two, which leave 10 channels; something has to bring 28×28×1",
    ),
    Choice(
        "",
        "[0, 1]",
        "scale of the autoencoders’ inputs",
        "not printed; a sigmoid at the output needs it",
    ),
    Choice(
        "",
        "rounded to 8 bits",
        "reconstructions before the classifier sees them",
        "the text stores images as files; JPEG’s own loss is left out",
    ),
    Choice(
        "",
        "running mean over the epoch, dropout active",
        "what “training loss” is",
        "not said; so it is measured in the example that the classifier follows",
    ),
    Choice(
        "",
        "PyTorch’s defaults",
        "initial weights",
        "not said; the classifier’s source is a PyTorch example",
    ),
)
