"""buell2022's trainings: repeats side by side against the PyTorch script people would write.

Both train the paper's network for an epoch of batches of 32 on 80 % of MNIST, pooled 2×2 and
interpolated, and are scored by macro F1 on the other 20 %. The peer is the usual script: images
standardised, pooled and interpolated beforehand (not timed), a TensorDataset, a shuffling
DataLoader, torch.nn, torch.optim.Adam, fp32, all threads, one run after another. Ours runs one
training per thread side by side, and makes each batch from the bytes. Each repeat is a pair of
such groups with the same splits; the F1 of all runs are compared by Welch's and the
Kolmogorov–Smirnov test.

    python benchmarks/buell2022_training.py [--repeats 5] [--images 70000] [--json]
"""

from __future__ import annotations

import argparse
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from _common import RESULTS, Pair, Run, clock, report
from scipy import stats
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import imgcomp
from imgcomp.datasets import Split
from imgcomp.metrics import precision_recall_f1
from imgcomp.preprocess import Pipeline, PoolSpline, Standardize

BATCH_SIZE = 32


@dataclass
class Group:
    """Trainings of one repeat: seconds for all together, macro F1 of each."""

    seconds: float
    f1: list[float]

    @property
    def run(self) -> Run:
        return Run(self.seconds, statistics.mean(self.f1))


def macro_f1(labels: torch.Tensor, logits: torch.Tensor) -> float:
    scores = precision_recall_f1(labels, logits.argmax(1), num_classes=10)
    return float(scores.f1)


def split_of(pool: Split, seed: int) -> tuple[Split, Split]:
    train, test = pool.split(0.8, seed=seed)
    return train, test


def run_ours(pool: Split, pipeline: Pipeline, seeds: list[int], threads: int, jobs: int) -> Group:
    """imgcomp.fit, `jobs` trainings at a time with `threads` threads each."""
    splits = {seed: split_of(pool, seed) for seed in seeds}
    models = {seed: imgcomp.models.buell2022(seed=seed) for seed in seeds}

    def train(seed: int) -> None:
        imgcomp.fit(
            models[seed], splits[seed][0], epochs=1, batch_size=BATCH_SIZE, lr=1e-3, seed=seed,
            threads=threads, preprocess=pipeline, progress=False,
        )  # fmt: skip

    start = clock()
    with ThreadPoolExecutor(jobs) as workers:
        list(workers.map(train, seeds))
    seconds = clock() - start
    f1 = []
    for seed in seeds:
        test = splits[seed][1]
        f1.append(macro_f1(test.labels, models[seed].predict(pipeline(test.images))))
    return Group(seconds, f1)


def run_plain(pool: Split, pipeline: Pipeline, seeds: list[int]) -> Group:
    """The script people write, one run after another."""
    group = Group(0.0, [])
    for seed in seeds:
        train, test = split_of(pool, seed)
        data = TensorDataset(pipeline(train.images), train.labels)
        torch.manual_seed(seed)
        module = imgcomp.models.buell2022(seed=seed).to_torch()
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
        criterion = nn.CrossEntropyLoss()
        start = clock()
        module.train()
        running = 0.0
        for images, labels in DataLoader(data, batch_size=BATCH_SIZE, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(module(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(images)
        group.seconds += clock() - start
        module.eval()
        with torch.no_grad():
            logits = [module(part) for part in pipeline(test.images).split(500)]
        group.f1.append(macro_f1(test.labels, torch.cat(logits)))
    return group


def compare(ours: list[Group], peer: list[Group]) -> str:
    """Whether the F1 of both may come from one distribution."""
    a, b = ([f1 for group in groups for f1 in group.f1] for groups in (ours, peer))
    welch = stats.ttest_ind(a, b, equal_var=False)
    interval = welch.confidence_interval()
    return (
        f"Macro F1 of {len(a)} runs each: {statistics.mean(a):.4f} ± {statistics.stdev(a):.4f} and "
        f"{statistics.mean(b):.4f} ± {statistics.stdev(b):.4f}; difference {interval.low:+.4f} … "
        f"{interval.high:+.4f} (95 %), Welch p = {welch.pvalue:.2f}, Kolmogorov–Smirnov p = "
        f"{stats.ks_2samp(a, b).pvalue:.2f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--images", type=int, default=70_000, help="of both parts together")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="write results/benchmarks/")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    jobs = arguments.threads

    data = imgcomp.datasets.load("mnist")
    pool = (data.train + data.test).take(arguments.images)
    statistics_of_pool = imgcomp.preprocess.statistics(pool.images, per="pixel")
    pipeline = Pipeline([Standardize.from_statistics(statistics_of_pool), PoolSpline(2, 2)])

    side_by_side, in_turn, plain = [], [], []
    run_ours(pool[:2000], pipeline, [0], 1, 1)  # warms up
    for repeat in range(arguments.repeats):
        seeds = [repeat * jobs + i for i in range(jobs)]
        side_by_side.append(run_ours(pool, pipeline, seeds, threads=1, jobs=jobs))
        plain.append(run_plain(pool, pipeline, seeds))
        in_turn.append(run_ours(pool, pipeline, seeds, threads=arguments.threads, jobs=1))

    images = len(split_of(pool, 0)[0]) * jobs
    rows = [
        Pair(name, [group.run for group in ours], [group.run for group in peer]).summary(images)
        for name, ours, peer in (
            ("side by side / plain script", side_by_side, plain),
            ("one by one / plain script", in_turn, plain),
            ("side by side / one by one", side_by_side, in_turn),
        )
    ]
    report(
        f"buell2022 training, {jobs} threads: ours and the plain PyTorch script",
        rows,
        RESULTS / "buell2022_training.json" if arguments.json else None,
        quality="macro F1",
        notes=[compare(side_by_side, plain)],
    )


if __name__ == "__main__":
    main()
