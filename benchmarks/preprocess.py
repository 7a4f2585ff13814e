"""Preprocessing of a whole data set: the fused pass against SciPy, plain PyTorch and the memory.

Each pixel is standardised over the set, then images are pooled and interpolated back to their size.
The peers are what people write:

- PyTorch: ``(x - mean) / std``, ``avg_pool2d``, ``interpolate(align_corners=True)``, over the whole
  set at once and in batches that fit into the caches, as many threads as ours. Both sides make a
  new result each time; "into a kept result" is without that for both.
- SciPy: ``RectBivariateSpline`` image by image, on one thread, for some of the images.
- The memory: bytes read and written by our pass in a second, as a share of what ``copy_`` between
  two float32 tensors of the result's size reaches.

Runs take turns in one process; the results of both sides are compared.

    python benchmarks/preprocess.py [--repeats 9] [--data mnist] [--threads N] [--json]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _common import RESULTS, Pair, Run, clock, measure, report
from scipy.interpolate import RectBivariateSpline
from torch.nn import functional

import imgcomp
from imgcomp.preprocess import Pipeline, PoolSpline, Scale, Standardize

SCIPY_IMAGES = 500
BATCH = 500
CASES = {"window 2 step 1": (2, 1), "window 3 step 2": (3, 2)}

Work = Callable[[], torch.Tensor]


class Composition:
    """The usual composition in PyTorch."""

    def __init__(self, images: torch.Tensor, window: int, step: int) -> None:
        values = images.double()
        self.mean = values.mean(0).float()
        deviation = values.std(0, correction=0).float()
        self.deviation = torch.where(deviation == 0, 1.0, deviation)
        self.images, self.window, self.step = images, window, step
        self.kept = torch.empty(images.shape)

    def batch(self, images: torch.Tensor) -> torch.Tensor:
        standard = (images.float() - self.mean) / self.deviation
        pooled = functional.avg_pool2d(standard, self.window, self.step)
        size = self.images.shape[2:]
        return functional.interpolate(pooled, size, mode="bilinear", align_corners=True)

    def whole(self) -> torch.Tensor:
        return self.batch(self.images)

    def batches(self) -> torch.Tensor:
        return torch.cat([self.batch(part) for part in self.images.split(BATCH)])

    def batches_into_kept(self) -> torch.Tensor:
        for part, out in zip(self.images.split(BATCH), self.kept.split(BATCH), strict=True):
            out.copy_(self.batch(part))
        return self.kept


def scipy_splines(images: torch.Tensor, window: int, step: int, order: int) -> torch.Tensor:
    """Pooling by PyTorch, one spline of SciPy for each image."""
    pooled = functional.avg_pool2d(images.double(), window, step).numpy()
    rows, columns = (np.linspace(0, 1, side) for side in pooled.shape[2:])
    new_rows, new_columns = (np.linspace(0, 1, side) for side in images.shape[2:])
    results = [
        RectBivariateSpline(rows, columns, plane, kx=order, ky=order, s=0)(new_rows, new_columns)
        for image in pooled
        for plane in image
    ]
    return torch.from_numpy(np.array(results)).view(images.shape)


def timed(work: Work) -> Callable[[int], Run]:
    """Seconds of the work; the quality is a checksum, the mean square of the result."""

    def run(_repeat: int) -> Run:
        start = clock()
        result = work()
        seconds = clock() - start
        return Run(seconds, result.view(-1)[::101].double().square().mean().item())

    return run


def check_equal(name: str, ours: Work, peer: Work) -> None:
    """Ends the benchmark where the results differ."""
    found, expected = ours().double(), peer().double()
    difference = ((found - expected).abs().max() / expected.abs().max()).item()
    if difference > 1e-5:
        raise SystemExit(f"{name}: the results differ by {difference:g} of their range")


def compare(name: str, ours: Work, peer: Work, images: int, repeats: int) -> dict[str, Any]:
    check_equal(name, ours, peer)
    return measure(name, timed(ours), timed(peer), repeats).summary(images)


def bandwidth(
    name: str, work: Work, moved: int, copied: Work, copied_bytes: int, repeats: int
) -> dict[str, Any]:
    """Bytes a second of our pass, and of a copy in turn with it."""
    pair: Pair = measure(name, timed(work), timed(copied), repeats)
    ours = [moved / run.seconds / 1e9 for run in pair.ours]
    copy = [copied_bytes / run.seconds / 1e9 for run in pair.peer]
    shares = [mine / theirs for mine, theirs in zip(ours, copy, strict=True)]
    return {
        "name": name,
        "gigabytes_per_second": statistics.median(ours),
        "copy_gigabytes_per_second": statistics.median(copy),
        "share_median": statistics.median(shares),
        "share_min": min(shares),
        "share_max": max(shares),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--json", action="store_true", help="write results/benchmarks/")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    data = imgcomp.datasets.load(arguments.data)
    images = (data.train + data.test).images
    count, repeats = len(images), arguments.repeats
    standard = Standardize.from_statistics(imgcomp.preprocess.statistics(images))
    kept = torch.empty(images.shape)
    other = torch.ones(images.shape)
    moved, copied = images.nbytes + kept.nbytes, 2 * kept.nbytes

    rows, shares = [], []
    for name, (window, step) in CASES.items():
        peer = Composition(images, window, step)
        pipeline = Pipeline([standard, PoolSpline(window, step, tuple(images.shape[2:]))])
        fresh: Work = lambda pipeline=pipeline: pipeline(images)  # noqa: E731
        into: Work = lambda pipeline=pipeline: pipeline(images, out=kept)  # noqa: E731
        for title, ours, theirs in (
            ("PyTorch, whole set", fresh, peer.whole),
            ("PyTorch, batches", fresh, peer.batches),
            ("PyTorch, batches, into a kept result", into, peer.batches_into_kept),
        ):
            rows.append(compare(f"{name}: {title}", ours, theirs, count, repeats))
        shares.append(bandwidth(name, into, moved, lambda: other.copy_(kept), copied, repeats))
        shares.append(
            bandwidth(f"{name}, new result", fresh, moved, lambda: kept.clone(), copied, repeats)
        )
    for order in (1, 3, 5):
        some = images[:SCIPY_IMAGES]
        rows.append(
            compare(
                f"window 2 step 2: SciPy, order {order}",
                lambda order=order, some=some: imgcomp.preprocess.pool_spline(
                    some, 2, 2, tuple(images.shape[2:]), order
                ),
                lambda order=order, some=some: scipy_splines(some, 2, 2, order),
                SCIPY_IMAGES,
                repeats,
            )
        )
    scale = Pipeline([Scale(0, 1)])
    shares.append(
        bandwidth(
            "scaling alone", lambda: scale(images, out=kept), moved, lambda: other.copy_(kept),
            copied, repeats,
        )
    )  # fmt: skip
    title = f"preprocessing of {count:,} images of {arguments.data}, {arguments.threads} threads"
    report(
        title,
        rows,
        RESULTS / "preprocess.json" if arguments.json else None,
        quality="mean square of the result",
        notes=[share_text(row) for row in shares],
    )


def share_text(row: dict[str, Any]) -> str:
    return (
        f"Memory, {row['name']}: {row['gigabytes_per_second']:.1f} GB/s read and written, "
        f"{row['share_median']:.0%} ({row['share_min']:.0%} … {row['share_max']:.0%}) of the "
        f"{row['copy_gigabytes_per_second']:.1f} GB/s of a copy in turn with it."
    )


if __name__ == "__main__":
    main()
