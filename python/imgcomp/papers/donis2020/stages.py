"""donis2020: stages that train, measure every epoch, and look at what comes out in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from imgcomp.models.pixels import scaled
from imgcomp.papers.common import epoch_name, fitted, model_from, trained_artifact
from imgcomp.papers.measures import bit_entropy
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

VARIANTS = {
    "adaptive": "MS-SSIM, adaptive",
    "renormalised": "MS-SSIM, window 7, 3 scales, renormalised",
    "ssim": "SSIM",
}
"""What is called similarity: key → name for people."""
PSNR_LIMIT = 99.0
"""Decibels that an image without any error counts as, as in `imgcomp.papers.common`."""
_CHUNK = 1000


@stage(version="1")
def train_epochs(context: Context, train: Split) -> Artifact:
    """Train a network and keep it after every epoch.

    Config: as `imgcomp.papers.common.fitted` reads it.

    Returns:
        As `imgcomp.papers.common.train`, without validation columns. Data also: ``images``: how
        many it was trained on.
    """
    model, history, kept = fitted(context, train)
    found = trained_artifact(model, history, kept)
    return Artifact(found.tensors, {**found.data, "images": len(train)})


def similarities(originals: torch.Tensor, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every variant of similarity of 8-bit images; key of `VARIANTS` → float64 (N,)."""
    from imgcomp import metrics

    return {
        "adaptive": metrics.ms_ssim(originals, images),
        "renormalised": metrics.ms_ssim(originals, images, "renormalised"),
        "ssim": metrics.ssim(originals, images),
    }


