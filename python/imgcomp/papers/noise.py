"""Noisy images: made, filtered in trivial ways, and sent through networks that may remove noise."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from imgcomp.models.pixels import as_bytes
from imgcomp.papers.common import (
    fitted,
    image_errors,
    judged,
    model_from,
    principal_directions,
    trained_artifact,
)
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Model
    from imgcomp.preprocess import GaussianNoise, SaltAndPepper

Filter = Callable[[torch.Tensor], torch.Tensor]


def _noise(kind: str, level: float) -> GaussianNoise | SaltAndPepper:
    from imgcomp.preprocess import GaussianNoise, SaltAndPepper

    return GaussianNoise(level) if kind == "gaussian" else SaltAndPepper(level, 0.0, 1.0)


@stage(version="1")
def train_denoiser(
    context: Context, train: Split, validation: Split, start: Artifact | None = None
) -> Artifact:
    """Train an autoencoder to give back clean images from noisy ones, noise drawn anew each epoch.

    Config: as `imgcomp.papers.common.fitted` reads it; ``noise``: [kind, level] as `add_noise`
    takes them, or ``std`` of Gaussian noise on the scale [0, 1].

    Args:
        context: Of the stage.
        train: Clean images.
        validation: Likewise.
        start: A training of the same network whose final weights this one begins with.

    Returns:
        As `imgcomp.papers.common.train`; the validation columns are of clean inputs.
    """
    from imgcomp.preprocess import Pipeline, Scale

    config = context.config
    kind, level = config["noise"] if "noise" in config else ("gaussian", config["std"])
    preprocess = Pipeline([Scale(0.0, 1.0), _noise(kind, level)])

    def prepare(model: Model) -> None:
        if start is not None:
            model.load_state_dict(model_from(start).state_dict())

    model, history, tensors = fitted(
        context, train, prepare=prepare, validation=validation, preprocess=preprocess
    )
    return trained_artifact(model, history, tensors)


def add_noise(images: torch.Tensor, kind: str, level: float, seed: int) -> torch.Tensor:
    """8-bit images with noise, clipped and rounded back to 8 bits, as a camera would give them.

    Args:
        images: uint8, (N, C, H, W).
        kind: ``none``, ``gaussian`` or ``salt and pepper``.
        level: Standard deviation on the scale [0, 1]; or the share of pixels that become black or
            white.
        seed: Of the noise.
    """
    from imgcomp.preprocess import Pipeline, Scale

    if kind == "none":
        return images
    noisy = Pipeline([Scale(0.0, 1.0), _noise(kind, level)])(images, seed=seed)
    return (noisy.clamp(0, 1) * 255.0).round().to(torch.uint8)


def _windows(images: torch.Tensor, side: int) -> torch.Tensor:
    """(N·C, side², H·W): each pixel's neighbours, the border's pixels repeated outwards."""
    height, width = images.shape[2:]
    half = side // 2
    padded = torch.nn.functional.pad(images.float(), (half,) * 4, mode="replicate")
    single = padded.reshape(-1, 1, height + 2 * half, width + 2 * half)
    return torch.nn.functional.unfold(single, side)


def median_filter(images: torch.Tensor) -> torch.Tensor:
    """The median of each pixel's 3×3 neighbours, the border's pixels repeated outwards.

    Args:
        images: uint8, (N, C, H, W).
    """
    return _windows(images, 3).median(dim=1).values.reshape(images.shape).to(torch.uint8)


def gaussian_filter(images: torch.Tensor, std: float) -> torch.Tensor:
    """Means weighted by a normal density, cut at 4 `std`, the border's pixels repeated outwards.

    Args:
        images: uint8, (N, C, H, W).
        std: In pixels, above 0.
    """
    half = max(1, math.floor(4 * std + 0.5))
    line = torch.exp(-0.5 * (torch.arange(-half, half + 1, dtype=torch.float32) / std) ** 2)
    line /= line.sum()
    height, width = images.shape[2:]
    single = images.float().reshape(-1, 1, height, width)
    padded = torch.nn.functional.pad(single, (half,) * 4, mode="replicate")
    rows = torch.nn.functional.conv2d(padded, line.reshape(1, 1, -1, 1))
    smooth = torch.nn.functional.conv2d(rows, line.reshape(1, 1, 1, -1))
    return as_bytes(smooth).reshape(images.shape)


def _pca(train: Split, counts: Sequence[int]) -> dict[str, Filter]:
    """Functions that send 8-bit images through so many principal components and back."""
    mean, directions = principal_directions(train.images.flatten(1).to(torch.float64))

    def project(images: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
        output = mean + (images.flatten(1).to(torch.float64) - mean) @ basis @ basis.T
        return as_bytes(output).reshape(images.shape)

    return {
        f"pca-{count}": functools.partial(project, basis=directions[:, -count:]) for count in counts
    }


def compared(classifier: Any, test: Split, images: torch.Tensor) -> dict[str, float]:
    """Errors of 8-bit images against the clean ones, and the classifier's ``accuracy`` on them."""
    accuracy = judged(classifier, images, test.labels)["accuracy"]
    return {**image_errors(test.images, images), "accuracy": accuracy}


@stage(version="1")
def noisy_inputs(
    context: Context, classifier: Artifact, train: Split, test: Split, **models: Artifact
) -> Artifact:
    """Send noisy test images through autoencoders and trivial filters.

    Config: ``noises``: list of [kind, level] as `add_noise` takes them; ``seed`` of the noise;
    ``components``: of PCA, fitted to the clean training images; ``smoothing``: deviations of
    `gaussian_filter`, none by default; ``shown``: how many images to keep of each noise.

    Returns:
        Data: a list, for each noise: ``kind``, ``level``, ``found``: name → `image_errors` against
        the clean images, and ``accuracy``. Names: ``noisy``, ``median``, ``gaussian-STD``,
        ``pca-K`` and those of `models`. Tensors: ``PLACE/NAME``, the first images of the noise at
        that place of the list.
    """
    judge = model_from(classifier)
    filters: dict[str, Filter] = {
        "noisy": lambda images: images,
        "median": median_filter,
        **_pca(train, context.config["components"]),
    }
    for std in context.config.get("smoothing", ()):
        filters[f"gaussian-{std:g}"] = functools.partial(gaussian_filter, std=std)
    filters |= {name: model_from(artifact).reconstruct for name, artifact in models.items()}
    rows: list[dict[str, Any]] = []
    tensors: dict[str, torch.Tensor] = {}
    for place, (kind, level) in enumerate(context.config["noises"]):
        noisy = add_noise(test.images, kind, level, context.config["seed"])
        found = {}
        for name, apply in filters.items():
            if context.stop.is_set():
                raise StageStopped
            output = apply(noisy)
            found[name] = compared(judge, test, output)
            tensors[f"{place}/{name}"] = output[: context.config["shown"]]
        rows.append({"kind": kind, "level": level, "found": found})
    return Artifact(tensors, {"noises": rows})
