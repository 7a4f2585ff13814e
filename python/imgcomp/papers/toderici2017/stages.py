"""toderici2017: stages that measure a trained network after each of its iterations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from imgcomp.datasets import from_tiles, tiles
from imgcomp.models.pixels import scaled, scaled_back
from imgcomp.papers.common import model_from
from imgcomp.papers.measures import PSNR_LIMIT, bit_entropy
from imgcomp.papers.toderici2017.data import SIDE
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Photographs, Split

MEASURES = {"ms_ssim": "MS-SSIM", "ssim": "SSIM", "psnr": "PSNR (dB)"}
"""Key → name for people; MS-SSIM in its adaptive variant."""
_BATCH = 250
_CODED = 500
"""Images whose bits are looked at."""
_CHECKED = 8
"""Images that are decoded from their packed bytes alone."""


def shown_iterations(iterations: int) -> list[int]:
    """1, 2, 4, 8, … and the last."""
    powers = [2**n for n in range(iterations.bit_length()) if 2**n <= iterations]
    return sorted({*powers, iterations})


def scores(originals: torch.Tensor, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every measure of 8-bit images, (N, C, H, W); key of `MEASURES` → float64 (N,)."""
    from imgcomp import metrics

    return {
        "ms_ssim": metrics.ms_ssim(originals, images),
        "ssim": metrics.ssim(originals, images),
        "psnr": metrics.psnr(originals, images).clamp(max=PSNR_LIMIT),
    }


def pack(code: torch.Tensor) -> bytes:
    """A code's bits as bytes, eight to a byte, the last one filled up with zeros.

    Args:
        code: Values −1 and +1 of any shape; the last axis varies fastest.
    """
    return np.packbits((code > 0).flatten().numpy()).tobytes()


def unpack(data: bytes, shape: Sequence[int]) -> torch.Tensor:
    """The code that `pack` packed, float32 of the shape given."""
    count = int(np.prod(shape))
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=count)
    return torch.from_numpy(bits.astype(np.float32)).mul(2).sub(1).reshape(tuple(shape))


def ladder(
    network: Any, images: torch.Tensor, context: Context | None = None
) -> Iterator[torch.Tensor]:
    """What a network makes of images after each iteration, back to 8 bits, batch by batch.

    Args:
        network: A recurrent autoencoder.
        images: uint8 (N, C, H, W).
        context: Where it asks whether to stop.

    Yields:
        uint8 (iterations, n, C, H, W), for the next n images.
    """
    for at in range(0, len(images), _BATCH):
        if context is not None and context.stop.is_set():
            raise StageStopped
        with torch.no_grad():
            inputs = scaled(images[at : at + _BATCH], network.data_range)
            outputs = torch.stack(network.reconstructions(inputs))
        yield scaled_back(outputs, network.data_range)


class _Means:
    """Means over images of every measure, one for each iteration."""

    def __init__(self) -> None:
        self._sums: list[dict[str, float]] = []
        self._count = 0

    def add(self, originals: torch.Tensor, outputs: torch.Tensor) -> None:
        """Images (N, …) and what came back after each iteration, (iterations, N, …)."""
        if not self._sums:
            self._sums = [dict.fromkeys(MEASURES, 0.0) for _ in outputs]
        for sums, images in zip(self._sums, outputs, strict=True):
            for name, values in scores(originals, images).items():
                sums[name] += float(values.sum())
        self._count += len(originals)

    def means(self) -> dict[str, list[float]]:
        """Measure → one number for each iteration."""
        return {name: [sums[name] / self._count for sums in self._sums] for name in MEASURES}


@stage(version="1")
def measure_images(context: Context, model: Artifact, test: Split) -> Artifact:
    """Send test images through a network and measure them after each iteration.

    Config: ``shown``: how many images are kept.

    Returns:
        Tensors ``original`` and, for `shown_iterations`, ``iteration-01``: the first few, uint8.
        Data: ``scores``: measure → mean over images, one number per iteration; ``images``: how
        many; ``bytes``: of one image's packed code after each iteration; ``entropy``: of a bit
        over images, mean over an iteration's bits, one number per iteration; ``decoded``: largest
        difference of 8-bit values between what was measured and what the packed bytes alone give.
    """
    network = model_from(model)
    means = _Means()
    first: torch.Tensor | None = None
    at = 0
    for outputs in ladder(network, test.images, context):
        means.add(test.images[at : at + outputs.shape[1]], outputs)
        at += outputs.shape[1]
        first = outputs if first is None else first
    assert first is not None
    count = min(context.config["shown"], first.shape[1])
    tensors = {"original": test.images[:count]}
    for iteration in shown_iterations(len(first)):
        tensors[f"iteration-{iteration:02d}"] = first[iteration - 1, :count]
    data = {"scores": means.means(), "images": len(test), **_codes(network, test.images, first)}
    return Artifact(tensors, data)


