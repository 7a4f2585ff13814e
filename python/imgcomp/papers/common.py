"""Stages that papers share: train a network, reconstruct with it, classify, the trivial rivals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch

from imgcomp.errors import CheckpointError, TrainingDivergedError, UsageError
from imgcomp.models.pixels import as_bytes
from imgcomp.papers.measures import PSNR_LIMIT
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Model
    from imgcomp.training import Callback, History
    from imgcomp.training.data import FitData


def in_colour(split: Split, side: int = 32) -> Split:
    """Images as (3, side, side): gray ones in three equal planes, smaller ones in a black frame.

    Raises:
        UsageError: larger images.
    """
    from imgcomp.datasets import Split

    channels, height, width = split.image_shape
    if (channels, height, width) == (3, side, side):
        return split
    if height > side or width > side:
        raise UsageError(
            f"expected images of at most {side}×{side} pixels, those of {split.name} have "
            f"{height}×{width}"
        )
    images = split.images.expand(-1, 3, -1, -1)
    down, right = side - height, side - width
    frame = (right // 2, right - right // 2, down // 2, down - down // 2)
    images = torch.nn.functional.pad(images, frame).contiguous()
    return Split(images, split.labels, split.classes, split.name)


def finite(values: Iterable[float]) -> list[float | None]:
    """Numbers as JSON takes them: None in place of NaN and infinity."""
    return [float(value) if math.isfinite(value) else None for value in values]


def epoch_name(epoch: int) -> str:
    """The prefix of an epoch's weights in an artifact."""
    return f"epoch-{epoch:04d}"


@contextmanager
def own_stream(device: str) -> Iterator[None]:
    """On a GPU, work of this thread goes to a stream of its own, so that stages overlap there."""
    if torch.device(device).type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


def fitted(
    context: Context,
    train: FitData,
    callbacks: Sequence[Callback] = (),
    prepare: Callable[[Model], object] | None = None,
    other_data: bool = False,
    **arguments: Any,
) -> tuple[Model, History, dict[str, torch.Tensor]]:
    """Train a stage's network: going on from its checkpoint, or from the start where that fails.

    Config: ``spec``; ``seed`` of the weights; ``fit``: fields of `imgcomp.FitConfig`; ``device``.

    Args:
        context: Of the stage.
        train: As `imgcomp.fit` takes it.
        callbacks: As `imgcomp.fit` takes them; one that returns False ends the training.
        prepare: Changes the weights that were drawn, such as to those of another training.
        other_data: Whether the checkpoint may be of other images than these.
        **arguments: Further arguments of `imgcomp.fit`, such as ``validation``.

    Returns:
        The network, its history, and the weights of ``keep_epochs`` as ``epoch-0001/NAME``, as far
        as these were reached.

    Raises:
        TrainingDivergedError: the loss became NaN or infinite.
    """
    import imgcomp
    from imgcomp.training.checkpoint import epoch_path

    config = context.config

    def attempt(resume: bool) -> tuple[Model, History, dict[str, torch.Tensor]]:
        model = imgcomp.models.from_spec(config["spec"], seed=config["seed"])
        if prepare is not None:
            prepare(model)
        model.to(config["device"])
        history = imgcomp.fit(
            model,
            train,
            imgcomp.FitConfig(threads=context.threads, **config["fit"]),
            callbacks=[
                lambda event: context.progress(event.epoch, event.epochs, event.metrics),
                *callbacks,
            ],
            progress=False,
            checkpoint=context.checkpoint,
            resume="other_data" if resume and other_data else resume,
            stop=cast(Any, context.stop),
            **arguments,
        )
        kept = {
            f"{epoch_name(epoch)}/{name}": tensor
            for epoch in config["fit"].get("keep_epochs", ())
            if epoch <= history.epochs
            for name, tensor in imgcomp.load(epoch_path(context.checkpoint, epoch))
            .state_dict()
            .items()
        }
        return model, history, kept

    with own_stream(config["device"]):
        try:
            return attempt(resume=context.checkpoint.exists())
        except (CheckpointError, FileNotFoundError) as error:
            warnings.warn(
                f"stage '{context.label}': {error}; it is trained from the start",
                RuntimeWarning,
                stacklevel=1,
            )
            return attempt(resume=False)


@stage(version="1")
def train(context: Context, train: Split, validation: Split) -> Artifact:
    """Train a network from its spec.

    Config: as `fitted` reads it; ``may_diverge``: a loss that is not finite is a result and no
    error.

    Returns:
        Tensors ``final/NAME``, and ``epoch-0001/NAME`` for each epoch of ``keep_epochs``. Data:
        ``spec``, ``history`` (metric → one number per epoch), ``collapsed``, ``num_parameters``,
        ``diverged`` (None or the error's text; then there are no tensors).
    """
    config = context.config
    try:
        model, history, tensors = fitted(context, train, validation=validation)
    except TrainingDivergedError as error:
        if not config.get("may_diverge"):
            raise
        return Artifact({}, {"spec": config["spec"], "diverged": str(error), "history": {}})
    return trained_artifact(model, history, tensors)


def trained_artifact(
    model: Model, history: History, tensors: Mapping[str, torch.Tensor] | None = None
) -> Artifact:
    """What `train` returns, of a network that `fitted` trained.

    Args:
        model: The network with its final weights.
        history: Of its training.
        tensors: Further ones, such as the weights of ``keep_epochs``.
    """
    final = {f"final/{name}": tensor for name, tensor in model.state_dict().items()}
    return Artifact(
        {**(tensors or {}), **final},
        {
            "spec": model.spec,
            "history": {name: finite(values) for name, values in history.items()},
            "collapsed": bool(history.collapsed),
            "num_parameters": model.num_parameters,
            "diverged": None,
        },
    )


