"""Training and evaluating a network: the Python face of the C++ loop."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from imgcomp import _core
from imgcomp._checks import choice, flag, whole_number
from imgcomp.errors import (
    CollapsedOutputWarning,
    TrainingDivergedError,
    TrainingInterruptedError,
    UsageError,
)
from imgcomp.models.model import ArrayLike, Classifier, Model
from imgcomp.preprocess import Pipeline
from imgcomp.training.config import FitConfig, core_config, resolve_objective
from imgcomp.training.data import FitData, ImageData, check_pipeline, check_targets, image_data
from imgcomp.training.history import History
from imgcomp.training.judge import core_of, digest_of, frozen
from imgcomp.training.progress import Progress, make_progress
from imgcomp.training.resume import CheckpointStore, state_history


@dataclass(frozen=True)
class EpochEnd:
    """What a callback gets after each epoch."""

    epoch: int  # from 1
    epochs: int  # of the whole run
    metrics: dict[str, float]  # this epoch's column values
    model: Model  # the network as it is now; a callback may use it but not change it


Callback = Callable[[EpochEnd], object]


class StopToken:
    """Tells training runs in other threads to stop: each ends within a second or so.

    Its runs raise :class:`imgcomp.errors.TrainingInterruptedError` and leave their checkpoints.
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Stops every run that was given this token, now and later."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether :meth:`set` was called."""
        return self._event.is_set()


def fit(
    model: Model,
    train: FitData,
    config: FitConfig | Mapping[str, Any] | None = None,
    *,
    validation: FitData | None = None,
    targets: ArrayLike | None = None,
    validation_targets: ArrayLike | None = None,
    preprocess: Pipeline | None = None,
    validation_preprocess: Pipeline | None = None,
    judge: Classifier | None = None,
    callbacks: Iterable[Callback] = (),
    progress: bool | str | Progress = "auto",
    checkpoint: str | Path | None = None,
    resume: bool | Literal["other_data"] = False,
    stop: StopToken | None = None,
    **overrides: Any,
) -> History:
    """Trains a network in place.

    The whole loop runs in C++ without the GIL. Several runs may go side by side in Python threads,
    with results identical to running them alone if each has ``threads=1``.

    Args:
        model: the network; its weights are changed.
        train: a split of a data set, images (N, C, H, W), or (images, labels). Images are uint8,
            or float32 already in the network's data range. Labels are whole numbers (N,).
        config: a :class:`FitConfig` or a mapping of its fields.
        validation: the same for images that are only measured, after each epoch.
        targets: what an autoencoder's output is compared with, where not the input itself.
        validation_targets: likewise for ``validation``.
        preprocess: makes each batch of the network's input, so that ``train`` may have images of
            another shape. Bytes come into the network's data range first, unless the pipeline has a
            ``Scale`` or ``Standardize`` step. An autoencoder without ``targets`` is trained to give
            what the pipeline gives without its noise. Draws depend on the seed and the epoch.
        validation_preprocess: likewise for ``validation``; ``preprocess.deterministic()`` where it
            is not given.
        judge: the classifier of the objective ``"judge"``: how far it takes what comes out for
            something else, the divergence of its decisions in nats. It is not changed.
        callbacks: called after each epoch with an :class:`EpochEnd`; one that returns False ends
            the training after this epoch.
        progress: True, False, ``"auto"`` or an object with the methods of
            :class:`imgcomp.training.Progress`.
        checkpoint: a ``.safetensors`` file, written after each epoch.
        resume: go on from ``checkpoint`` where it exists, to the bit as if the run had never been
            interrupted (same machine, same thread count). Everything but ``epochs``, ``threads``
            and ``keep_epochs`` must be as it was. ``"other_data"``: also with other images than
            before, such as more of them, or the same ones computed anew on another processor.
        stop: ends the run from another thread.
        overrides: fields of :class:`FitConfig`, over those of ``config``.

    Returns:
        One value per epoch for the loss, the metrics, the learning rate and the seconds.

    Raises:
        UsageError: model, data and settings do not fit together, or the model is being trained.
        TrainingDivergedError: the loss became NaN or infinite; names the epoch and the step.
        TrainingInterruptedError: ``stop`` was set; the checkpoint of the last finished epoch
            stands.
        CheckpointError: ``resume`` with a checkpoint that is damaged or of another run.
        KeyboardInterrupt: after Ctrl-C; the checkpoint of the last finished epoch stands.
    """
    callbacks = _callback_list(callbacks)
    _check_arguments(model, progress, checkpoint, resume, stop)
    for name, pipeline in (
        ("preprocess", preprocess),
        ("validation_preprocess", validation_preprocess),
    ):
        check_pipeline(name, pipeline)
    settings = FitConfig.create(config, **overrides)
    if (resume or settings.keep_epochs) and checkpoint is None:
        raise UsageError("resume and keep_epochs need a checkpoint file")
    if validation_targets is not None and validation is None:
        raise UsageError("validation_targets need validation images")
    if validation_preprocess is not None and validation is None:
        raise UsageError("validation_preprocess needs validation images")
    if validation_preprocess is None and preprocess is not None:
        validation_preprocess = preprocess.deterministic()
    if stop is not None and stop.is_set():
        raise TrainingInterruptedError("training was told to stop before it began")
    if not model._in_training.acquire(blocking=False):
        raise UsageError(f"{model!r} is being trained by another call of fit")
    try:
        # Tensors that are made in inference mode cannot be trained.
        with torch.inference_mode(False):
            training_data = image_data(train, targets, "training", preprocess)
            validation_data = (
                None
                if validation is None
                else image_data(validation, validation_targets, "validation", validation_preprocess)
            )
            history = _train(
                model, training_data, validation_data, settings, judge=frozen(judge),
                callbacks=callbacks, progress=progress, stop=stop,
                checkpoint=None if checkpoint is None else Path(checkpoint), resume=resume,
            )  # fmt: skip
    finally:
        model._in_training.release()
    if history.collapsed:
        warnings.warn(
            f"{model!r} gives almost the same output for every input after training",
            CollapsedOutputWarning,
            stacklevel=2,
        )
    return history


