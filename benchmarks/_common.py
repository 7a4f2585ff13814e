"""What the benchmarks share: pairs timed in turn, their ratio, and the file the result goes to."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import imgcomp

RESULTS = Path(__file__).resolve().parent.parent / "results" / "benchmarks"


@dataclass
class Run:
    """One timed run: seconds, and a value that tells whether the work was the same."""

    seconds: float
    quality: float


@dataclass
class Pair:
    """Two ways to do the same, timed A B A B … in one process."""

    name: str
    ours: list[Run]
    peer: list[Run]

    @property
    def ratios(self) -> list[float]:
        return [p.seconds / o.seconds for o, p in zip(self.ours, self.peer, strict=True)]

    def summary(self, images: int) -> dict[str, Any]:
        """Medians, and the ratio pair by pair: how many times as fast ours is."""
        return {
            "name": self.name,
            "images": images,
            "ours_images_per_second": images / statistics.median(r.seconds for r in self.ours),
            "peer_images_per_second": images / statistics.median(r.seconds for r in self.peer),
            "speedup_median": statistics.median(self.ratios),
            "speedup_min": min(self.ratios),
            "speedup_max": max(self.ratios),
            "ours_quality": [r.quality for r in self.ours],
            "peer_quality": [r.quality for r in self.peer],
        }


def measure(
    name: str, ours: Callable[[int], Run], peer: Callable[[int], Run], repeats: int
) -> Pair:
    """Runs both in turn `repeats` times after one uncounted run of each; both get its number."""
    ours(0), peer(0)
    pair = Pair(name, [], [])
    for repeat in range(1, repeats + 1):
        pair.ours.append(ours(repeat))
        pair.peer.append(peer(repeat))
    return pair


def compare_losses(pair: Pair, digits: int) -> str:
    """Whether the losses of both, paired by weights, may have one mean; at least two repeats."""
    from scipy import stats

    ours, peers = ([run.quality for run in runs] for runs in (pair.ours, pair.peer))
    first, second = (
        f"{statistics.mean(losses):.{digits}f} ± {statistics.stdev(losses):.{digits}f}"
        for losses in (ours, peers)
    )
    p = stats.ttest_rel(ours, peers).pvalue
    return f"{pair.name}: validation loss {first} and {second}, paired by weights, p = {p:.2f}."


def in_order(images: torch.Tensor, batch_size: int) -> Iterator[torch.Tensor]:
    """Batches of a preloaded tensor, in a new order."""
    for indices in torch.randperm(len(images)).split(batch_size):
        yield images[indices]


def parse_arguments(description: str | None, cases: Iterable[str]) -> argparse.Namespace:
    """The options of a benchmark of several cases; torch has ``--threads`` threads then."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", choices=list(cases), action="append")
    parser.add_argument("--json", action="store_true", help="write results/benchmarks/")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    return arguments


def clock() -> float:
    return time.perf_counter()


def environment() -> dict[str, Any]:
    """Where the figures come from."""
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    return {
        "imgcomp": imgcomp.__version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.processor() or platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "revision": revision.stdout.strip() or None,
    }


def report(
    title: str,
    rows: list[dict[str, Any]],
    path: Path | None,
    quality: str = "loss",
    notes: Sequence[str] = (),
) -> None:
    """Prints a table, and writes the rows as JSON where a path is given.

    Args:
        title: What is compared.
        rows: As `Pair.summary` makes them.
        path: The file to write.
        quality: What `Run.quality` is.
        notes: Sentences below the table.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for column in ("", "ours/s", "peer/s", "speed-up", "min … max", quality, "peer’s"):
        table.add_column(column, justify="left" if not column else "right")
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['ours_images_per_second']:,.0f}",
            f"{row['peer_images_per_second']:,.0f}",
            f"{row['speedup_median']:.2f}×",
            f"{row['speedup_min']:.2f} … {row['speedup_max']:.2f}",
            f"{statistics.mean(row['ours_quality']):.5f}",
            f"{statistics.mean(row['peer_quality']):.5f}",
        )
    console = Console()
    console.print(table)
    for note in notes:
        console.print(note)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "title": title,
            "environment": environment(),
            "quality": quality,
            "rows": rows,
            "notes": list(notes),
        }
        path.write_text(json.dumps(content, indent=1) + "\n")
