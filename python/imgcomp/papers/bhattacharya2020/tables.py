"""bhattacharya2020: the paper's own experiments as tables, with rivals and the accounting."""

from __future__ import annotations

from imgcomp.papers.accounting import Coded, Sent, accounting_table
from imgcomp.papers.bhattacharya2020.data import shown_name
from imgcomp.papers.bhattacharya2020.numbers import Numbers, mean
from imgcomp.papers.per_class import per_class_table
from imgcomp.report import Column, Table
from imgcomp.report.results import Cell

PIXELS = 28 * 28


def rival_name(rival: str) -> str:
    """A trivial rival's name for people."""
    names = {"constant": "a constant (the mean grey)", "mean": "the mean image"}
    return names.get(rival) or f"PCA, {rival.removeprefix('pca-')} values"


def tables(numbers: Numbers) -> list[Table]:
    """The tables of the paper's own experiments."""
    return [
        _comparison(numbers),
        *(_classes(numbers, name) for name in numbers.names),
        _accounting(numbers),
        _tries(numbers),
        _denoising(numbers),
        *_denoised_classes(numbers),
    ]


def _comparison(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for name in numbers.names:
        label = f"autoencoder-{name}"
        rows.append(
            [
                shown_name(name),
                "autoencoder",
                numbers.code_values(),
                mean(numbers.test_loss(label)),
                *(mean(numbers.judged(label, what)) for what in ("psnr", "ssim", "accuracy")),
            ]
        )
        rows += [
            [
                shown_name(name),
                rival_name(rival),
                int(numbers.rival(name, rival, "values")),
                numbers.rival(name, rival, "loss"),
                *(numbers.rival(name, rival, what) for what in ("psnr", "ssim", "accuracy")),
            ]
            for rival in numbers.rivals
        ]
        rows.append(
            [
                shown_name(name),
                "the originals",
                PIXELS,
                0.0,
                None,
                1.0,
                numbers.rival(name, "originals", "accuracy"),
            ]
        )
    return Table(
        "methods_and_rivals",
        "The autoencoder and trivial rivals on the test images",
        "Means over the seeds. MSE on the scale [0, 1]; PSNR: mean over images; accuracy: of a "
        "classifier trained on originals. PCA is computed from the images that the autoencoder "
        "is trained on.",
        [
            Column("Data"),
            Column("Method"),
            Column("Values", ",d"),
            Column("Test MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("Accuracy (%)", ".1f"),
        ],
        rows,
    )


def _classes(numbers: Numbers, name: str) -> Table:
    return per_class_table(
        numbers.by_class(f"autoencoder-{name}"),
        id=f"classes_{name.replace('-', '_')}",
        title=f"Reconstructions of {shown_name(name)}, class by class",
    )


def sent(numbers: Numbers) -> list[Sent]:
    """The test images of each data set as codes of its autoencoder."""
    return [
        Sent(
            shown_name(name),
            [numbers.data(f"bytes/images-{name}/all")],
            [Coded("the autoencoder’s code", numbers.sent(name))],
        )
        for name in numbers.names
    ]


def _accounting(numbers: Numbers) -> Table:
    return accounting_table(
        sent(numbers),
        "The paper’s compression factor of 0.0625 counts values, 49 of 784. As the floats that the "
        "network computes they take a quarter of the image’s bytes, 0.0625 of them with 8 bits "
        "each, and what the stream takes with fewer.",
    )


_DEAD = {"before": "dead before training", "training": "died", "": "lives"}


def _tries(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for label, data in numbers.tries().items():
        for number, one in enumerate(data["tries"], start=1):
            final = number == len(data["tries"])
            rows.append(
                [
                    label if number == 1 else "",
                    one["seed"],
                    _DEAD[one["dead"]] + (", kept" if one["dead"] and final else ""),
                    one["epoch"] if one["dead"] else None,
                    one["loss"],
                    one["val_loss"],
                    data["zeros"]["values"] if final else None,
                ]
            )
    levels = "; ".join(
        f"{shown_name(name)}: {numbers.variance(name, 'validation', 'constant'):.4f} for a "
        f"constant, {numbers.variance(name, 'validation', 'mean'):.4f} for the mean image"
        for name in numbers.names
    )
    return Table(
        "tries",
        "Which weights each training ended with",
        "The code is looked at before the training and after each epoch; where it is zero for at "
        "least 99 % of the probe images, the training begins again with the next seed of the "
        "weights, 1000 further on. After: the epoch after which the code was found dead; losses "
        f"are those of the last epoch. Validation losses without any code: {levels}.",
        [
            Column("Training"),
            Column("Weights’ seed", "d"),
            Column("Code"),
            Column("After", "d"),
            Column("Training loss", ".5f"),
            Column("Validation loss", ".5f"),
            Column("Zeros in the code", ".3f"),
        ],
        rows,
    )


def _denoising(numbers: Numbers) -> Table:
    main, seeds = numbers.main, numbers.denoiser_seeds

    def quality(instance: str, image: str) -> list[Cell]:
        return [
            mean(numbers.judged(f"{instance}-{part}", what, seeds, image))
            for part in ("test", "train")
            for what in ("psnr", "ssim", "accuracy")
        ]

    rows: list[list[Cell]] = [
        [
            "reconstructions, as they are",
            None,
            mean(numbers.input_losses("train")),
            mean(numbers.input_losses("validation")),
            *quality("denoiser", "inputs"),
        ]
    ]
    for name, label, instance in (
        ("denoising instance, trained well", numbers.denoiser(), "denoiser"),
        ("denoising instance, dead code", "dead-denoiser", "dead-denoiser"),
    ):
        rows.append(
            [
                name,
                len(numbers.history(f"{label}/seed{seeds[0]}", "loss")),
                mean(numbers.final(label, "loss", seeds)),
                mean(numbers.final(label, "val_loss", seeds)),
                *quality(instance, "images"),
            ]
        )
    for name, kind in (("the best constant", "constant"), ("the mean image", "mean")):
        rows.append(
            [
                name,
                None,
                numbers.variance(main, "train", kind),
                numbers.variance(main, "validation", kind),
                *(numbers.rival(main, kind, what) for what in ("psnr", "ssim", "accuracy")),
                None,
                None,
                None,
            ]
        )
    rows.append(
        [
            "originals",
            None,
            0.0,
            0.0,
            None,
            1.0,
            mean(numbers.judged("denoiser-test", "accuracy", seeds, "originals")),
            None,
            1.0,
            mean(numbers.judged("denoiser-train", "accuracy", seeds, "originals")),
        ]
    )
    return Table(
        "denoising",
        f"The denoising instance on reconstructions of {shown_name(main)}",
        "The paper states a loss of 0.124. Losses: mean squared errors on the scale [0, 1], of the "
        "training as the mean over the last epoch. Train: as many training images as there are "
        "test images; the classifier was trained on them too.",
        [
            Column("Output"),
            Column("Epochs", "d"),
            Column("Training loss", ".5f"),
            Column("Validation loss", ".5f"),
            Column("Test: PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("Accuracy (%)", ".1f"),
            Column("Train: PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("Accuracy (%)", ".1f"),
        ],
        rows,
    )


def _denoised_classes(numbers: Numbers) -> list[Table]:
    return [
        per_class_table(
            numbers.by_class("denoiser-test", numbers.denoiser_seeds),
            id="classes_denoised",
            title=f"Denoised reconstructions of {shown_name(numbers.main)}, class by class",
            caption="What the denoising instance, trained well, makes of the reconstructions.",
        )
    ]
