"""Classifiers that judge reconstructions: one good network for a data set, trained on originals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imgcomp.papers.common import fitted, trained_artifact
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

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
    """The configuration of a `judge`: buell2022's network, Adam, a rate that falls along a cosine.

    Colour images are taken for photographs and flipped and shifted at random in training; gray ones
    for drawings, whose left and right matter.

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
    network = models.buell2022((channels, height, width), num_classes)
    return {
        "spec": network.spec,
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
