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
from typing import Any

import torch
from _common import RESULTS, clock, environment
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


def compare(ours: list[float], peer: list[float]) -> dict[str, Any]:
    """Whether two lists of F1 may come from one distribution."""
    welch = stats.ttest_ind(ours, peer, equal_var=False)
    interval = welch.confidence_interval()
    return {
        "ours_mean": statistics.mean(ours),
        "peer_mean": statistics.mean(peer),
        "difference_95": [interval.low, interval.high],
        "welch_p": welch.pvalue,
        "kolmogorov_smirnov_p": stats.ks_2samp(ours, peer).pvalue,
        "ours": ours,
        "peer": peer,
    }


def row(name: str, images: int, ours: list[Group], peer: list[Group]) -> dict[str, Any]:
    """Medians of a pair of ways, and the ratio pair by pair."""
    ratios = [p.seconds / o.seconds for o, p in zip(ours, peer, strict=True)]
    return {
        "name": name,
        "ours_images_per_second": images / statistics.median(g.seconds for g in ours),
        "peer_images_per_second": images / statistics.median(g.seconds for g in peer),
        "speedup_median": statistics.median(ratios),
        "speedup_min": min(ratios),
        "speedup_max": max(ratios),
    }


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
        print(
            f"repeat {repeat + 1}: {plain[-1].seconds / side_by_side[-1].seconds:.2f}× the plain "
            f"script, {in_turn[-1].seconds / side_by_side[-1].seconds:.2f}× one after another"
        )

    images = len(split_of(pool, 0)[0]) * jobs
    rows = [
        row("side by side, against the plain script", images, side_by_side, plain),
        row("one after another, against the plain script", images, in_turn, plain),
        row("side by side, against one after another", images, side_by_side, in_turn),
    ]
    quality = compare(
        [f1 for group in side_by_side for f1 in group.f1],
        [f1 for group in plain for f1 in group.f1],
    )
    _report(rows, quality, jobs)
    if arguments.json:
        import json

        path = RESULTS / "buell2022_training.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        title = f"buell2022 training, {jobs} threads: ours and the plain PyTorch script"
        content = {"title": title, "environment": environment(), "rows": rows, "f1": quality}
        path.write_text(json.dumps(content, indent=1) + "\n")


def _report(rows: list[dict[str, Any]], quality: dict[str, Any], jobs: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"buell2022 training, {jobs} threads")
    for column in ("", "images/s", "peer/s", "speed-up", "min … max"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=True)
    for each in rows:
        table.add_row(
            each["name"],
            f"{each['ours_images_per_second']:,.0f}",
            f"{each['peer_images_per_second']:,.0f}",
            f"{each['speedup_median']:.2f}×",
            f"{each['speedup_min']:.2f} … {each['speedup_max']:.2f}",
        )
    console = Console()
    console.print(table)
    low, high = quality["difference_95"]
    console.print(
        f"macro F1: {quality['ours_mean']:.4f} and {quality['peer_mean']:.4f}, difference "
        f"{low:+.4f} … {high:+.4f} (95 %), Welch p = {quality['welch_p']:.2f}, "
        f"Kolmogorov–Smirnov p = {quality['kolmogorov_smirnov_p']:.2f}"
    )


if __name__ == "__main__":
    main()
