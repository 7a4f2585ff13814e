"""Training of bhattacharya2020's and kawaguchi2022's networks: imgcomp.fit against plain PyTorch.

Two peers, both with torch.nn, torch.optim and as many threads as ours. The script is the usual
one: a TensorDataset, a shuffling DataLoader, fp32, PyTorch's own memory layout. Tuned is the best
that plain PyTorch offers here: images preloaded as one channels-last tensor and indexed, fused
optimiser, fp32 or bfloat16, whichever is faster on this machine. All report the loss on the same
validation images; repeats differ in their weights and their order, and the losses are compared in
pairs.

    python benchmarks/autoencoder_training.py [--repeats 5] [--only NAME] [--json]
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from _common import RESULTS, Run, clock, compare_losses, in_order, measure, parse_arguments, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import imgcomp
from imgcomp.datasets import Split
from imgcomp.models import Autoencoder

VALIDATION_IMAGES = 1_000


@dataclass(frozen=True)
class Case:
    """One network, how its paper trains it, and how many images one timed run takes."""

    make: Callable[..., Autoencoder]
    data: str
    images: int
    config: dict[str, Any]
    seeds: tuple[int, ...]
    """Of weights with live channels, so that all train: one after the other for the repeats."""


ADAM = {"optimizer": "adam", "lr": 1e-3}
SGD = {"optimizer": "sgd", "lr": 1e-2}
# Model 1 has no final ReLU here, and no restarts: its time is the same, and every seed trains.
MODEL_1 = partial(imgcomp.models.kawaguchi2022_1, False)
CASES = {
    "bhattacharya2020": Case(
        imgcomp.models.bhattacharya2020, "mnist", 1_536, {**ADAM, "batch_size": 128}, (2, 3)
    ),
    "kawaguchi2022 model 1": Case(MODEL_1, "cifar10", 5_000, {**SGD, "batch_size": 20}, (0,)),
    "kawaguchi2022 model 1, batches of 4": Case(
        MODEL_1, "cifar10", 3_000, {**SGD, "batch_size": 4}, (0,)
    ),
    "kawaguchi2022 model 2": Case(
        imgcomp.models.kawaguchi2022_2, "cifar10", 5_000, {**ADAM, "batch_size": 32}, (0,)
    ),
}


def weight_seed(case: Case, repeat: int) -> int:
    """Of the repeat's weights."""
    return case.seeds[repeat % len(case.seeds)] if len(case.seeds) > 1 else repeat


def scaled(case: Case, split: Split) -> torch.Tensor:
    """Images as the network takes them, float32."""
    low, high = case.make().data_range
    return split.images.float() / 255 * (high - low) + low


def train_plain(
    case: Case, train: Split, validation: Split, repeat: int, *, tuned: bool, bf16: bool = False
) -> Run:
    """The script people write, or the best of plain PyTorch."""
    torch.manual_seed(repeat)
    module = case.make(seed=weight_seed(case, repeat)).to_torch()
    images, size = scaled(case, train), case.config["batch_size"]
    criterion = nn.MSELoss()
    rate, fused = case.config["lr"], {"fused": True} if tuned else {}
    optimizer: torch.optim.Optimizer
    if case.config["optimizer"] == "adam":
        optimizer = torch.optim.Adam(module.parameters(), lr=rate, **fused)
    else:
        optimizer = torch.optim.SGD(module.parameters(), lr=rate, **fused)
    loader = DataLoader(TensorDataset(images), batch_size=size, shuffle=True)
    if tuned:
        module = module.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    start = clock()
    module.train()
    running = torch.zeros(())
    for batch in in_order(images, size) if tuned else (batch for (batch,) in loader):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext():
            output = module(batch)
        loss = criterion(output.float(), batch)
        loss.backward()
        optimizer.step()
        if tuned:
            running += loss.detach() * len(batch)
        else:
            running += loss.item() * len(batch)
    seconds = clock() - start
    module.eval()
    with torch.no_grad():
        inputs = scaled(case, validation)
        quality = criterion(torch.cat([module(part) for part in inputs.split(100)]), inputs)
    return Run(seconds, quality.item())


def train_ours(case: Case, train: Split, validation: Split, repeat: int) -> Run:
    """The same by imgcomp.fit."""
    model = case.make(seed=weight_seed(case, repeat))
    start = clock()
    imgcomp.fit(model, train, case.config, epochs=1, seed=repeat, progress=False)
    seconds = clock() - start
    return Run(seconds, imgcomp.evaluate(model, validation)["loss"])


def main() -> None:
    arguments = parse_arguments(__doc__, CASES)

    rows, notes = [], []
    for name in arguments.only or CASES:
        case = CASES[name]
        data = imgcomp.datasets.load(case.data)
        work = (case, data.train[: case.images], data.test[:VALIDATION_IMAGES])
        seconds = {
            bf16: min(train_plain(*work, 0, tuned=True, bf16=bf16).seconds for _ in range(2))
            for bf16 in (False, True)
        }
        bf16 = seconds[True] < seconds[False]
        peers = {
            "the script": partial(train_plain, *work, tuned=False),
            f"tuned, {'bf16' if bf16 else 'fp32'}": partial(
                train_plain, *work, tuned=True, bf16=bf16
            ),
        }
        for peer, run in peers.items():
            pair = measure(f"{name} / {peer}", partial(train_ours, *work), run, arguments.repeats)
            rows.append(pair.summary(case.images))
            notes.append(compare_losses(pair, digits=5))
    report(
        f"Autoencoders, {arguments.threads} threads: ours and plain PyTorch",
        rows,
        RESULTS / "autoencoder_training.json" if arguments.json else None,
        notes=notes,
    )


if __name__ == "__main__":
    main()
