"""Training and evaluating a network: the Python face of the C++ loop."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgcomp import _core
from imgcomp.errors import (
    CheckpointError,
    CollapsedOutputWarning,
    TrainingInterruptedError,
    UsageError,
)
from imgcomp.models.model import ArrayLike, Model
from imgcomp.training.checkpoint import ModelFile, epoch_path, read_model_file, write_model_file
from imgcomp.training.config import FitConfig, core_config, resolve_objective
from imgcomp.training.data import FitData, image_data
from imgcomp.training.history import History
from imgcomp.training.progress import Progress, make_progress


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
    callbacks: Iterable[Callback] = (),
    progress: bool | str | Progress = "auto",
    checkpoint: str | Path | None = None,
    resume: bool = False,
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
        callbacks: called after each epoch with an :class:`EpochEnd`; one that returns False ends
            the training after this epoch.
        progress: True, False, ``"auto"`` or an object with the methods of
            :class:`imgcomp.training.Progress`.
        checkpoint: a ``.safetensors`` file, written after each epoch.
        resume: go on from ``checkpoint`` where it exists, to the bit as if the run had never been
            interrupted (same machine, same thread count). Everything but ``epochs``, ``threads``
            and ``keep_epochs`` must be as it was.
        stop: ends the run from another thread.
        overrides: fields of :class:`FitConfig`, over those of ``config``.

    Returns:
        One value per epoch for the loss, the metrics, the learning rate and the seconds.

    Raises:
        UsageError: model, data and settings do not fit together.
        TrainingDivergedError: the loss became NaN or infinite; names the epoch and the step.
        CheckpointError: ``resume`` with a checkpoint that is damaged or of another run.
        KeyboardInterrupt: after Ctrl-C; the checkpoint of the last finished epoch stands.
    """
    if not isinstance(model, Model):
        raise UsageError(f"fit trains an imgcomp model, not {type(model).__name__}")
    settings = FitConfig.create(config, **overrides)
    if (resume or settings.keep_epochs) and checkpoint is None:
        raise UsageError("resume and keep_epochs need a checkpoint file")
    if validation_targets is not None and validation is None:
        raise UsageError("validation_targets need validation images")
    training_data = image_data(train, targets, "training")
    validation_data = (
        None if validation is None else image_data(validation, validation_targets, "validation")
    )
    trainer = _core.Trainer(
        model._core,
        training_data.images,
        training_data.targets,
        training_data.labels,
        None if validation_data is None else validation_data.images,
        None if validation_data is None else validation_data.targets,
        None if validation_data is None else validation_data.labels,
        core_config(settings, model),
    )
    store = None
    if checkpoint is not None:
        fingerprints = [d.fingerprint() for d in (training_data, validation_data) if d is not None]
        store = _CheckpointStore(Path(checkpoint), model, trainer, settings, fingerprints)
        if not (resume and store.restore()):
            store.write()  # so that there is something to go on from even in the first epoch

    display = make_progress(progress, settings.epochs)

    def on_epoch() -> bool:
        metrics = trainer.last_metrics
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

    callbacks = list(callbacks)
    if stop is not None and stop.is_set():
        raise TrainingInterruptedError("training was told to stop before it began")
    with contextlib.closing(display):
        outcome = trainer.run(on_epoch, on_progress)
    if outcome == "interrupted":
        raise TrainingInterruptedError(
            f"training was told to stop in epoch {trainer.epoch + 1} of {settings.epochs}"
        )
    history = _history(trainer.snapshot(), stopped_early=outcome == "stopped_early")
    if history.collapsed:
        warnings.warn(
            f"{model!r} gives almost the same output for every input after training",
            CollapsedOutputWarning,
            stacklevel=2,
        )
    return history


