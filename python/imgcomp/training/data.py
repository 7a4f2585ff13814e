"""What may be trained on: a split of a data set, images alone, or images and labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import torch

from imgcomp import _core
from imgcomp.errors import UsageError
from imgcomp.models.model import ArrayLike, Classifier, Model, as_tensor
from imgcomp.preprocess.pipeline import Pipeline, for_training


@runtime_checkable
class LabelledImages(Protocol):
    """Anything with ``images`` and ``labels``, such as a split of :mod:`imgcomp.datasets`."""

    @property
    def images(self) -> torch.Tensor:
        """(N, C, H, W)."""

    @property
    def labels(self) -> torch.Tensor:
        """int64 (N,)."""


FitData: TypeAlias = LabelledImages | ArrayLike | tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True)
class ImageData:
    """Images, what they are compared with, and labels, as the core takes them."""

    images: torch.Tensor
    targets: torch.Tensor | None
    labels: torch.Tensor | None
    preprocess: Pipeline | None = None

    def core_pipeline(self, model: Model) -> _core.Pipeline | None:
        """The preprocessing, compiled for these images."""
        if self.preprocess is None:
            return None
        low, high = model.data_range
        return for_training(self.preprocess, self.images, (low, high))

    def fingerprint(self) -> str:
        """SHA-256 over everything, to tell whether a run goes on with the data it began with."""
        digest = hashlib.sha256()
        if self.preprocess is not None:
            digest.update(f"preprocess {self.preprocess.fingerprint}\n".encode())
        for tensor in (self.images, self.targets, self.labels):
            if tensor is None:
                digest.update(b"none\n")
            else:
                digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
                digest.update(tensor.detach().cpu().contiguous().numpy().data)
        return digest.hexdigest()


def image_data(
    data: FitData, targets: ArrayLike | None, what: str, preprocess: Pipeline | None = None
) -> ImageData:
    """Brings ``data`` to tensors.

    Raises:
        UsageError: it is none of the things that may be trained on.
    """
    labels: ArrayLike | None = None
    if isinstance(data, tuple):
        if len(data) != 2:
            raise UsageError(f"{what} must be (images, labels), not a tuple of {len(data)}")
        images, labels = data
    elif isinstance(data, LabelledImages):
        images, labels = data.images, data.labels
    else:
        images = data
    if hasattr(data, "train") and hasattr(data, "test"):
        raise UsageError(f"{what} must be one split of a data set: pass .train or .test")
    label_tensor = None
    if labels is not None:
        label_tensor = as_tensor(labels, f"{what} labels")
        if not label_tensor.is_floating_point():
            label_tensor = label_tensor.long()
    return ImageData(
        _images(images, f"{what} images"),
        None if targets is None else _images(targets, f"{what} targets"),
        label_tensor,
        preprocess,
    )


def check_pipeline(name: str, pipeline: object) -> None:
    """UsageError for anything but a pipeline or None."""
    if pipeline is not None and not isinstance(pipeline, Pipeline):
        raise UsageError(
            f"{name} must be an imgcomp.preprocess.Pipeline, not {type(pipeline).__name__}"
        )


def check_targets(model: Model, data: ImageData) -> None:
    """UsageError for target images of a network that gives no images."""
    if data.targets is not None and isinstance(model, Classifier):
        raise UsageError("targets are images for an autoencoder; a classifier is given labels")


def _images(images: ArrayLike, what: str) -> torch.Tensor:
    tensor = as_tensor(images, what)
    return tensor.float() if tensor.dtype == torch.float64 else tensor