def _codes(network: Any, images: torch.Tensor, outputs: torch.Tensor) -> dict[str, Any]:
    """What is told of the code of single images."""
    parts = []
    with torch.no_grad():
        for at in range(0, min(_CODED, len(images)), _BATCH):
            chosen = images[at : min(at + _BATCH, _CODED)]
            parts.append(network.encode(scaled(chosen, network.data_range)))
    codes = torch.cat(parts)
    sizes = [len(pack(codes[0, :count])) for count in range(1, codes.shape[1] + 1)]
    entropy = bit_entropy(codes > 0).flatten(1).mean(dim=1)
    some = codes[: min(_CHECKED, outputs.shape[1])]
    again = torch.stack([unpack(pack(code), code.shape) for code in some])
    with torch.no_grad():
        decoded = scaled_back(network.decode(again), network.data_range)
    apart = (decoded.to(torch.int16) - outputs[-1, : len(some)].to(torch.int16)).abs().max()
    return {"bytes": sizes, "entropy": entropy.tolist(), "decoded": int(apart)}


@stage(version="1")
def measure_photographs(context: Context, model: Artifact, photographs: Photographs) -> Artifact:
    """Send photographs through a network, in tiles and as a whole, and measure each iteration.

    Config: ``crop``: side in pixels of the part kept of the first photographs; ``shown``: of how
    many.

    Returns:
        Tensors ``original-0``, …, and ``tiles-0``, … (`shown_iterations`, 3, H, W): parts around
        the centre, uint8, put together from tiles; ``whole-0``, …: the same of photographs that
        went through as a whole. Data: ``tiles``: measure → mean over single tiles, one number per
        iteration; ``photographs``: measure → one list per photograph, put together from tiles, of
        one number per iteration; ``whole``: the same of photographs as a whole, for
        `shown_iterations` only; ``bytes``: one list per photograph, of all packed bits after each
        iteration; ``pixels``: one number per photograph; ``tile_count``.
    """
    network = model_from(model)
    means = _Means()
    tensors: dict[str, torch.Tensor] = {}
    found: dict[str, dict[str, list[list[float]]]] = {
        kind: {name: [] for name in MEASURES} for kind in ("photographs", "whole")
    }
    sizes, pixels, count = [], [], 0
    for place, image in enumerate(photographs.images):
        pieces = tiles(image, SIDE)
        parts = []
        at = 0
        for outputs in ladder(network, pieces, context):
            means.add(pieces[at : at + outputs.shape[1]], outputs)
            at += outputs.shape[1]
            parts.append(outputs)
        count += len(pieces)
        joined = torch.cat(parts, dim=1)
        size = (image.shape[1], image.shape[2])
        assembled = torch.stack([from_tiles(each, size) for each in joined])
        picked = [iteration - 1 for iteration in shown_iterations(len(assembled))]
        whole, codes = _whole(network, image, picked)
        for kind, images in (("photographs", assembled), ("whole", whole)):
            for name, values in _course(image, images, context).items():
                found[kind][name].append(values)
        sizes.append([len(pack(codes[:done])) for done in range(1, len(codes) + 1)])
        pixels.append(size[0] * size[1])
        if place < context.config["shown"]:
            crop = context.config["crop"]
            tensors[f"original-{place}"] = _centre(image, crop)
            tensors[f"tiles-{place}"] = _centre(assembled[picked], crop)
            tensors[f"whole-{place}"] = _centre(whole, crop)
    data = {
        "tiles": means.means(),
        **found,
        "bytes": sizes,
        "pixels": pixels,
        "tile_count": count,
    }
    return Artifact(tensors, data)


def _whole(
    network: Any, image: torch.Tensor, picked: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """A photograph that goes through at once: some iterations' images, and the whole code."""
    larger = network.for_images(*image.shape[1:])
    inputs = scaled(image[None], network.data_range)
    with torch.no_grad():
        outputs = larger.reconstructions(inputs)
        code = larger.encode(inputs)[0]
    chosen = torch.cat([outputs[place] for place in picked])
    return scaled_back(chosen, network.data_range), code


def _course(image: torch.Tensor, images: torch.Tensor, context: Context) -> dict[str, list[float]]:
    """Every measure of one photograph after each of some iterations."""
    values: dict[str, list[float]] = {name: [] for name in MEASURES}
    for each in images:
        if context.stop.is_set():
            raise StageStopped
        for name, score in scores(image[None], each[None]).items():
            values[name].append(float(score))
    return values


def _centre(images: torch.Tensor, side: int) -> torch.Tensor:
    """The middle of images (…, H, W), at most so many pixels a side."""
    height, width = images.shape[-2:]
    high, wide = min(side, height), min(side, width)
    top, left = (height - high) // 2, (width - wide) // 2
    return images[..., top : top + high, left : left + wide]
