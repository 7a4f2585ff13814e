"""kawaguchi2022: its settings, its images, and the trainings that its claims are about."""

from __future__ import annotations

from typing import Any

from imgcomp.datasets import Split, proportional
from imgcomp.papers.common import train
from imgcomp.papers.experiment import Run, scaled_epoch
from imgcomp.papers.kawaguchi2022.networks import check_images, model_1, model_2
from imgcomp.papers.kawaguchi2022.stages import train_living
from imgcomp.papers.settings import Option
from imgcomp.stages import Stage

PAPER_EPOCHS = 30
"""Of model 1's longer training; its first epochs are the shorter one."""
PAPER_SHORT = 10
PAPER_EPOCHS_2 = 20
SMALL = "model2-code2"
"""Model 2 with as many values in its code as model 1 has."""
SHOWN = 64
"""Test images kept of the shorter training, for the figures."""

OPTIONS: tuple[Option, ...] = (
    Option(
        "m1_images",
        "images that model 1 is trained and validated on",
        50000,
        quick=4000,
        smoke=400,
        least=50,
        most=50000,
    ),
    Option(
        "validation_share",
        "share of model 1’s images that it is validated on",
        0.2,
        chosen="not printed; a fifth, drawn anew for each seed, so that the spread over seeds "
        "covers the choice",
        least=0.02,
        most=0.9,
    ),
    Option(
        "m1_epochs",
        "epochs of model 1’s longer training; after a third of them stands the shorter one",
        30,
        quick=18,
        smoke=3,
        least=1,
    ),
    Option("m1_lr", "learning rate of model 1’s SGD", 0.01, least=0),
    Option(
        "m1_batch",
        "batch size of model 1",
        4,
        chosen="not printed; as in the PyTorch tutorial that the paper’s drawing function comes "
        "from. With the 20 of another tutorial, a rate of 0.01 takes longer than the paper’s 10 "
        "epochs to leave the start: shown beside it",
        least=1,
    ),
    Option(
        "m1_tries",
        "initialisations of model 1 at most, until one has live channels before its training",
        100,
        chosen="the paper does not speak of dead channels; the rule and the counts are in the "
        "report",
        least=1,
    ),
    Option(
        "m1_trainings",
        "trainings of model 1 at most, until one keeps its channels alive",
        8,
        smoke=2,
        chosen="the paper does not speak of dead channels; the rule and the counts are in the "
        "report",
        least=1,
    ),
    Option("m2_train", "training images of model 2", 50000, quick=5000, smoke=400, least=1),
    Option(
        "test_images",
        "test images: model 2’s validation, and what all reconstructions are judged on",
        10000,
        quick=2000,
        smoke=200,
        chosen="model 2’s public code takes the test images for validation; nothing is chosen by "
        "them",
        least=10,
        most=10000,
    ),
    Option("m2_epochs", "epochs of model 2", 20, quick=10, smoke=3, least=1),
    Option(
        "m2_lr",
        "learning rate of model 2’s Adam",
        1e-3,
        chosen="not printed; Adam’s default, as in the public code",
        least=0,
    ),
    Option(
        "m2_batch",
        "batch size of model 2",
        32,
        chosen="not printed; as in the public code",
        least=1,
    ),
)


def splits_1(run: Run, seed: int) -> tuple[Split, Split]:
    """Model 1's training and validation images of a seed."""
    count = proportional(run.settings.integer("m1_images"), 50000, len(run.dataset.train))
    images = run.dataset.train
    if count < len(images):
        images = images.subset(count, seed)
    return images.split(1.0 - run.settings.number("validation_share"), seed)


def splits_2(run: Run, seed: int) -> tuple[Split, Split]:
    """Model 2's training images of a seed, and the test images, the same for all seeds."""
    count = proportional(run.settings.integer("m2_train"), 50000, len(run.dataset.train))
    images = run.dataset.train
    return (images.subset(count, seed) if count < len(images) else images), test_images(run)


def test_images(run: Run) -> Split:
    """The test images that reconstructions are judged on."""
    count = proportional(run.settings.integer("test_images"), 10000, len(run.dataset.test))
    images = run.dataset.test
    return images.subset(count) if count < len(images) else images


def short_epochs(run: Run) -> int:
    """Epochs of model 1's shorter training."""
    return scaled_epoch(PAPER_SHORT, PAPER_EPOCHS, run.settings.integer("m1_epochs"))


def config_1(
    run: Run,
    seed: int,
    *,
    epochs: int | None = None,
    trainings: int | None = None,
    may_diverge: bool = False,
    network: dict[str, Any] | None = None,
    **fit: Any,
) -> dict[str, Any]:
    """The configuration of a training of model 1.

    Args:
        run: The run.
        seed: Of the first initialisation, and of the order of the images.
        epochs: Another number of epochs than the setting's; then no epoch is kept.
        trainings: How many at most, until one keeps its channels; by default the setting's.
        may_diverge: A loss that is not finite is a result and no error.
        network: Arguments of `model_1`.
        **fit: Changed fields of `imgcomp.FitConfig`.
    """
    s = run.settings
    spec = model_1(run.dataset.image_shape, **(network or {}))
    fields: dict[str, Any] = {
        "seed": seed,
        "precision": run.precision,
        "objective": "mse",
        "optimizer": "sgd",
        "lr": s.number("m1_lr"),
        "batch_size": s.integer("m1_batch"),
        "epochs": epochs or s.integer("m1_epochs"),
        "keep_best": "val_loss",
    }
    if epochs is None:
        # With keep_best this is the best network of the first epochs: the shorter training's.
        fields["keep_epochs"] = [short_epochs(run)]
    return {
        "spec": spec,
        "seed": seed,
        "tries": s.integer("m1_tries"),
        "trainings": trainings or s.integer("m1_trainings"),
        "fit": {**fields, **fit},
        "device": run.device,
        "may_diverge": may_diverge,
    }


def config_2(run: Run, seed: int, code_channels: int = 64) -> dict[str, Any]:
    """The configuration of a training of model 2."""
    s = run.settings
    return {
        "spec": model_2(run.dataset.image_shape, code_channels),
        "seed": seed,
        "fit": {
            "seed": seed,
            "precision": run.precision,
            "objective": "mse",
            "optimizer": "adam",
            "lr": s.number("m2_lr"),
            "batch_size": s.integer("m2_batch"),
            "epochs": s.integer("m2_epochs"),
        },
        "device": run.device,
    }


def cost_1(images: int, epochs: int) -> float:
    """Rough seconds of a training of model 1 on one core."""
    return 0.0006 * images * epochs


def main_trainings(run: Run) -> list[Stage]:
    """What the claims are about: both models and `SMALL`; labels are ``train/NAME/seedN``.

    Raises:
        UsageError: the data set's images do not fit.
    """
    check_images(run.dataset.image_shape, run.dataset.name)
    found = []
    # They start before everything else, model 1 first.
    first = 1e6
    for seed in run.seeds:
        training, validation = splits_1(run, seed)
        found.append(
            train_living(
                f"train/model1/seed{seed}",
                config_1(run, seed),
                cost=2 * first - seed,
                train=training,
                validation=validation,
            )
        )
        training, validation = splits_2(run, seed)
        for channels, label in ((64, "model2"), (2, SMALL)):
            found.append(
                train(
                    f"train/{label}/seed{seed}",
                    config_2(run, seed, channels),
                    cost=first * channels / 64 - seed,
                    train=training,
                    validation=validation,
                )
            )
    return found