def evaluate(
    model: Model,
    data: FitData,
    *,
    objective: str | None = None,
    targets: ArrayLike | None = None,
    batch_size: int = 500,
) -> dict[str, float]:
    """Measures a network on images without training.

    Args:
        model: the network.
        data: as for :func:`fit`.
        objective: as in :class:`FitConfig`.
        targets: as for :func:`fit`.
        batch_size: images at a time.

    Returns:
        ``loss`` and ``psnr`` (dB, mean over images, 8-bit scale) or ``accuracy`` (0 … 1): means
        over all images; ``collapsed``: 1 where the output does not depend on the input, else 0.

    Raises:
        UsageError: model and data do not fit together.
    """
    images = image_data(data, targets, "evaluation")
    return _core.evaluate(
        model._core,
        images.images,
        images.targets,
        images.labels,
        resolve_objective(objective, model),
        batch_size,
    )


def _history(state: Mapping[str, Any], *, stopped_early: bool = False) -> History:
    return History(
        state["history"],
        state["batches"],
        best_epoch=state["best_epoch"] or None,
        stopped_early=stopped_early,
    )


class _CheckpointStore:
    """Writes a trainer's state to its file and brings it back."""

    # What a resumed run may have different from the one it goes on with.
    _FREE = ("epochs", "threads", "keep_epochs", "evaluation_batch_size")

    def __init__(
        self,
        path: Path,
        model: Model,
        trainer: _core.Trainer,
        config: FitConfig,
        fingerprints: list[str],
    ) -> None:
        if path.suffix != ".safetensors":
            raise UsageError(f"a checkpoint is a .safetensors file, not {path.name!r}")
        self._path = path
        self._model = model
        self._trainer = trainer
        self._config = config
        self._fingerprints = fingerprints

    def write(self) -> None:
        state = self._trainer.snapshot()
        best: dict[str, Any] = state["best_parameters"]
        current = self._model.state_dict()
        content = ModelFile(
            spec=self._model.spec,
            weights=best or current,
            last=current if best else {},
            optimizer=state["optimizer"],
            training={
                "config": self._config.to_dict(),
                "data": self._fingerprints,
                "epoch": state["epoch"],
                "best_epoch": state["best_epoch"],
                "best_value": state["best_value"],
                "history": _history(state).to_dict(),
            },
        )
        write_model_file(self._path, content)
        if state["epoch"] in self._config.keep_epochs:
            write_model_file(epoch_path(self._path, state["epoch"]), content)

    def restore(self) -> bool:
        """Goes on from the file; False where there is none."""
        if not self._path.exists():
            return False
        content = read_model_file(self._path)
        self._check(content)
        training = content.training
        assert training is not None  # _check has seen to it
        keeps_best = training["best_epoch"] != 0
        history = training["history"]
        self._model.load_state_dict(content.last or content.weights)
        best_value = training["best_value"]
        self._trainer.restore(
            {
                "epoch": training["epoch"],
                "history": history["columns"],
                "batches": history["batches"],
                "best_value": float("nan") if best_value is None else best_value,
                "best_epoch": training["best_epoch"],
                "best_parameters": content.weights if keeps_best else {},
                "optimizer": content.optimizer,
            }
        )
        return True

    def _check(self, content: ModelFile) -> None:
        where = f"{self._path}: cannot go on from it"
        if content.training is None:
            raise CheckpointError(f"{where}: it holds a model, not a training run")
        if content.spec != self._model.spec:
            raise CheckpointError(f"{where}: it is a checkpoint of another network")
        if content.training["data"] != self._fingerprints:
            raise CheckpointError(f"{where}: it was trained on other data")
        was, now = content.training["config"], self._config.to_dict()
        for name in now:
            if name not in self._FREE and was.get(name) != now[name]:
                raise CheckpointError(
                    f"{where}: {name} was {was.get(name)!r} and is now {now[name]!r}"
                )
        if content.training["epoch"] > self._config.epochs:
            raise CheckpointError(
                f"{where}: it has {content.training['epoch']} epochs, "
                f"more than the {self._config.epochs} asked for"
            )
