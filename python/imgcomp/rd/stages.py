"""The stages of a comparison: one for each setting of each rival, and what they need before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from imgcomp.errors import UsageError
from imgcomp.papers.common import model_from
from imgcomp.rd import ordinary, package
from imgcomp.rd.networks import codec_of
from imgcomp.rd.package import CodecSender, FingerprintedCodec
from imgcomp.rd.pca import PcaSender
from imgcomp.rd.quality import MS_SSIM, measured
from imgcomp.rd.sending import OrdinarySender, Sender, Stopped
from imgcomp.rd.vectors import VectorSender
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Photographs, Split

MOSAIC = "mosaic_"
"""Before the names of what was measured on images out of the mosaic."""


def sender_of(
    config: Mapping[str, Any],
    channels: int,
    model: Artifact | FingerprintedCodec | None,
    asked: Artifact | None = None,
) -> Sender:
    """What sends images.

    Args:
        config: ``kind`` and ``line`` as of a `Line`, ``setting``, of PCA ``components``, and
            ``effort`` of a codec that asks a classifier.
        channels: of the images.
        model: what the rival has learnt beforehand: of `pca_basis`, `pq_centres` or
            `network_codec`, or a codec.
        asked: the classifier, of `imgcomp.papers.judges.judge`.

    Raises:
        UsageError: they do not fit.
    """
    kind, setting = config["kind"], float(config["setting"])
    if kind == "ordinary":
        family = config["line"].partition("-")[0]
        for codec in ordinary.rivals(family, channels):
            if codec.name == config["line"]:
                return OrdinarySender(codec, setting)
    if kind == "pca" and isinstance(model, Artifact):
        return PcaSender(model, config["components"], setting)
    if kind == "pq" and isinstance(model, Artifact):
        return VectorSender(model, int(setting))
    if kind == "network" and isinstance(model, Artifact):
        return package.sender(codec_of(model), int(setting))
    if kind == "codec" and isinstance(model, FingerprintedCodec):
        found = model.codec
        if asked is not None:
            found = found.with_effort(config["effort"], judge=model_from(asked))
        return package.sender(found, int(setting))
    raise UsageError(f"there is no rival {config['line']!r} of kind {kind!r} with {model!r}")


def _stopped(context: Context) -> Stopped:
    def check() -> None:
        if context.stop.is_set():
            raise StageStopped

    return check


@stage(version="1")
def point(
    context: Context,
    images: Split,
    model: Artifact | FingerprintedCodec | None = None,
    classifier: Artifact | None = None,
    asked: Artifact | None = None,
) -> Artifact:
    """Send images through one rival at one setting.

    Config: as `sender_of` reads it; ``shown``: how many of the images that come out are kept;
    ``made_with``: what writes the files, so that another version is another stage; ``ms_ssim``:
    its variant, where it is another than `MS_SSIM`.

    Args:
        context: Of the stage.
        images: What is sent.
        model: See `sender_of`.
        classifier: Of `imgcomp.papers.judges.judge`, if images are to be classified.
        asked: Another one, which the encoder asks; see `sender_of`.

    Returns:
        Tensors (N,), float64: ``file``, ``payload`` and ``mosaic``, bytes of each image; what
        `imgcomp.rd.quality.measured` gives, ``correct`` (0 or 1), and ``shown``, uint8
        (n, C, H, W); the measures and ``shown`` also as ``mosaic_…``, where a mosaic is another
        file. Data: ``model_bytes``, ``alone`` (bytes of a file of a single image).
    """
    sender = sender_of(context.config, images.image_shape[0], model, asked)
    sent = sender.send(images.images, _stopped(context))
    tensors = {
        "file": sent.file,
        "payload": sent.payload,
        "mosaic": sent.file if sent.mosaic is None else sent.mosaic,
    }
    judge = None if classifier is None else model_from(classifier)
    for prefix, received in (("", sent.images), (MOSAIC, sent.mosaic_images)):
        if received is None:
            continue
        found = measured(images.images, received, context.config.get("ms_ssim", MS_SSIM))
        if judge is not None:
            right = judge.predict(received).argmax(dim=1) == images.labels
            found["correct"] = right.to(torch.float64)
        tensors |= {prefix + name: values for name, values in found.items()}
        tensors[prefix + "shown"] = received[: context.config["shown"]]
    return Artifact(
        tensors, {"model_bytes": getattr(sender, "model_bytes", 0), "alone": sent.alone}
    )


@stage(version="1")
def whole_pictures(
    context: Context,
    pictures: Photographs,
    model: Artifact | FingerprintedCodec | None = None,
) -> Artifact:
    """Send whole photographs through one rival at one setting.

    A codec of the package that takes one size gets the photographs' tiles, one file for each
    photograph; one that takes any size gets them as they are.

    Config: as `sender_of` reads it; ``side`` of the tiles; ``ms_ssim`` as of `point`.

    Returns:
        Tensors (N,), float64: ``file`` and ``pixels`` of each photograph, and its measures.
    """
    config, check = context.config, _stopped(context)
    variant = config.get("ms_ssim", MS_SSIM)
    sender = sender_of(config, 3, model)
    rows: dict[str, list[torch.Tensor]] = {"file": [], "pixels": []}
    for picture in pictures.images:
        check()
        if isinstance(sender, CodecSender):
            size, back = sender.photograph(picture, config["side"])
        else:
            assert isinstance(sender, OrdinarySender)
            data = sender.codec.encode(picture, sender.setting)
            size, back = len(data), sender.codec.decode(data, 3)
        rows["file"].append(torch.tensor([float(size)], dtype=torch.float64))
        rows["pixels"].append(torch.tensor([float(picture[0].numel())], dtype=torch.float64))
        for name, values in measured(picture[None], back[None], variant).items():
            rows.setdefault(name, []).append(values)
    return Artifact({name: torch.cat(each) for name, each in rows.items()})


@stage(version="2")
def originals(context: Context, images: Split, classifier: Artifact) -> Artifact:
    """What a classifier makes of the images as they are.

    Returns:
        Tensor ``correct``, float64 (N,), 0 or 1. Data: ``accuracy``, a share.
    """
    right = model_from(classifier).predict(images.images).argmax(dim=1) == images.labels
    correct = right.to(torch.float64)
    return Artifact({"correct": correct}, {"accuracy": float(correct.mean())})


@stage(version="1")
def retrained(
    context: Context,
    train: Split,
    test: Split,
    model: Artifact | FingerprintedCodec | None = None,
) -> Artifact:
    """Train a classifier on what comes out of one rival at one setting, and test it on the same.

    Config: as `sender_of` reads it, and ``judge``: of `imgcomp.papers.judges.judge_config`.

    Returns:
        Data: ``accuracy`` on test images that went through the same rival, a share.
    """
    from dataclasses import replace

    from imgcomp.datasets import Split
    from imgcomp.papers.judges import judge

    check = _stopped(context)
    sender = sender_of(context.config, train.image_shape[0], model)

    def through(split: Split) -> Split:
        received = sender.images(split.images, check)
        return Split(received, split.labels, split.classes, split.name)

    seen, shown = through(train), through(test)
    inner = replace(context, config=context.config["judge"])
    trained = model_from(judge.function(inner, seen, shown))
    right = trained.predict(shown.images).argmax(dim=1) == shown.labels
    return Artifact({}, {"accuracy": float(right.to(torch.float64).mean())})
