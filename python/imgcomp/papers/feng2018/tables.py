"""feng2018: methods beside trivial rivals, the sweep over SGD rates, the accounting."""

from __future__ import annotations

from collections.abc import Mapping

from imgcomp.papers.accounting import Coded, Sent, accounting_table
from imgcomp.papers.feng2018.claims import TABLE_3
from imgcomp.papers.feng2018.experiment import METHODS, RIVALS, WELL, sweep_points
from imgcomp.papers.feng2018.numbers import TRAINED, Numbers
from imgcomp.report import Column, Table
from imgcomp.report.claims import mean_and_std

INPUT_BYTES = 28 * 28
NAMES = {
    **TRAINED,
    "constant": "a constant (the mean grey)",
    "mean": "the mean image",
    "pca-40": "PCA, 40 values",
    "pca-400": "PCA, 400 values",
    "originals": "the originals",
}
"""Label → name for people, rivals included."""
CODE_VALUES = {label: 40 if label.startswith("cnn") else 400 for label in TRAINED}


def _mean(values: list[float]) -> float:
    return mean_and_std(values)[0]


def code_values(numbers: Numbers, label: str) -> int:
    """Numbers that a method or rival sends per image."""
    return numbers.rival_values(label) if label in RIVALS else CODE_VALUES[label]


def tables(numbers: Numbers) -> list[Table]:
    """The report's tables."""
    return [_comparison(numbers), _accounting(numbers), _orders(numbers), _sweep(numbers)]


def _comparison(numbers: Numbers) -> Table:
    rows: list[list[float | int | str | None]] = []
    for label in (*TRAINED, *RIVALS):
        trained = label in TRAINED
        rows.append(
            [
                NAMES[label],
                code_values(numbers, label),
                numbers.parameters(label) if trained else None,
                _mean(numbers.error(label, "mse")),
                _mean(numbers.error(label, "psnr")),
                _mean(numbers.judged(label, "loss")),
                _mean(numbers.judged(label, "accuracy")),
                TABLE_3[label][1] if label in TABLE_3 else None,
                _mean(numbers.training_seconds(label)) if trained else None,
            ]
        )
    rows.append(
        [
            NAMES["originals"],
            INPUT_BYTES,
            None,
            0.0,
            None,
            _mean(numbers.judged("originals", "loss")),
            _mean(numbers.judged("originals", "accuracy")),
            None,
            None,
        ]
    )
    return Table(
        "methods_and_rivals",
        "Methods and trivial rivals",
        "Means over the seeds, on the test images, all rounded to 8 bits. MSE is on the scale "
        "[0, 1]; PSNR is the mean over images. Values: in the code. Loss (nats) and accuracy: the "
        "classifier’s, with the paper’s accuracy beside ours. “Well trained” is the same network "
        "with the second regime’s settings.",
        [
            Column("Method"),
            Column("Values", ",d"),
            Column("Parameters", ",d"),
            Column("Test MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
            Column("Loss", ".4f"),
            Column("Acc. (%)", ".1f"),
            Column("Paper (%)", ".0f"),
            Column("Train. (s)", ".1f"),
        ],
        rows,
    )


def sent(numbers: Numbers, labels: Mapping[str, str] = TRAINED) -> list[Sent]:
    """The test images as codes of networks: label → name for people, by default of all."""
    networks = [Coded(name, numbers.sent(label)) for label, name in labels.items()]
    return [Sent(numbers.run.dataset.name, numbers.sent("images"), networks)]


def _accounting(numbers: Numbers) -> Table:
    return accounting_table(
        sent(numbers),
        "The paper counts values. As the floats that they are, the ANNs’ 400 take twice the bytes "
        "of the image; the accuracies above are those of such codes.",
    )


def _orders(numbers: Numbers) -> Table:
    def order(labels: tuple[str, ...], what: str) -> str:
        if what == "mse":
            ranked = sorted(labels, key=lambda label: _mean(numbers.error(label, "mse")))
            shown = [f"{_mean(numbers.error(label, 'mse')):.4f}" for label in ranked]
        else:
            ranked = sorted(labels, key=lambda label: -_mean(numbers.judged(label, "accuracy")))
            shown = [f"{_mean(numbers.judged(label, 'accuracy')):.1f} %" for label in ranked]
        names = [METHODS[label.removesuffix("-well")] for label in ranked]
        return " → ".join(f"{name} {value}" for name, value in zip(names, shown, strict=True))

    s = numbers.run.settings
    under, well = tuple(METHODS), tuple(WELL)
    return Table(
        "orders",
        "The order of the methods in both regimes",
        "From best to worst. The networks are the same in both rows, only how they are trained "
        "differs.",
        [Column("Regime"), Column("By test MSE"), Column("By the classifier’s accuracy")],
        [
            [
                f"as chosen for the paper’s: SGD {s.number('ann_lr'):g}, momentum "
                f"{s.number('ann_momentum'):g}; Adam {s.number('cnn_lr'):g}",
                order(under, "mse"),
                order(under, "accuracy"),
            ],
            [
                f"well trained: SGD {s.number('well_lr'):g}, momentum "
                f"{s.number('well_momentum'):g}; Adam {s.number('cnn_well_lr'):g}, cosine",
                order(well, "mse"),
                order(well, "accuracy"),
            ],
        ],
    )


def _sweep(numbers: Numbers) -> Table:
    rows: list[list[float | int | str | None]] = []
    for method, momentum, rate in sweep_points(numbers.run):
        point = numbers.sweep(method, momentum, rate)
        head: list[float | int | str | None] = [METHODS[method], momentum, rate]
        if point is None:
            rows.append([*head, None, None, None, None, "diverged"])
            continue
        note = "collapsed" if point["collapsed"] else ""
        rows.append(
            [*head, point["train_mse"], point["mse"], point["loss"], point["accuracy"], note]
        )
    return Table(
        "sweep",
        "The sweep over SGD rates",
        f"At the end of {numbers.run.settings.integer('ae_epochs')} epochs, seed "
        f"{numbers.seeds[0]}. Momentum m multiplies the effective rate by about 1/(1 − m).",
        [
            Column("Network"),
            Column("Momentum", "g"),
            Column("Rate", "g"),
            Column("Training MSE", ".5f"),
            Column("Test MSE", ".5f"),
            Column("Classifier’s loss", ".4f"),
            Column("Accuracy (%)", ".1f"),
            Column("Note"),
        ],
        rows,
    )
