"""donis2020: CIFAR-10 and CIFAR-100 as one data set, its parts, and the trainings' settings."""

from __future__ import annotations

from typing import Any

import torch

from imgcomp import datasets
from imgcomp.datasets import Dataset, Split
from imgcomp.papers.common import in_colour
from imgcomp.papers.experiment import Run

CODE_BITS = 128
"""Bits of the code of an image: 32 for each of 2×2 places."""
DRAW = 2020
"""Seed of the choice of images, the same for every seed of the run."""


def whole(run: Run) -> Dataset:
    """The run's images in colour and 32×32; CIFAR-10 with CIFAR-100 joined to it.

    Raises:
        DatasetError: CIFAR-100 is not to be had.
        UsageError: the images cannot be brought to 3×32×32.
    """
    found = run.dataset
    if found.name == "cifar-10" and run.settings.flag("both"):
        found = found + datasets.load("cifar-100", run.data_dir, offline=run.offline)
    return Dataset(found.name, in_colour(found.train), in_colour(found.test))


def rotated(split: Split) -> Split:
    """The images and, after them, the same turned by 90 degrees."""
    turned = torch.rot90(split.images, 1, (2, 3))
    return Split(
        torch.cat([split.images, turned]),
        torch.cat([split.labels, split.labels]),
        split.classes,
        f"{split.name}+rotated",
    )


def _part(split: Split, wanted: int, seed: int) -> Split:
    """So many images at random, or all where there are no more."""
    return split if wanted >= len(split) else split.subset(wanted, seed, stratified=False)


class Images:
    """The images of each purpose, made once.

    Attributes:
        test: What everything is measured on.
        reference: Training images whose statistics the bound and PCA know.
        sets: Per cent of the paper's 100,000 (50, 100, 200) → training images.
    """

    def __init__(self, run: Run) -> None:
        dataset = whole(run)
        s = run.settings
        train = _part(dataset.train, s.integer("images"), DRAW)
        self.test = _part(dataset.test, s.integer("test_images"), DRAW)
        self.reference = _part(dataset.train, s.integer("bound_images"), DRAW + 3)
        half = _part(train, max(len(train) // 2, 1), DRAW + 1)
        self.sets = {50: half, 100: train, 200: rotated(train)}
        self._measured = s.integer("measured_train")

    def measured(self, size: int) -> Split:
        """The training images of a set that are measured after each epoch."""
        return _part(self.sets[size], self._measured, DRAW + 2)


def network_config(
    run: Run, seed: int, *, activation: str = "leaky_relu", **changed: Any
) -> dict[str, Any]:
    """The configuration of a training.

    Args:
        run: The run.
        seed: Of the weights, of the order of the images and of the binarizer's draws.
        activation: As `imgcomp.models.donis2020` takes it.
        **changed: Fields of `imgcomp.FitConfig`.
    """
    from imgcomp import models

    s = run.settings
    epochs = s.integer("epochs")
    fit = {
        "seed": seed,
        "precision": run.precision,
        "objective": "ms_ssim",
        "optimizer": "adam",
        "lr": s.number("lr"),
        "batch_size": s.integer("batch"),
        "epochs": epochs,
        "keep_epochs": list(range(1, epochs)),
        **changed,
    }
    spec = models.donis2020(
        cell=s.word("cell"), activation=activation, initialization=s.word("initialization")
    ).spec
    return {"spec": spec, "seed": seed, "fit": fit, "device": run.device}
