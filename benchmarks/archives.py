"""Many images to .imc files and back against WebP and AVIF through Pillow, on all cores.

Ours is what ``imgcomp compress`` and ``decompress`` do: the shipped codec, blocks, check sums, the
index, a file on disk. WebP and AVIF are the loop that people write: each image saved to memory and
read from it, at the quality whose mean PSNR comes closest to ours from above; its files are not
even written to the disk. Both give back uint8 images in memory. The quality column is bits per
pixel with all headers; the PSNR of both stands in the notes.

The second part is how far estimated bits are from those in the file, on 10,000 images.

    python benchmarks/archives.py [--repeats 5] [--only NAME] [--json]
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, Run, clock, measure, parse_arguments, report
from PIL import Image

import imgcomp
from imgcomp import codec
from imgcomp.codec import BinaryCode


@dataclass(frozen=True)
class Case:
    """A codec and an ordinary one, a data set, and how many of its last images.

    Test images come last.
    """

    data: str
    codec: str
    count: int
    peer: str = "WEBP"


CASES = {
    "Fashion-MNIST, patch-gray and WebP": Case("fashion-mnist", "patch-gray", 70_000),
    "CIFAR-10, patch-colour and WebP": Case("cifar-10", "patch-colour", 60_000),
    "Fashion-MNIST, house-gray and WebP": Case("fashion-mnist", "house-gray", 10_000),
    "CIFAR-10, house-colour and WebP": Case("cifar-10", "house-colour", 10_000),
    "Fashion-MNIST, house-gray and AVIF": Case("fashion-mnist", "house-gray", 2_000, "AVIF"),
    "CIFAR-10, house-colour and AVIF": Case("cifar-10", "house-colour", 2_000, "AVIF"),
}
SAMPLE = 2000


def psnr(images: torch.Tensor, others: torch.Tensor) -> float:
    return float(imgcomp.metrics.psnr(images, others).mean())


def pictures(images: torch.Tensor) -> list[Image.Image]:
    arrays = images.permute(0, 2, 3, 1).contiguous().numpy()
    return [Image.fromarray(a[..., 0] if a.shape[2] == 1 else a) for a in arrays]


def saved(images: list[Image.Image], peer: str, quality: int) -> list[bytes]:
    files = []
    for image in images:
        file = io.BytesIO()
        image.save(file, peer, quality=quality)
        files.append(file.getvalue())
    return files


def opened(files: list[bytes], channels: int) -> torch.Tensor:
    mode = "L" if channels == 1 else "RGB"
    arrays = [np.asarray(Image.open(io.BytesIO(data)).convert(mode)) for data in files]
    stacked = torch.from_numpy(np.stack(arrays))
    return stacked[:, None] if channels == 1 else stacked.permute(0, 3, 1, 2)


def peer_quality(images: torch.Tensor, peer: str, wanted: float) -> int:
    """The lowest quality at which it is at least as good."""
    some = pictures(images)
    low, high = 0, 100
    while low < high:
        middle = (low + high) // 2
        if psnr(images, opened(saved(some, peer, middle), images.shape[1])) < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def compare(name: str, case: Case, repeats: int, folder: Path) -> tuple[list[dict[str, Any]], str]:
    data = imgcomp.datasets.load(case.data)
    images = torch.cat([data.train.images, data.test.images])[-case.count :]
    labels = torch.cat([data.train.labels, data.test.labels])[-case.count :]
    used = codec.load(case.codec)
    path = folder / "a.imc"
    pixels = images[:, 0].numel()
    sample = data.test.images[:SAMPLE]
    ours_psnr = psnr(sample, used.decompress(used.compress(sample)))
    quality = peer_quality(sample, case.peer, ours_psnr)
    peers = pictures(images)
    files: list[bytes] = []

    def compress(_: int) -> Run:
        begin = clock()
        with path.open("wb") as file, codec.ArchiveWriter(file, used, classes=10) as writer:
            writer.add(images, labels)
        seconds = clock() - begin
        return Run(seconds, 8 * path.stat().st_size / pixels)

    def compress_peer(_: int) -> Run:
        begin = clock()
        files[:] = saved(peers, case.peer, quality)
        return Run(clock() - begin, 8 * sum(map(len, files)) / pixels)

    def decompress(_: int) -> Run:
        begin = clock()
        with codec.open(path, codec=used) as archive:
            found = archive[:]
        seconds = clock() - begin
        assert found.shape == images.shape
        return Run(seconds, 8 * path.stat().st_size / pixels)

    def decompress_peer(_: int) -> Run:
        begin = clock()
        found = opened(files, images.shape[1])
        seconds = clock() - begin
        assert found.shape == images.shape
        return Run(seconds, 8 * sum(map(len, files)) / pixels)

    rows = [
        measure(f"{name}: compress", compress, compress_peer, repeats).summary(case.count),
        measure(f"{name}: decompress", decompress, decompress_peer, repeats).summary(case.count),
    ]
    peers_psnr = psnr(sample, opened(saved(pictures(sample), case.peer, quality), images.shape[1]))
    code = used.code
    assert not isinstance(code, BinaryCode)
    some = data.test.images[:10_000]
    estimated = code.bits(used.codes(some))
    real = 8 * len(used.compress(some))
    note = (
        f"{name}: {ours_psnr:.2f} dB with {case.codec}, {peers_psnr:.2f} dB with {case.peer} at "
        f"quality {quality} (first {SAMPLE:,} test images). {len(some):,} test images: "
        f"{estimated:,.0f} bits estimated, {real:,} in the file, "
        f"{100 * (real / estimated - 1):.2f} % more."
    )
    return rows, note


def main() -> None:
    arguments = parse_arguments(__doc__, CASES)
    rows, notes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only or CASES:
            found, note = compare(name, CASES[name], arguments.repeats, Path(folder))
            rows += found
            notes.append(note)
    report(
        f"Archives, {arguments.threads} threads: ours, and WebP and AVIF through Pillow",
        rows,
        RESULTS / "archives.json" if arguments.json else None,
        "bits per pixel",
        notes,
    )


if __name__ == "__main__":
    main()
