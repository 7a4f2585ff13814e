"""Classifiers that judge reconstructions: one good network for a data set, trained on originals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imgcomp.papers.common import fitted, trained_artifact
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

_FILTERS = (32, 64, 128)
_SHIFT = 3
"""Pixels by which photographs are shifted at most."""


def judge_config(
    image_shape: Sequence[int],
    num_classes: int,
    *,
    epochs: int,
    seed: int = 0,
    precision: str = "fp32",
    device: str = "cpu",
) -> dict[str, Any]:
    """The configuration of a `judge`: a small network, Adam, a rate that falls along a cosine.

    Gray images get buell2022's network. Colour images are taken for photographs: they get
    convolutions with 32, 64 and 128 filters, each before a pooling, which cost as much and learn
    photographs far better, and are flipped and shifted at random in training.

    Args:
        image_shape: (C, H, W) of the images, at least 16×16.
        num_classes: Of the data set.
        epochs: For how long it is trained.
        seed: Of the weights and of the order.
        precision: As `imgcomp.FitConfig` takes it.
        device: Where it is trained.
    """
    from imgcomp import models

    channels, height, width = image_shape
    if channels == 3:
        spec = _photograph_judge((channels, height, width), num_classes)
    else:
        spec = models.buell2022((channels, height, width), num_classes).spec
    return {
        "spec": spec,
        "seed": seed,
        "fit": {
            "seed": seed,
            "precision": precision,
            "objective": "cross_entropy",
            "optimizer": "adam",
            "lr": 1e-3,
            "schedule": "cosine",
            "batch_size": 128,
            "epochs": epochs,
        },
        "device": device,
        "shift": _SHIFT if channels == 3 else 0,
        "flip": channels == 3,
    }


def _photograph_judge(image_shape: tuple[int, int, int], num_classes: int) -> dict[str, Any]:
    from imgcomp.models import classifier_spec
    from imgcomp.models import layers as nn

    layers: list[nn.LayerSpec] = []
    for filters in _FILTERS:
        layers += [nn.conv2d(filters, 3, padding=1), nn.relu(), nn.max_pool2d(2)]
    layers += [nn.flatten(), nn.dropout(0.3), nn.dense(num_classes)]
    return classifier_spec(image_shape, layers, data_range=(-1.0, 1.0), initialization="keras")


@stage(version="1")
def judge(context: Context, train: Split, validation: Split) -> Artifact:
    """Train a classifier on originals, for `classify` and `judge_by_class`.

    Config: `judge_config`.

    Returns:
        As `imgcomp.papers.common.train`; the validation columns are of images as they are.
    """
    from imgcomp.preprocess import Pipeline, RandomFlip, RandomShift
    from imgcomp.preprocess.steps import Step

    config = context.config
    low, _ = config["spec"]["data_range"]
    steps: list[Step] = []
    if config["flip"]:
        steps.append(RandomFlip())
    if config["shift"]:
        steps.append(RandomShift(config["shift"], fill=low))
    model, history, tensors = fitted(
        context, train, validation=validation, preprocess=Pipeline(steps) if steps else None
    )
    return trained_artifact(model, history, tensors)
