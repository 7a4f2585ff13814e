"""toderici2017: the images of each purpose, the photographs, and the trainings' settings."""

from __future__ import annotations

from typing import Any

from imgcomp import datasets
from imgcomp.datasets import Photographs, Split
from imgcomp.errors import DatasetNotFoundError
from imgcomp.papers.common import in_colour
from imgcomp.papers.experiment import Run

SIDE = 32
"""Pixels of a tile's side: what the networks are trained on."""
DRAW = 2017
"""Seed of the choice of images, the same for every seed of the run."""


def _part(split: Split, wanted: int, seed: int) -> Split:
    """So many images at random, or all where there are no more."""
    return split if wanted >= len(split) else split.subset(wanted, seed, stratified=False)


class Images:
    """The images of each purpose, made once.

    Attributes:
        train: What every network is trained on.
        validation: Training images kept apart, measured after each epoch.
        test: What rates and distortions are measured on.
        photographs: The same, in whole multiples of 32 pixels; None where there are none.
    """

    def __init__(self, run: Run) -> None:
        s = run.settings
        whole = in_colour(run.dataset.train, SIDE)
        wanted, apart = s.integer("images"), s.integer("validation_images")
        chosen = _part(whole, wanted + apart, DRAW)
        # Where the data set is small, the parts shrink together.
        count = max(1, len(chosen) * apart // (wanted + apart))
        self.validation, self.train = chosen[:count], chosen[count:]
        self.test = _part(in_colour(run.dataset.test, SIDE), s.integer("test_images"), DRAW + 1)
        self.photographs = photographs(run)


def photographs(run: Run) -> Photographs | None:
    """The run's photographs, cut to whole tiles, or None where none are wanted.

    Raises:
        DatasetError: they are not to be had, or too small.
    """
    wanted = run.settings.word("photographs")
    if wanted == "none":
        return None
    if wanted in ("kodak", "auto"):
        try:
            found = datasets.kodak(run.data_dir)
        except DatasetNotFoundError:
            if wanted == "kodak":
                raise
            return None
    else:
        found = datasets.photographs(wanted)
    count = min(run.settings.integer("photograph_count"), len(found))
    return found.take(count).cropped(SIDE)


def network_config(run: Run, cell: str, reconstruction: str, seed: int) -> dict[str, Any]:
    """The configuration of a training.

    Args:
        run: The run.
        cell: As `imgcomp.models.toderici2017` takes it.
        reconstruction: As `imgcomp.models.toderici2017` takes it.
        seed: Of the weights, of the order of the images and of the binarizer's draws.
    """
    from imgcomp import models

    s = run.settings
    model = models.toderici2017(
        cell,
        reconstruction,
        width=s.number("width"),
        iterations=s.integer("iterations"),
        initialization=s.word("initialization"),
    )
    fit = {
        "seed": seed,
        "precision": run.precision,
        "objective": "l1",
        "optimizer": "adam",
        "lr": s.number("lr"),
        "schedule": "cosine",
        "grad_clip": s.number("grad_clip"),
        "batch_size": s.integer("batch"),
        "epochs": s.integer("epochs"),
    }
    return {"spec": model.spec, "seed": seed, "fit": fit, "device": run.device}
