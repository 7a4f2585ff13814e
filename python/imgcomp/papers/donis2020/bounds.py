"""donis2020: what needs no network: trivial rivals at the code's bits, and the Gaussian bound.

An image is a vector; the Gaussian with the training images' mean and covariance has a known
rate–distortion function (reverse water-filling over principal components), and a known test channel
that reaches it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from imgcomp.models.pixels import as_bytes
from imgcomp.papers.common import principal_directions
from imgcomp.papers.donis2020.stages import colour_errors, colour_planes, image_measures, means
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

COMPONENTS = ("mean", "directions", "variances")
"""Tensors of `principal_components`."""
_LLOYD_STEPS = 60
_FITTED = 20_000
"""Training images that a quantiser's levels are fitted to."""


def water_level(variances: torch.Tensor, bits: float) -> float:
    """The distortion that each component above it is left with when so many bits are spent.

    Args:
        variances: float64 (D,), positive.
        bits: Σ max(0, ½ log₂(variance / level)), at least 0.
    """
    low, high = -700.0, math.log(float(variances.max()))
    logs = variances.log()
    for _ in range(200):
        middle = 0.5 * (low + high)
        spent = float((logs - middle).clamp(min=0).sum()) / (2 * math.log(2))
        low, high = (middle, high) if spent > bits else (low, middle)
    return math.exp(high)


def allocate(variances: torch.Tensor, bits: int) -> list[int]:
    """Whole bits for each component, one after the other to where they help most.

    A bit is taken to divide a component's squared error by four.

    Args:
        variances: float64 (D,).
        bits: How many there are to spend.

    Returns:
        Bits of each component, adding up to `bits`.
    """
    import heapq

    found = [0] * len(variances)
    queue = [(-float(value), place) for place, value in enumerate(variances)]
    heapq.heapify(queue)
    for _ in range(bits):
        value, place = heapq.heappop(queue)
        found[place] += 1
        heapq.heappush(queue, (value / 4, place))
    return found


def lloyd_levels(values: torch.Tensor, bits: int) -> torch.Tensor:
    """The 2^bits levels that quantise numbers with least squared error, by Lloyd's iteration.

    Args:
        values: float64 (N,).
        bits: At least 1.

    Returns:
        float64, ascending; no more than there are different numbers.
    """
    count = 2**bits
    places = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    ordered = values.sort().values
    levels: torch.Tensor = torch.unique(ordered[(places * len(ordered)).long()])
    sums = torch.cat([ordered.new_zeros(1), ordered.cumsum(0)])
    for _ in range(_LLOYD_STEPS):
        borders = torch.searchsorted(ordered, 0.5 * (levels[1:] + levels[:-1]))
        ends = torch.cat([borders.new_zeros(1), borders, borders.new_tensor([len(ordered)])])
        counts = ends.diff()
        centres = (sums[ends[1:]] - sums[ends[:-1]]) / counts.clamp(min=1)
        levels = torch.where(counts > 0, centres, levels).sort().values
    return levels


