"""SSIM and MS-SSIM with and without gradients, against pytorch-msssim, on one core.

pytorch-msssim computes in float32, by grouped convolutions and autograd; ours computes in float64.
Both take float32 images; the gradient is that of the mean with respect to one of both batches.
Seconds are processor time of the one thread, so that other programs do not count.

    pip install pytorch-msssim
    python benchmarks/similarity.py [--repeats 9] [--json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytorch_msssim
import torch
from _common import RESULTS, Run, measure, report

from imgcomp import metrics

Similarity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Case:
    """Batches of one shape, compared by one measure."""

    name: str
    shape: tuple[int, int, int, int]
    ours: Similarity
    peer: Similarity


def peer_ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return pytorch_msssim.ssim(x, y, data_range=255, size_average=False)


def peer_ms_ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return pytorch_msssim.ms_ssim(x, y, data_range=255, size_average=False)


def standard(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return metrics.ms_ssim(x, y, "standard")


CASES = (
    Case("SSIM, 28×28 gray", (512, 1, 28, 28), metrics.ssim, peer_ssim),
    Case("SSIM, 32×32 colour", (256, 3, 32, 32), metrics.ssim, peer_ssim),
    Case("MS-SSIM, 192×192 colour", (8, 3, 192, 192), standard, peer_ms_ssim),
    Case("MS-SSIM, 512×768 colour", (1, 3, 512, 768), standard, peer_ms_ssim),
)


def timed(
    similarity: Similarity, x: torch.Tensor, y: torch.Tensor, gradients: bool
) -> Callable[[int], Run]:
    def run(repeat: int) -> Run:
        images = y.clone().requires_grad_(gradients)
        begin = time.thread_time()
        value = similarity(x, images).mean()
        if gradients:
            value.backward()
        return Run(time.thread_time() - begin, value.item())

    return run


def batch(shape: tuple[int, int, int, int]) -> torch.Tensor:
    """Smooth images, 0 … 255."""
    n, channels, height, width = shape
    coarse = torch.rand(n, channels, height // 4 + 1, width // 4 + 1)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear") * 255


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="write results/benchmarks/")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for case in CASES:
        x = batch(case.shape)
        y = (x + 20 * torch.randn(case.shape)).clamp(0, 255)
        for gradients in (False, True):
            pair = measure(
                f"{case.name}, {'with gradient' if gradients else 'values'}",
                timed(case.ours, x, y, gradients),
                timed(case.peer, x, y, gradients),
                arguments.repeats,
            )
            rows.append(pair.summary(case.shape[0]))
    report(
        "Structural similarity: ours and pytorch-msssim, one thread",
        rows,
        RESULTS / "similarity.json" if arguments.json else None,
        "similarity",
    )


if __name__ == "__main__":
    main()
