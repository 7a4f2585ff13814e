"""Training of feng2018's networks: imgcomp.fit against the PyTorch script people would write.

The peer is the usual script at its best: images as a float32 tensor in memory, a TensorDataset, a
shuffling DataLoader, the network as a torch.nn.Module, torch.optim, fp32, as many threads as ours.
Both report the loss on the same validation images, as a check that the same was achieved.

    python benchmarks/feng2018_training.py [--repeats 5] [--epochs 4] [--threads N] [--json]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from _common import RESULTS, Run, clock, measure, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import imgcomp
from imgcomp.models import Model

AUTOENCODER_IMAGES, VALIDATION_IMAGES, CLASSIFIER_IMAGES = 5_000, 2_000, 10_000

CASES: dict[str, tuple[Callable[..., Model], dict[str, Any], int]] = {
    "cnn": (imgcomp.models.feng2018_cnn, {"optimizer": "adam", "batch_size": 128}, 3),
    "ann": (imgcomp.models.feng2018_ann, {"optimizer": "sgd", "lr": 0.1, "batch_size": 32}, 3),
    "shared": (imgcomp.models.feng2018_shared, {"optimizer": "sgd", "lr": 0.1, "batch_size": 32}, 3),
    "classifier": (
        imgcomp.models.feng2018_classifier,
        {"optimizer": "sgd", "lr": 0.01, "momentum": 0.5, "batch_size": 64},
        1,
    ),
}


def train_plain(
    module: nn.Module, train: Any, validation: Any, epochs: int, seed: int, **config: Any
) -> Run:
    """The script people write."""
    torch.manual_seed(seed)
    images = train.images.float() / 255
    is_classifier = config["optimizer"] == "sgd" and config.get("momentum", 0.0) > 0.0
    criterion = nn.CrossEntropyLoss() if is_classifier else nn.MSELoss()
    if config["optimizer"] == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(module.parameters())
    else:
        optimizer = torch.optim.SGD(
            module.parameters(), lr=config["lr"], momentum=config.get("momentum", 0.0)
        )
    loader = DataLoader(
        TensorDataset(images, train.labels), batch_size=config["batch_size"], shuffle=True
    )
    start = clock()
    for _ in range(epochs):
        module.train()
        running = 0.0
        for batch, labels in loader:
            optimizer.zero_grad()
            loss = criterion(module(batch), labels if is_classifier else batch)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(batch)
    seconds = clock() - start
    module.eval()
    with torch.no_grad():
        batch = validation.images.float() / 255
        target = validation.labels if is_classifier else batch
        quality = criterion(module(batch), target).item()
    return Run(seconds, quality)


def train_ours(
    model: Model, train: Any, validation: Any, epochs: int, seed: int, **config: Any
) -> Run:
    start = clock()
    imgcomp.fit(model, train, epochs=epochs, seed=seed, progress=False, **config)
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
        make, config, _ = CASES[name]
        count = CLASSIFIER_IMAGES if name == "classifier" else AUTOENCODER_IMAGES
        train, validation = data.train[:count], data.test[:VALIDATION_IMAGES]

        def ours(repeat: int, make: Any = make, run: Any = train_ours) -> Run:
            return run(make(seed=repeat + 1), train, validation, arguments.epochs, repeat + 1, **config)

        def peer(repeat: int, make: Any = make) -> Run:
            module = make(seed=repeat + 1).to_torch()
            return train_plain(
                module, train, validation, arguments.epochs, repeat + 1, **config
            )

        pair = measure(name, partial(ours), partial(peer), arguments.repeats)
        rows.append(pair.summary(len(train) * arguments.epochs))
    report(
        f"feng2018 training, {arguments.threads} threads: ours and the plain PyTorch script",
        rows,
        RESULTS / "feng2018_training.json" if arguments.json else None,
    )


if __name__ == "__main__":
    main()
