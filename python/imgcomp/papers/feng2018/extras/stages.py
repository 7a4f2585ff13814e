"""Stages of feng2018's extras: denoisers, noisy inputs, compressed layers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from imgcomp.papers.common import fitted, image_errors, judged, model_from, trained_artifact
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder


@stage(version="1")
def train_denoiser(context: Context, train: Split, validation: Split) -> Artifact:
    """Train an autoencoder to give back clean images from noisy ones, noise drawn anew each epoch.

    Config: as `fitted` reads it; ``std`` of the Gaussian noise on the scale [0, 1].

    Returns:
        As `imgcomp.papers.common.train`; the validation columns are of clean inputs.
    """
    from imgcomp.preprocess import GaussianNoise, Pipeline, Scale

    preprocess = Pipeline([Scale(0.0, 1.0), GaussianNoise(context.config["std"])])
    model, history, tensors = fitted(context, train, validation=validation, preprocess=preprocess)
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
    from imgcomp.preprocess import GaussianNoise, Pipeline, SaltAndPepper, Scale

    if kind == "none":
        return images
    noise = GaussianNoise(level) if kind == "gaussian" else SaltAndPepper(level, 0.0, 1.0)
    noisy = Pipeline([Scale(0.0, 1.0), noise])(images, seed=seed)
    return (noisy.clamp(0, 1) * 255.0).round().to(torch.uint8)


def median_filter(images: torch.Tensor) -> torch.Tensor:
    """The median of each pixel's 3×3 neighbours, the border's pixels repeated outwards.

    Args:
        images: uint8, (N, C, H, W).
    """
    n, channels, height, width = images.shape
    padded = torch.nn.functional.pad(images.float(), (1, 1, 1, 1), mode="replicate")
    windows = torch.nn.functional.unfold(padded.reshape(-1, 1, height + 2, width + 2), 3)
    medians = windows.median(dim=1).values
    return medians.reshape(n, channels, height, width).to(torch.uint8)


Filter = Callable[[torch.Tensor], torch.Tensor]


def _pca(train: Split, counts: Sequence[int]) -> dict[str, Filter]:
    """Functions that send 8-bit images through so many principal components and back."""
    sample = train.images.flatten(1).to(torch.float64)
    mean = sample.mean(dim=0)
    _, directions = torch.linalg.eigh((sample - mean).T @ (sample - mean))

    def project(images: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
        output = mean + (images.flatten(1).to(torch.float64) - mean) @ basis @ basis.T
        return output.round().clamp(0, 255).to(torch.uint8).reshape(images.shape)

    return {
        f"pca-{count}": functools.partial(project, basis=directions[:, -count:]) for count in counts
    }


def _compared(classifier: Any, test: Split, images: torch.Tensor) -> dict[str, float]:
    """Errors against the clean images, and the classifier's verdict."""
    accuracy = judged(classifier, images, test.labels)["accuracy"]
    return {**image_errors(test.images, images), "accuracy": accuracy}


@stage(version="1")
def noisy_inputs(
    context: Context, classifier: Artifact, train: Split, test: Split, **models: Artifact
) -> Artifact:
    """Send noisy test images through autoencoders and trivial filters.

    Config: ``noises``: list of [kind, level] as `add_noise` takes them; ``seed`` of the noise;
    ``components``: of PCA, fitted to the clean training images; ``shown``: how many images to keep
    of each noise.

    Returns:
        Data: a list, for each noise: ``kind``, ``level``, ``found``: name → `image_errors` against
        the clean images, and ``accuracy``. Names: ``noisy``, ``median``, ``pca-K`` and those of
        `models`. Tensors: ``PLACE/NAME``, the first images of the noise at that place of the list.
    """
    judge = model_from(classifier)
    filters: dict[str, Filter] = {
        "noisy": lambda images: images,
        "median": median_filter,
        **_pca(train, context.config["components"]),
    }
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
            found[name] = _compared(judge, test, output)
            tensors[f"{place}/{name}"] = output[: context.config["shown"]]
        rows.append({"kind": kind, "level": level, "found": found})
    return Artifact(tensors, {"noises": rows})


@stage(version="1")
def compress_layers(
    context: Context, model: Artifact, classifier: Artifact, train: Split, test: Split
) -> Artifact:
    """Make an autoencoder's dense layers smaller, with and without training what is left.

    Config: ``method``: ``none``, ``prune`` (``share``), ``product`` (``length``, ``codewords``),
    ``uniform`` (``bits``); ``seed``; ``tune_epochs`` (0 or missing: no fine-tuning), ``tune_lr``,
    ``tune_batch``.

    Returns:
        Data: ``bytes`` of the network's file and ``packed`` by LZMA; ``plain``: `image_errors` and
        ``accuracy`` of its reconstructions; ``tuned``: the same after fine-tuning, and its
        ``packed``; None where there is nothing to tune.
    """
    from imgcomp.models.compress import (
        CompressedModel,
        fine_tune,
        product_quantize,
        prune,
        uniform_quantize,
    )

    config = context.config
    network, judge = model_from(model), model_from(classifier)

    def verdict(compressed: CompressedModel) -> dict[str, float]:
        output = cast("Autoencoder", compressed.model).reconstruct(test.images)
        return _compared(judge, test, output)

    small = CompressedModel(network)
    if config["method"] == "prune":
        small = prune(network, config["share"])
    elif config["method"] == "product":
        small = product_quantize(
            network, config["length"], config["codewords"], seed=config["seed"]
        )
    elif config["method"] == "uniform":
        small = uniform_quantize(network, config["bits"])
    data: dict[str, Any] = {
        "bytes": small.num_bytes,
        "packed": small.packed_bytes(),
        "plain": verdict(small),
        "tuned": None,
    }
    if config.get("tune_epochs"):
        if context.stop.is_set():
            raise StageStopped
        tuned = fine_tune(
            small,
            train,
            epochs=config["tune_epochs"],
            lr=config["tune_lr"],
            batch_size=config["tune_batch"],
            seed=config["seed"],
        )
        data["tuned"] = {**verdict(tuned), "packed": tuned.packed_bytes()}
    return Artifact({}, data)