def _train(
    model: Model,
    train: ImageData,
    validation: ImageData | None,
    settings: FitConfig,
    *,
    judge: Classifier | None,
    callbacks: list[Callback],
    progress: bool | str | Progress,
    stop: StopToken | None,
    checkpoint: Path | None,
    resume: bool | str,
) -> History:
    _check_fit(model, train, validation, settings)
    trainer = _core.Trainer(
        model._core,
        train.images,
        train.targets,
        train.labels,
        None if validation is None else validation.images,
        None if validation is None else validation.targets,
        None if validation is None else validation.labels,
        core_config(settings, model),
        train.core_pipeline(model),
        None if validation is None else validation.core_pipeline(model),
        core_of(judge),
    )
    store = None
    if checkpoint is not None:
        fingerprints = [data.fingerprint() for data in (train, validation) if data is not None]
        if judge is not None:
            fingerprints.append(digest_of(judge))
        store = CheckpointStore(checkpoint, model, trainer, settings, fingerprints)
        if not (resume and store.restore(other_data=resume == "other_data")):
            store.write()  # so that there is something to go on from even in the first epoch

    display = make_progress(progress, settings.epochs)

    def on_epoch() -> bool:
        metrics = trainer.last_metrics
        _check_finite(model, trainer, metrics)
        if store is not None:
            store.write()
        display.epoch(trainer.epoch, metrics)
        event = EpochEnd(trainer.epoch, settings.epochs, metrics, model)
        answers = [callback(event) for callback in callbacks]
        # Epochs too short for on_progress must not outrun the token.
        if stop is not None and stop.is_set() and trainer.epoch < settings.epochs:
            raise TrainingInterruptedError(
                f"training was told to stop after epoch {trainer.epoch} of {settings.epochs}"
            )
        return not any(answer is False for answer in answers)

    def on_progress(epoch: int, step: int, steps: int, loss: float) -> bool:
        display.step(epoch, step, steps, loss)
        return stop is None or not stop.is_set()

    with contextlib.closing(display):
        outcome = trainer.run(on_epoch, on_progress)
    if outcome == "interrupted":
        raise TrainingInterruptedError(
            f"training was told to stop in epoch {trainer.epoch + 1} of {settings.epochs}"
        )
    return state_history(trainer.snapshot(), stopped_early=outcome == "stopped_early")