def model_from(artifact: Artifact, which: str = "final") -> Any:
    """The network of a `train` artifact, with its weights at the end or at a kept epoch.

    Args:
        artifact: Of a training that did not diverge.
        which: ``final``, or an `epoch_name`.
    """
    from imgcomp import models

    model = models.from_spec(dict(artifact.data["spec"]))
    prefix = f"{which}/"
    model.load_state_dict(
        {
            name.removeprefix(prefix): tensor
            for name, tensor in artifact.tensors.items()
            if name.startswith(prefix)
        }
    )
    return model


def image_errors(originals: torch.Tensor, images: torch.Tensor) -> dict[str, float]:
    """How far 8-bit images are from 8-bit originals.

    Args:
        originals: uint8, (N, C, H, W).
        images: The same shape.

    Returns:
        ``mse``: mean squared error on the scale [0, 1]; ``psnr``: mean over images of the PSNR in
        dB (peak 255), images without any error counted as 99 dB.
    """
    from imgcomp import metrics

    return {
        "mse": float(metrics.mse(originals, images).mean()) / 255.0**2,
        "psnr": float(metrics.psnr(originals, images).clamp(max=PSNR_LIMIT).mean()),
    }


@stage(version="1")
def reconstruct(context: Context, model: Artifact, test: Split) -> Artifact:
    """Send 8-bit images through a trained autoencoder and back to 8 bits.

    Config: ``epochs``: kept epochs to show; ``shown``: how many images of each.

    Returns:
        Tensors ``images`` (all, final weights) and ``epoch-0001`` (the first few) for each epoch.
        Data: ``mse`` and ``psnr`` as in `image_errors`, ``shown`` epoch → the same of the few;
        only ``diverged`` where the training diverged.
    """
    if model.data["diverged"]:
        return Artifact({}, {"diverged": model.data["diverged"]})
    images = model_from(model).reconstruct(test.images)
    tensors, shown = {"images": images}, {}
    some = test.images[: context.config.get("shown", 0)]
    for epoch in context.config.get("epochs", ()):
        name = epoch_name(epoch)
        tensors[name] = model_from(model, name).reconstruct(some)
        shown[str(epoch)] = image_errors(some, tensors[name])
    return Artifact(
        tensors, {**image_errors(test.images, images), "shown": shown, "diverged": None}
    )


@stage(version="1")
def classify(context: Context, classifier: Artifact, images: Artifact, test: Split) -> Artifact:
    """Judge reconstructions by what a classifier makes of them.

    Config: ``names``: which tensors of `images` to judge, ``["images"]`` by default; ``originals``
    stands for the test images themselves.

    Returns:
        Data: name → ``loss`` (mean cross-entropy, nats) and ``accuracy`` (share), or None where
        the images do not exist because a training diverged.
    """
    network = model_from(classifier)
    found: dict[str, Any] = {}
    for name in context.config.get("names", ["images"]):
        shown = test.images if name == "originals" else images.tensors.get(name)
        found[name] = None if shown is None else judged(network, shown, test.labels)
    return Artifact({}, found)


def judged(network: Any, images: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """A classifier's ``loss`` (mean cross-entropy, nats) and ``accuracy`` (share) on images."""
    logits = network.predict(images).to(torch.float64)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    accuracy = (logits.argmax(dim=1) == labels).to(torch.float64).mean()
    return {"loss": float(loss), "accuracy": float(accuracy)}


def principal_directions(sample: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean of vectors and the directions in which they vary, those of most variance last.

    Args:
        sample: float64, (N, D).

    Returns:
        float64 (D,) and (D, rank), orthonormal columns; no more than the vectors span.
    """
    mean = sample.mean(dim=0)
    centred = sample - mean
    if len(sample) >= sample.shape[1]:
        variances, directions = torch.linalg.eigh(centred.T @ centred / len(sample))
        return mean, directions[:, variances > 1e-12 * variances[-1]]
    # Fewer vectors than values: the smaller of the two products has the same variances.
    variances, weights = torch.linalg.eigh(centred @ centred.T / len(sample))
    kept = variances > 1e-12 * variances[-1]
    directions = centred.T @ weights[:, kept]
    return mean, directions / directions.norm(dim=0)


@stage(version="1")
def trivial_rivals(context: Context, train: Split, test: Split) -> Artifact:
    """What needs no network: a constant, the mean image, PCA; all back to 8 bits.

    Config: ``components``: numbers of principal components. No more are used than the training
    images span.

    Returns:
        Tensors ``constant``, ``mean``, ``pca-K``: the test images' reconstructions. Data: name →
        `image_errors`, ``values`` (numbers sent per image) and ``exact_mse`` (before rounding).
    """
    sample = train.images.flatten(1).to(torch.float64) / 255.0
    inputs = test.images.flatten(1).to(torch.float64) / 255.0
    mean, directions = principal_directions(sample)
    outputs = {
        "constant": (sample.mean().expand_as(inputs), 0),
        "mean": (mean.expand_as(inputs), 0),
    }
    for wanted in context.config["components"]:
        count = min(wanted, directions.shape[1])
        basis = directions[:, directions.shape[1] - count :]
        outputs[f"pca-{wanted}"] = (mean + (inputs - mean) @ basis @ basis.T, count)
    tensors: dict[str, torch.Tensor] = {}
    data: dict[str, Mapping[str, float]] = {}
    for name, (output, values) in outputs.items():
        images = as_bytes(output * 255.0).reshape(test.images.shape)
        tensors[name] = images
        data[name] = {
            **image_errors(test.images, images),
            "exact_mse": float((output - inputs).square().mean()),
            "values": values,
        }
    return Artifact(tensors, data)
