"""buell2022: its two stages: train and test with preprocessing, and look at what goes in."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import torch

from imgcomp.papers.buell2022.cases import CASES, recipe
from imgcomp.papers.common import epoch_name, fitted, model_from, trained_artifact
from imgcomp.papers.measures import png_bytes
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Classifier
    from imgcomp.preprocess import Pipeline

RUNNING = ("running_loss", "running_precision", "running_recall")
"""What is kept of every batch: what Keras shows after it."""


def stored_images(given: Mapping[str, Any], images: torch.Tensor) -> torch.Tensor:
    """The bytes that are kept of 8-bit images: themselves, or pooled and rounded to 8 bits."""
    from imgcomp.preprocess import Pipeline, Pool

    if given.get("stored", "float") == "float":
        return images
    pooled: torch.Tensor = Pipeline([Pool(given["window"], given["step"])])(images)
    return pooled.round_().clamp_(0, 255).to(torch.uint8)


def pipeline_for(given: Mapping[str, Any], stored: torch.Tensor, size: tuple[int, int]) -> Pipeline:
    """From the kept bytes to what the network sees.

    Args:
        given: As `cases.recipe` makes it.
        stored: The images that the scaling is computed from, as `stored_images` gives them.
        size: (H, W) that the network takes.
    """
    from imgcomp.preprocess import Pipeline, PoolSpline, Scale, Spline, Standardize, statistics

    scaling: Scale | Standardize = Scale(0, 255)
    if given["scaling"] == "standard":
        scaling = Standardize.from_statistics(statistics(stored, per="pixel"))
    if "window" not in given:
        return Pipeline([scaling])
    if given["stored"] == "8bit":
        return Pipeline([scaling, Spline(size, given["order"])])
    return Pipeline([scaling, PoolSpline(given["window"], given["step"], size, given["order"])])


@stage(version="1")
def train_and_test(context: Context, pool: Split) -> Artifact:
    """Split a pool of images in two, train a classifier on one part, and test it on the other.

    Config: ``spec``, ``seed``, ``fit``, ``device`` as `imgcomp.papers.common.fitted` reads them;
    ``share`` of the training part and ``split_seed``; ``images``: `cases.recipe`.

    Returns:
        Tensors ``final/NAME``; `RUNNING`, float32, one value per batch; ``confusion`` (K, K)
        int64, row = class. Data: that of `trained_artifact`; ``train`` and ``test`` (numbers of
        images), ``scores`` of the test part (macro ``precision``, ``recall``, ``f1``;
        ``accuracy``; all shares), ``by_epoch``: the same after each of ``keep_epochs``, by the
        epoch's number.
    """
    config = context.config
    given = config["images"]
    train, test = pool.split(config["share"], seed=config["split_seed"])
    train_images = stored_images(given, train.images)
    test_images = stored_images(given, test.images)
    size = pool.image_shape[1:]
    whole = given.get("fit_on") == "all"
    sample = stored_images(given, pool.images) if whole else train_images
    pipeline = pipeline_for(given, sample, size)
    model, history, kept = fitted(context, (train_images, train.labels), preprocess=pipeline)
    scores, confusion = _test(cast("Classifier", model), pipeline, test_images, test.labels)
    trained = trained_artifact(model, history)
    by_epoch = {
        str(epoch): _test(
            model_from(Artifact(kept, trained.data), epoch_name(epoch)).to(config["device"]),
            pipeline,
            test_images,
            test.labels,
        )[0]
        for epoch in config["fit"].get("keep_epochs", ())
    }
    running = {name: torch.from_numpy(history.batches[name]).to(torch.float32) for name in RUNNING}
    return Artifact(
        {**trained.tensors, **running, "confusion": confusion},
        {
            **trained.data,
            "train": len(train),
            "test": len(test),
            "scores": scores,
            "by_epoch": by_epoch,
        },
    )


def _test(
    model: Classifier, pipeline: Pipeline, images: torch.Tensor, labels: torch.Tensor
) -> tuple[dict[str, float], torch.Tensor]:
    from imgcomp import metrics

    classes = model.num_classes
    predicted = model.predict(pipeline(images)).argmax(dim=1)
    scores = metrics.precision_recall_f1(labels, predicted, num_classes=classes)
    found = {
        "precision": float(scores.precision),
        "recall": float(scores.recall),
        "f1": float(scores.f1),
        "accuracy": float((predicted == labels).to(torch.float64).mean()),
    }
    return found, metrics.confusion_matrix(labels, predicted, num_classes=classes)


@stage(version="1")
def inspect_inputs(context: Context, pool: Split) -> Artifact:
    """What each case makes of the images, and how many bytes it would take.

    Config: ``order`` of the spline; ``orders``: further ones, for pictures; ``shown``: positions of
    the images to show; ``compressed``: how many images, from the first on, are handed to
    compressors.

    Returns:
        Tensors ``original`` (uint8) and for each case ``pooled-CASE`` and ``interpolated-CASE``
        (float32, in bytes’ units), ``seen-CASE`` (float32, standardised first, as the network gets
        it), ``interpolated-CASE-orderN``. Data: case → ``values`` (of a shrunk image), ``largest``
        (absolute value of an input of the network), ``deflated`` (bytes per image of all shrunk
        images, rounded to 8 bits, deflated as one stream), ``png`` (mean bytes of a PNG file of
        each; None for colour images of more than 3 channels).
    """
    from imgcomp.preprocess import Pipeline, Pool, pool_spline

    size = pool.image_shape[1:]
    shown = pool.images[context.config["shown"]]
    some = pool.images[: context.config["compressed"]]
    order = context.config["order"]
    tensors, data = {"original": shown}, {}
    for name, case in CASES.items():
        pipeline = pipeline_for(recipe(name, order=order), pool.images, size)
        tensors[f"seen-{name}"] = pipeline(shown)
        if case.pools:
            tensors[f"pooled-{name}"] = Pipeline([Pool(case.window, case.step)])(shown)
            for each in (order, *context.config["orders"]):
                picture = pool_spline(shown, case.window, case.step, size, order=each)
                suffix = "" if each == order else f"-order{each}"
                tensors[f"interpolated-{name}{suffix}"] = picture
        small = stored_images(recipe(name, stored="8bit"), some)
        data[name] = {
            "values": small[0].numel(),
            "largest": max(
                float(pipeline(pool.images[at : at + 2000]).abs().max())
                for at in range(0, len(pool), 2000)
            ),
            "deflated": len(zlib.compress(small.numpy().tobytes(), 9)) / len(small),
            "png": png_bytes(small[:500]),
        }
    return Artifact(tensors, data)
