"""buell2022: its settings and its stages, one training per repeat and case."""

from __future__ import annotations

import contextlib
from typing import Any

from imgcomp import datasets
from imgcomp.datasets import Split
from imgcomp.errors import DatasetNotFoundError, DownloadError
from imgcomp.papers.buell2022.cases import CASES, POOLED, recipe
from imgcomp.papers.buell2022.stages import inspect_inputs, train_and_test
from imgcomp.papers.experiment import Run
from imgcomp.papers.settings import Option
from imgcomp.stages import Stage

EXTRA_DATA = {"fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
"""The data sets of the paper's future work: name → name for people."""
COMPRESSED = 10_000
"""Images that are handed to compressors for the accounting."""

_OURS = "not in the paper; ours"

OPTIONS: tuple[Option, ...] = (
    Option(
        "images",
        "images in all, at most; a smaller data set gives all it has",
        70000,
        quick=12000,
        smoke=1200,
        least=100,
    ),
    Option("train_share", "share of the images to train on", 0.8, least=0.1, most=0.9),
    Option("epochs", "epochs", 1, least=1, chosen="not said; the published histories have one"),
    Option(
        "batch",
        "batch size",
        32,
        chosen="not printed; the published histories have 1,750 batches for 56,000 images",
        least=1,
    ),
    Option(
        "lr",
        "learning rate of Adam",
        1e-3,
        chosen="not printed; Keras’ default",
        least=0,
    ),
    Option(
        "fit_on",
        "images that the scaling is computed from",
        "all",
        words=("all", "train"),
    ),
    Option("order", "order of the spline", 1, least=0, most=5),
    Option(
        "unscaled",
        "whether everything is also run on unscaled bytes, 0 to 255",
        True,
        chosen="not in the paper; the published histories begin as only unscaled bytes do",
    ),
    Option(
        "long_repeats",
        "repeats of the longer training; 0 leaves it out",
        2,
        quick=1,
        smoke=1,
        chosen=_OURS,
        least=0,
    ),
    Option("long_epochs", "epochs of the longer training", 10, quick=5, smoke=2, least=2),
    Option(
        "long_cases",
        "cases of the longer training; 0 is the baseline",
        (0.0, 2.0, 4.0),
        chosen="ours; the cases that lose most pixels",
        least=0,
        most=4,
    ),
    Option(
        "order_repeats",
        "repeats with other orders of the spline; 0 leaves them out",
        3,
        quick=1,
        smoke=1,
        chosen=_OURS,
        least=0,
    ),
    Option("orders", "other orders of the spline", (0.0, 3.0, 5.0), chosen=_OURS, least=0, most=5),
    Option(
        "order_cases",
        "cases with other orders",
        (2.0, 4.0),
        chosen="ours; the cases that lose most pixels",
        least=1,
        most=4,
    ),
    Option(
        "scaling_repeats",
        "repeats with the scaling computed from the other set of images; 0 leaves them out",
        3,
        quick=1,
        smoke=1,
        chosen=_OURS,
        least=0,
    ),
    Option(
        "stored_repeats",
        "repeats with pooled images rounded to bytes; 0 leaves them out",
        3,
        quick=1,
        smoke=1,
        chosen="not in the paper; ours, because 25 % in bytes needs bytes",
        least=0,
    ),
    Option(
        "data_repeats",
        "repeats on other data sets; 0 leaves them out",
        3,
        quick=1,
        smoke=1,
        chosen="the paper’s future work",
        least=0,
    ),
    Option(
        "extra_data",
        "where the other data sets may come from",
        "download",
        quick="local",
        smoke="local",
        chosen="local: only where they lie on this machine already",
        words=("download", "local"),
    ),
)


def pool(run: Run, dataset: datasets.Dataset | None = None) -> Split:
    """All images of a data set, training and test ones in one, as many as the settings say."""
    source = run.dataset if dataset is None else dataset
    whole = source.train + source.test
    count = run.settings.integer("images")
    return whole if count >= len(whole) else whole.subset(count, seed=0)


def _local_only(run: Run) -> bool:
    return bool(run.offline) or run.settings.word("extra_data") == "local"


def extra_names(run: Run) -> list[str]:
    """The other data sets that the run asks for."""
    if not run.settings.integer("data_repeats"):
        return []
    return [name for name in EXTRA_DATA if name != run.dataset.name]


def extra_datasets(run: Run) -> dict[str, datasets.Dataset]:
    """Those of the other data sets that are to be had."""
    found: dict[str, datasets.Dataset] = {}
    offline = True if _local_only(run) else run.offline
    for name in extra_names(run):
        with contextlib.suppress(DatasetNotFoundError, DownloadError):
            found[name] = datasets.load(name, run.data_dir, offline=offline)
    return found


def why_left_out(run: Run) -> str:
    """Why a data set that the run asks for may be missing."""
    if _local_only(run):
        return "it does not lie on this machine, and downloads were not allowed"
    return "it could not be found or downloaded"


def repeats(run: Run, key: str) -> tuple[int, ...]:
    """The seeds of an experiment that has its own number of repeats: the run's first ones."""
    return run.seeds[: run.settings.integer(key)]


def chosen_cases(run: Run, key: str) -> list[str]:
    """The cases that a setting lists by number."""
    wanted = {int(number) for number in run.settings.numbers(key)}
    return [name for number, name in enumerate(CASES) if number in wanted]


def chosen_orders(run: Run) -> list[int]:
    """The other orders of the spline, without the run's own."""
    own = run.settings.integer("order")
    return [int(order) for order in run.settings.numbers("orders") if int(order) != own]


def other_fit_on(run: Run) -> str:
    """What the scaling is computed from in the variant."""
    return "train" if run.settings.word("fit_on") == "all" else "all"


def stages(run: Run) -> list[Stage]:
    """Everything that the conclusions read.

    Labels are ``run/VARIANT-CASE/seedN``, of the paper's own runs ``run/CASE/seedN``, and
    ``inputs/DATASET/all``.
    """
    s = run.settings
    images = pool(run)
    targets = [_inputs(run, images)]
    for seed in run.seeds:
        targets += [_training(run, images, case, case, seed) for case in CASES]
        if s.flag("unscaled"):
            targets += [
                _training(run, images, f"unscaled-{case}", case, seed, scaling="none")
                for case in CASES
            ]
    for seed in repeats(run, "long_repeats"):
        targets += [
            _training(run, images, f"long-{case}", case, seed, epochs=s.integer("long_epochs"))
            for case in chosen_cases(run, "long_cases")
        ]
    for seed in repeats(run, "order_repeats"):
        targets += [
            _training(run, images, f"order{order}-{case}", case, seed, order=order)
            for order in chosen_orders(run)
            for case in chosen_cases(run, "order_cases")
        ]
    for seed in repeats(run, "scaling_repeats"):
        targets += [
            _training(run, images, f"scaling-{case}", case, seed, fit_on=other_fit_on(run))
            for case in CASES
        ]
    for seed in repeats(run, "stored_repeats"):
        targets += [
            _training(run, images, f"stored-{case}", case, seed, stored="8bit") for case in POOLED
        ]
    for name, dataset in extra_datasets(run).items():
        other = pool(run, dataset)
        for seed in repeats(run, "data_repeats"):
            targets += [_training(run, other, f"{name}-{case}", case, seed) for case in CASES]
    return targets


def _inputs(run: Run, images: Split) -> Stage:
    # One image of each class, the first there is.
    labels = images.labels.tolist()
    shown = [labels.index(label) for label in sorted(set(labels))][:10]
    config = {
        "order": run.settings.integer("order"),
        "orders": chosen_orders(run),
        "shown": shown,
        "compressed": COMPRESSED,
    }
    return inspect_inputs(f"inputs/{run.dataset.name}/all", config, pool=images)


def _training(
    run: Run, images: Split, name: str, case: str, seed: int, epochs: int = 0, **changed: Any
) -> Stage:
    from imgcomp import models

    s = run.settings
    shape = images.image_shape
    given = {"order": s.integer("order"), "fit_on": s.word("fit_on"), **changed}
    fit: dict[str, Any] = {
        "seed": seed,
        "precision": run.precision,
        "objective": "cross_entropy",
        "optimizer": "adam",
        "lr": s.number("lr"),
        "batch_size": s.integer("batch"),
        "epochs": epochs or s.integer("epochs"),
        "metrics": ["precision", "recall"],
        "log_batches": True,
    }
    if epochs:
        fit["keep_epochs"] = list(range(1, epochs + 1))
    config = {
        "spec": models.buell2022(shape, len(images.classes)).spec,
        "seed": seed,
        "split_seed": seed,
        "share": s.number("train_share"),
        "images": recipe(case, **given),
        "fit": fit,
        "device": run.device,
    }
    # Rough seconds on one core, so that the longest trainings start first.
    pixels = shape[0] * shape[1] * shape[2]
    cost = len(images) * s.number("train_share") * fit["epochs"] * (pixels / 784) ** 0.3 / 2500
    return train_and_test(f"run/{name}/seed{seed}", config, cost=cost, pool=images)