def quantise(values: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Each number (N,) replaced by the nearest level."""
    return levels[torch.bucketize(values.contiguous(), 0.5 * (levels[1:] + levels[:-1]))]


def _bytes(vectors: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return as_bytes(vectors * 255.0).reshape(shape)


def _vectors(split: Split, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return split.images.flatten(1).to(dtype) / 255.0


def _statistics(split: Split) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean (D,), directions (D, K) and variances (K,) of images, largest variance first.

    Summed piece by piece: a hundred thousand images as float64 would take gigabytes.
    """
    count, size = len(split), split.images[0].numel()
    if count < size:
        vectors = _vectors(split)
        mean, directions = principal_directions(vectors)
        directions = directions.flip(1)
        return mean, directions, ((vectors - mean) @ directions).square().mean(dim=0)
    total = torch.zeros(size, dtype=torch.float64)
    products = torch.zeros(size, size, dtype=torch.float64)
    for at in range(0, count, 10_000):
        part = split.images[at : at + 10_000].flatten(1).to(torch.float32) / 255.0 - 0.5
        total += part.to(torch.float64).sum(dim=0)
        products += (part.T @ part).to(torch.float64)
    mean = total / count
    covariance = products / count - torch.outer(mean, mean)
    variances, directions = torch.linalg.eigh(covariance)
    kept = variances > 1e-7 * variances[-1]
    return mean + 0.5, directions[:, kept].flip(1), variances[kept].flip(0)


@stage(version="1")
def principal_components(context: Context, train: Split) -> Artifact:
    """The mean of images and the directions in which they vary.

    Returns:
        Tensors, float64: ``mean`` (D,); ``directions`` (D, K) and ``variances`` (K,), the largest
        first; pixels on the scale [0, 1], no more than the images span. Data: ``images``.
    """
    mean, directions, variances = _statistics(train)
    tensors = {"mean": mean, "directions": directions.contiguous(), "variances": variances}
    return Artifact(tensors, {"images": len(train)})


def _judged(originals: torch.Tensor, images: torch.Tensor) -> dict[str, Any]:
    return {
        **means(image_measures(originals, images)),
        "colour": colour_errors(originals, images),
    }


@stage(version="1")
def rivals(context: Context, components: Artifact, train: Split, test: Split) -> Artifact:
    """Test images as a constant, the mean image, PCA in the code's bits, and without any colour.

    Config: ``bits``: of an image's code; ``shown``: how many images to keep.

    Args:
        context: Of the stage.
        components: `principal_components` of `train`.
        train: What the quantisers and the median are fitted to.
        test: What is sent.

    Returns:
        Tensors ``constant``, ``mean``, ``median``, ``pca``, ``gray``: the first images. Data: name
        → means of `image_measures` and ``colour``; ``components``: how many principal components
        got bits. ``gray`` is the original's luma in all three planes: everything but colour.
    """
    mean, directions, variances = (components[name] for name in COMPONENTS)
    shape = test.images.shape
    spent = allocate(variances, context.config["bits"])
    used = [place for place, bits in enumerate(spent) if bits]
    basis = directions[:, used]
    seen = (_vectors(train.take(min(_FITTED, len(train)))) - mean) @ basis
    code = (_vectors(test) - mean) @ basis
    sent = torch.stack(
        [
            quantise(code[:, place], lloyd_levels(seen[:, place], spent[component]))
            for place, component in enumerate(used)
        ],
        dim=1,
    )
    luma = as_bytes(colour_planes(test.images)[:, :1])
    sample = train.images[:_FITTED]
    outputs = {
        "constant": _bytes(mean.mean().expand(len(test), mean.numel()), shape),
        "mean": _bytes(mean.expand(len(test), -1), shape),
        "median": sample.median(dim=0).values.expand(shape),
        "pca": _bytes(mean + sent @ basis.T, shape),
        "gray": luma.expand(-1, 3, -1, -1),
    }
    kept = context.config["shown"]
    return Artifact(
        {name: images[:kept].contiguous() for name, images in outputs.items()},
        {
            **{name: _judged(test.images, images) for name, images in outputs.items()},
            "components": len(used),
        },
    )


@stage(version="1")
def gaussian_bound(context: Context, components: Artifact, test: Split) -> Artifact:
    """What an ideal code reaches that knows the images' mean and covariance, and no more.

    The test images go through the Gaussian's optimal test channel: each principal component is
    shrunk and gets noise, so that the mutual information of a Gaussian would be the given bits.
    Codes that know more of photographs can do better; those of finite length do worse.

    Config: ``bits``: list; ``seed`` of the noise; ``shown``: how many images to keep.

    Args:
        context: Of the stage.
        components: `principal_components` of training images.
        test: What is sent.

    Returns:
        Tensors ``bits-K``: the first images. Data: ``points``: list of ``bits``, ``mse`` (the
        rate–distortion function, scale [0, 1]), ``psnr_of_mse`` in dB, ``components`` above the
        water level, and the means of `image_measures` of the test images behind the channel.
    """
    mean, directions, variances = (components[name] for name in COMPONENTS)
    size = mean.numel()
    # The projections need no more than single precision.
    centre, basis = mean.to(torch.float32), directions.to(torch.float32)
    code = (_vectors(test, torch.float32) - centre) @ basis
    draws = torch.Generator().manual_seed(context.config["seed"])
    points, tensors = [], {}
    for bits in context.config["bits"]:
        if context.stop.is_set():
            raise StageStopped
        level = water_level(variances, bits)
        gain = (1.0 - level / variances).clamp(min=0.0).to(torch.float32)
        sent = torch.randn(code.shape, generator=draws).mul_((level * gain).sqrt())
        sent.addcmul_(code, gain)
        images = _bytes(centre + sent @ basis.T, test.images.shape)
        distortion = float(variances.clamp(max=level).sum()) / size
        name = f"bits-{bits:g}"
        tensors[name] = images[: context.config["shown"]]
        points.append(
            {
                "bits": float(bits),
                "mse": distortion,
                "psnr_of_mse": -10 * math.log10(max(distortion, 1e-12)),
                "components": int((gain > 0).sum()),
                **means(image_measures(test.images, images)),
            }
        )
    return Artifact(tensors, {"points": points})
