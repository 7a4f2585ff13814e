"""Training of feng2018's networks: imgcomp.fit against the PyTorch script people would write.

The peer is the usual script at its best: images as a float32 tensor in memory, a TensorDataset, a
shuffling DataLoader, the network as a torch.nn.Module, torch.optim, fp32, as many threads as ours.
Both report the loss on the same validation images, as a check that the same was achieved.

    python benchmarks/feng2018_training.py [--repeats 5] [--epochs 4] [--threads N] [--json]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from _common import RESULTS, Run, clock, measure, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import imgcomp
from imgcomp.datasets import Split
from imgcomp.models import Model

AUTOENCODER_IMAGES, VALIDATION_IMAGES, CLASSIFIER_IMAGES = 5_000, 2_000, 10_000


@dataclass(frozen=True)
class Case:
    """One network and how the paper trains it."""

    make: Callable[..., Model]
    images: int
    config: dict[str, Any]


SGD = {"optimizer": "sgd", "lr": 0.1, "batch_size": 32}
CASES = {
    "cnn": Case(
        imgcomp.models.feng2018_cnn, AUTOENCODER_IMAGES, {"optimizer": "adam", "batch_size": 128}
    ),
    "ann": Case(imgcomp.models.feng2018_ann, AUTOENCODER_IMAGES, SGD),
    "shared": Case(imgcomp.models.feng2018_shared, AUTOENCODER_IMAGES, SGD),
    "classifier": Case(
        imgcomp.models.feng2018_classifier,
        CLASSIFIER_IMAGES,
        {"optimizer": "sgd", "lr": 0.01, "momentum": 0.5, "batch_size": 64},
    ),
}


def run_plain(case: Case, train: Split, validation: Split, epochs: int, seed: int) -> Run:
    """The script people write."""
    torch.manual_seed(seed)
    model = case.make(seed=seed)
    module = model.to_torch()
    config = case.config
    is_classifier = isinstance(model, imgcomp.models.Classifier)
    criterion: nn.Module = nn.CrossEntropyLoss() if is_classifier else nn.MSELoss()
    optimizer: torch.optim.Optimizer
    if config["optimizer"] == "adam":
        optimizer = torch.optim.Adam(module.parameters())
    else:
        optimizer = torch.optim.SGD(
            module.parameters(), lr=config["lr"], momentum=config.get("momentum", 0.0)
        )
    loader = DataLoader(
        TensorDataset(train.images.float() / 255, train.labels),
        batch_size=config["batch_size"],
        shuffle=True,
    )
    start = clock()
    for _ in range(epochs):
        module.train()
        running = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(module(images), labels if is_classifier else images)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(images)
    seconds = clock() - start
    module.eval()
    with torch.no_grad():
        images = validation.images.float() / 255
        quality = criterion(module(images), validation.labels if is_classifier else images)
    return Run(seconds, quality.item())


def run_ours(case: Case, train: Split, validation: Split, epochs: int, seed: int) -> Run:
    """The same by imgcomp.fit."""
    model = case.make(seed=seed)
    start = clock()
    imgcomp.fit(model, train, case.config, epochs=epochs, seed=seed, progress=False)
    seconds = clock() - start
    return Run(seconds, imgcomp.evaluate(model, validation)["loss"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--json", action="store_true", help="write results/benchmarks/")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    data = imgcomp.datasets.load(arguments.data)
    rows = []
    for name in arguments.only or CASES:
        case = CASES[name]
        work = (case, data.train[: case.images], data.test[:VALIDATION_IMAGES], arguments.epochs)
        pair = measure(name, partial(run_ours, *work), partial(run_plain, *work), arguments.repeats)
        rows.append(pair.summary(case.images * arguments.epochs))
    report(
        f"feng2018 training, {arguments.threads} threads: ours and the plain PyTorch script",
        rows,
        RESULTS / "feng2018_training.json" if arguments.json else None,
    )


if __name__ == "__main__":
    main()