def _callback_list(callbacks: Iterable[Callback]) -> list[Callback]:
    listed = list(callbacks) if isinstance(callbacks, Iterable) else None
    if listed is None or not all(callable(each) for each in listed):
        raise UsageError(f"callbacks must be a list of functions, not {callbacks!r}")
    return listed


def _check_arguments(
    model: object, progress: object, checkpoint: object, resume: object, stop: object
) -> None:
    if not isinstance(model, Model):
        raise UsageError(f"fit trains an imgcomp model, not {type(model).__name__}")
    if isinstance(progress, str):
        choice("progress", progress, ("auto",))
    elif not isinstance(progress, (bool, Progress)):
        raise UsageError(
            "progress must be True, False, 'auto' or an object with the methods of "
            f"imgcomp.training.Progress, not {progress!r}"
        )
    if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
        raise UsageError(f"checkpoint must be a path, not {checkpoint!r}")
    if resume != "other_data":
        flag("resume", resume)
    if stop is not None and not isinstance(stop, StopToken):
        raise UsageError(f"stop must be an imgcomp.StopToken, not {stop!r}")


def _check_fit(
    model: Model, train: ImageData, validation: ImageData | None, settings: FitConfig
) -> None:
    if model.num_parameters == 0:
        raise UsageError(f"{model!r} has nothing to train")
    frozen = [name for name, tensor in model._core.parameters() if not tensor.requires_grad]
    if frozen:
        raise UsageError(
            f"fit trains every parameter, but requires_grad is False for {', '.join(frozen)}"
        )
    check_targets(model, train)
    if validation is not None:
        check_targets(model, validation)
    measured = ["loss", "accuracy" if isinstance(model, Classifier) else "psnr", *settings.metrics]
    columns = [*measured, *(f"val_{name}" for name in measured)]
    if settings.keep_best is not None:
        choice("keep_best", settings.keep_best, columns)


def _check_finite(model: Model, trainer: _core.Trainer, metrics: Mapping[str, float]) -> None:
    """The core looks at each step's loss; this at what the epoch's last step led to."""
    after = f"after epoch {trainer.epoch}, step {trainer.steps_per_epoch}"
    if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
        raise TrainingDivergedError(f"the weights are no longer finite {after}")
    if not math.isfinite(metrics.get("val_loss", 0.0)):
        raise TrainingDivergedError(f"the validation loss is no longer finite {after}")


def evaluate(
    model: Model,
    data: FitData,
    *,
    objective: str | None = None,
    targets: ArrayLike | None = None,
    preprocess: Pipeline | None = None,
    judge: Classifier | None = None,
    batch_size: int = 500,
) -> dict[str, float]:
    """Measures a network on images without training.

    Args:
        model: the network.
        data: as for :func:`fit`.
        objective: as in :class:`FitConfig`.
        targets: as for :func:`fit`.
        preprocess: as for :func:`fit`; random steps draw from seed 0 and epoch 0.
        judge: as for :func:`fit`.
        batch_size: images at a time.

    Returns:
        ``loss`` and ``psnr`` (dB, mean over images, 8-bit scale) or ``accuracy`` (0 … 1): means
        over all images; ``collapsed``: 1 where the output does not depend on the input, else 0.

    Raises:
        UsageError: model and data do not fit together.
    """
    if not isinstance(model, Model):
        raise UsageError(f"evaluate measures an imgcomp model, not {type(model).__name__}")
    batch_size = whole_number("batch_size", batch_size)
    check_pipeline("preprocess", preprocess)
    images = image_data(data, targets, "evaluation", preprocess)
    check_targets(model, images)
    return _core.evaluate(
        model._core,
        images.images,
        images.targets,
        images.labels,
        resolve_objective(objective, model),
        batch_size,
        images.core_pipeline(model),
        core_of(judge),
    )