def image_measures(originals: torch.Tensor, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """What is measured of each image.

    Args:
        originals: uint8, (N, 3, H, W).
        images: The same shape.

    Returns:
        float64 (N,) each: `similarities`; ``psnr`` in dB (peak 255); ``residual``: mean absolute
        residual on the scale [0, 1].
    """
    from imgcomp import metrics

    parts = []
    for at in range(0, len(originals), _CHUNK):
        one, other = originals[at : at + _CHUNK], images[at : at + _CHUNK]
        residual = (one.to(torch.float32) - other.to(torch.float32)).abs().flatten(1).mean(dim=1)
        parts.append(
            {
                **similarities(one, other),
                "psnr": metrics.psnr(one, other).clamp(max=PSNR_LIMIT),
                "residual": residual.to(torch.float64) / 255.0,
            }
        )
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def variation(originals: torch.Tensor, images: torch.Tensor) -> float:
    """How much images differ from each other, as a share of how much their originals do.

    Variance over the images, pixel by pixel, then the mean; 0 where all images are the same.
    """

    def spread(batch: torch.Tensor) -> float:
        return float(batch.flatten(1).to(torch.float64).var(dim=0, correction=0).mean())

    return spread(images) / max(spread(originals), 1e-12)


def colour_planes(images: torch.Tensor) -> torch.Tensor:
    """Luma and chroma as JPEG files have them (ITU-R BT.601, full range).

    Args:
        images: uint8, (N, 3, H, W), RGB.

    Returns:
        float64, (N, 3, H, W): Y from 0 to 255, Cb and Cr from −128 to 128, 0 without colour.
    """
    weights = torch.tensor(
        [
            [0.299, 0.587, 0.114],
            [-0.168735892, -0.331264108, 0.5],
            [0.5, -0.418687589, -0.081312411],
        ],
        dtype=torch.float64,
    )
    return torch.einsum("ij,njhw->nihw", weights, images.to(torch.float64))


def colour_errors(originals: torch.Tensor, images: torch.Tensor) -> dict[str, float]:
    """How much of luma and of chroma is lost, and how colourful the images still are.

    Args:
        originals: uint8, (N, 3, H, W).
        images: The same shape.

    Returns:
        ``luma`` and ``chroma``: squared error over the variance of the originals, all pixels of
        all images together (1: as bad as the one best constant); ``luma_mse`` and ``chroma_mse``
        (squared grey levels, Cb and Cr added); ``kept``: mean of Cb² + Cr² of the images over that
        of the originals. What would be divided by nothing, with gray originals, is 0.
    """
    sums: dict[str, float] = {}
    total = torch.zeros(3, dtype=torch.float64)
    squares, errors, kept = total.clone(), total.clone(), total.clone()
    pixels = originals[:, 0].numel()
    for at in range(0, len(originals), _CHUNK):
        x = colour_planes(originals[at : at + _CHUNK])
        y = colour_planes(images[at : at + _CHUNK])
        total += x.sum(dim=(0, 2, 3))
        squares += x.square().sum(dim=(0, 2, 3))
        errors += (x - y).square().sum(dim=(0, 2, 3))
        kept += y.square().sum(dim=(0, 2, 3))
    variance = squares / pixels - (total / pixels).square()
    mse = errors / pixels
    # Gray images have rounding errors for chroma.
    gray = float(squares[1:].sum()) < 1e-9 * float(squares[0])
    sums["luma_mse"], sums["chroma_mse"] = float(mse[0]), float(mse[1:].sum())
    sums["luma"] = float(mse[0] / variance[0])
    sums["chroma"] = 0.0 if gray else float(mse[1:].sum() / variance[1:].sum())
    sums["kept"] = 0.0 if gray else float(kept[1:].sum() / squares[1:].sum())
    return sums


def means(measures: dict[str, torch.Tensor]) -> dict[str, float]:
    """The mean of each measure over the images."""
    return {name: float(values.mean()) for name, values in measures.items()}


@stage(version="2")
def measure_epochs(context: Context, model: Artifact, train: Split, test: Split) -> Artifact:
    """Send training and test images through a network as it was after each epoch.

    Returns:
        Data: ``train`` and ``test`` → measure → one number per epoch: those of `image_measures`
        (means over images) and `variation`; ``train_images``, ``test_images``: how many;
        ``training``: its ``history`` and ``images``, so that nobody who has these numbers needs
        the weights of every epoch.
    """
    epochs = len(model.data["history"]["loss"])
    found: dict[str, dict[str, list[float]]] = {"train": {}, "test": {}}
    for epoch in range(1, epochs + 1):
        network = model_from(model, epoch_name(epoch) if epoch < epochs else "final")
        for part, split in (("train", train), ("test", test)):
            if context.stop.is_set():
                raise StageStopped
            images = network.reconstruct(split.images)
            numbers = {
                **means(image_measures(split.images, images)),
                "variation": variation(split.images, images),
            }
            for name, value in numbers.items():
                found[part].setdefault(name, []).append(value)
    training = {key: model.data[key] for key in ("history", "images")}
    counts = {"train_images": len(train), "test_images": len(test)}
    return Artifact({}, {**found, **counts, "training": training})


@stage(version="1")
def look(context: Context, model: Artifact, test: Split) -> Artifact:
    """The test images as the trained network gives them back: the best, the worst, and colours.

    Config: ``shown``: how many images of each.

    Returns:
        Tensors ``first``, ``best`` and ``worst`` (by adaptive MS-SSIM), uint8, and
        ``first_originals``, …; ``per_image``: float64 (N,), adaptive MS-SSIM. Data: means as in
        `image_measures`; ``colour``: `colour_errors`; ``variation``; ``best`` and ``worst``:
        adaptive MS-SSIM of those shown; ``codes``: number of different codes; ``entropy``: mean
        over the code's bits of the entropy that a bit has over the images, in bits.
    """
    network = model_from(model)
    images = network.reconstruct(test.images)
    measures = image_measures(test.images, images)
    count = min(context.config["shown"], len(test))
    order = measures["adaptive"].argsort(descending=True, stable=True)
    chosen = {"first": torch.arange(count), "best": order[:count], "worst": order.flip(0)[:count]}
    tensors: dict[str, torch.Tensor] = {"per_image": measures["adaptive"]}
    for name, places in chosen.items():
        tensors[name] = images[places]
        tensors[f"{name}_originals"] = test.images[places]
    data: dict[str, Any] = {
        **means(measures),
        "colour": colour_errors(test.images, images),
        "variation": variation(test.images, images),
        **_code_use(network, test.images),
    }
    for name in ("best", "worst"):
        data[name] = measures["adaptive"][chosen[name]].tolist()
    return Artifact(tensors, data)


def _code_use(network: Any, images: torch.Tensor) -> dict[str, float]:
    codes = []
    with torch.no_grad():
        for at in range(0, len(images), 500):
            inputs = scaled(images[at : at + 500], network.data_range)
            codes.append((network.encode(inputs) > 0).flatten(1))
    bits = torch.cat(codes)
    entropy = float(bit_entropy(bits).mean())
    return {"codes": len(torch.unique(bits, dim=0)), "entropy": entropy}
