"""Training of recurrent compressors: imgcomp.fit against plain PyTorch.

donis2020's network: one iteration under 1 − MS-SSIM, as the paper trains it, and several under the
residual's L1, as Toderici et al. (2017) do. The peers are one implementation in plain PyTorch, in
two ways: the script is the usual one (TensorDataset, shuffling DataLoader, PyTorch's own memory
layout), tuned has preloaded images, channels-last tensors and a fused Adam. All begin with the same
weights and report the loss on the same validation images; draws of bits and the order differ.

    python benchmarks/recurrent_training.py [--repeats 5] [--only NAME] [--json]
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial

import torch
from _common import RESULTS, Run, clock, compare_losses, in_order, measure, parse_arguments, report
from _recurrent_peer import Loss, Recurrent, l1, ms_ssim
from torch.utils.data import DataLoader, TensorDataset

import imgcomp
from imgcomp.datasets import Split

VALIDATION_IMAGES = 1_000
BATCH, RATE = 128, 1e-3


@dataclass(frozen=True)
class Case:
    """One training, and how many images one timed run takes."""

    iterations: int
    objective: str
    loss: Loss
    images: int


CASES = {
    "1 iteration, MS-SSIM": Case(1, "ms_ssim", ms_ssim, 3_840),
    "8 iterations, L1": Case(8, "l1", l1, 640),
}


def scaled(split: Split) -> torch.Tensor:
    """Images as the network takes them, float32."""
    return split.images.float() / 255 - 0.5


def loss_of(case: Case, outputs: list[torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """The mean over the iterations."""
    return torch.stack([case.loss(output, images) for output in outputs]).mean()


def train_plain(case: Case, train: Split, validation: Split, repeat: int, *, tuned: bool) -> Run:
    """The script people write, or the same with what plain PyTorch offers for speed."""
    torch.manual_seed(repeat)
    module = Recurrent(case.iterations)
    module.load(imgcomp.models.donis2020(iterations=case.iterations, seed=repeat).state_dict())
    images = scaled(train)
    if tuned:
        module = module.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE, fused=tuned)
    loader = DataLoader(TensorDataset(images), batch_size=BATCH, shuffle=True)
    start = clock()
    module.train()
    running = 0.0
    for batch in in_order(images, BATCH) if tuned else (batch for (batch,) in loader):
        optimizer.zero_grad()
        loss = loss_of(case, module(batch), batch)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(batch)
    seconds = clock() - start
    module.eval()
    with torch.no_grad():
        parts = scaled(validation).split(100)
        quality = statistics.mean(loss_of(case, module(part), part).item() for part in parts)
    return Run(seconds, quality)


def train_ours(case: Case, train: Split, validation: Split, repeat: int) -> Run:
    """The same by imgcomp.fit."""
    model = imgcomp.models.donis2020(iterations=case.iterations, seed=repeat)
    start = clock()
    imgcomp.fit(
        model,
        train,
        objective=case.objective,
        optimizer="adam",
        lr=RATE,
        batch_size=BATCH,
        epochs=1,
        seed=repeat,
        progress=False,
    )
    seconds = clock() - start
    return Run(seconds, imgcomp.evaluate(model, validation, objective=case.objective)["loss"])


def main() -> None:
    arguments = parse_arguments(__doc__, CASES)

    dataset = imgcomp.datasets.load("cifar10")
    rows, notes = [], []
    for name in arguments.only or CASES:
        case = CASES[name]
        work = (case, dataset.train[: case.images], dataset.test[:VALIDATION_IMAGES])
        for peer, tuned in (("the script", False), ("tuned", True)):
            pair = measure(
                f"{name} / {peer}",
                partial(train_ours, *work),
                partial(train_plain, *work, tuned=tuned),
                arguments.repeats,
            )
            rows.append(pair.summary(case.images))
            notes.append(compare_losses(pair, digits=4))
    report(
        f"donis2020's network, {arguments.threads} threads: ours and plain PyTorch",
        rows,
        RESULTS / "recurrent_training.json" if arguments.json else None,
        notes=notes,
    )


if __name__ == "__main__":
    main()
