"""bhattacharya2020: the images of each purpose, and the configurations of the trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imgcomp import datasets
from imgcomp.datasets import Dataset, Split, proportional
from imgcomp.errors import UsageError
from imgcomp.papers.experiment import Run

NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
"""The paper's data sets: name → name for people."""
PAPER_VALIDATION = 2000
CODE_VALUES = 49
"""Values of the paper's code, 7×7×1."""


@dataclass(frozen=True)
class Splits:
    """Images by purpose."""

    train: Split
    validation: Split
    test: Split


def shown_name(name: str) -> str:
    """A data set's name for people."""
    return NAMES.get(name, name)


def other_name(run: Run) -> str | None:
    """The other one of the paper's data sets, where the run has one and is to use both."""
    others = {"mnist": "fashion-mnist", "fashion-mnist": "mnist"}
    return others.get(run.dataset.name) if run.settings.flag("both") else None


def dataset_names(run: Run) -> list[str]:
    """The data sets that are compressed; the run's own first, on which all else is tried too."""
    other = other_name(run)
    return [run.dataset.name] if other is None else [run.dataset.name, other]


def load(run: Run, name: str) -> Dataset:
    """One of `dataset_names`.

    Raises:
        DatasetError: it is not to be had.
        UsageError: its images are not 28×28 gray.
    """
    found = run.dataset
    if name != run.dataset.name:
        found = datasets.load(name, run.data_dir, offline=run.offline)
    if tuple(found.image_shape) != (1, 28, 28):
        shape = "×".join(str(size) for size in found.image_shape)
        raise UsageError(
            f"bhattacharya2020 needs images of 1×28×28 values, those of {name} have {shape}"
        )
    return found


def splits(run: Run, dataset: Dataset) -> Splits:
    """The images that are trained on, validated with and tested on; the same for every seed."""
    s = run.settings
    source = dataset.train.subset(min(s.integer("images"), len(dataset.train)))
    test = dataset.test.subset(min(s.integer("test_images"), len(dataset.test)))
    if s.word("split") == "80/20":
        train, validation = source.split(0.8, seed=0)
    else:
        train, validation = source, test.subset(proportional(PAPER_VALIDATION, 10000, len(test)))
    return Splits(train, validation, test)


def fit_config(run: Run, seed: int, **changed: Any) -> dict[str, Any]:
    """Fields of `imgcomp.FitConfig` as the paper trains, with those changed that are given."""
    s = run.settings
    return {
        "seed": seed,
        "precision": run.precision,
        "objective": "mse",
        "optimizer": "adam",
        "lr": s.number("lr"),
        "batch_size": s.integer("batch"),
        "epochs": s.integer("epochs"),
        **changed,
    }


def network_config(
    run: Run, seed: int, *, channels: int = 1, initialization: str = "", **changed: Any
) -> dict[str, Any]:
    """The configuration of a training of the paper's network.

    Args:
        run: The run.
        seed: Of the first weights that are tried, and of the order of the images.
        channels: Of the code.
        initialization: Another one than the run's.
        **changed: Fields of `imgcomp.FitConfig`.
    """
    from imgcomp import models

    s = run.settings
    spec = models.bhattacharya2020(code_channels=channels).spec
    spec["initialization"] = initialization or s.word("initialization")
    return {
        "spec": spec,
        "seed": seed,
        "tries": s.integer("tries"),
        "probe": s.integer("probe"),
        "fit": fit_config(run, seed, **changed),
        "device": run.device,
    }
