"""The checkpoint of a training run: written after each epoch, read to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgcomp import _core
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.models.model import Model
from imgcomp.training.checkpoint import ModelFile, epoch_path, read_model_file, write_model_file
from imgcomp.training.config import FitConfig
from imgcomp.training.history import History


def state_history(state: Mapping[str, Any], *, stopped_early: bool = False) -> History:
    """The history in a trainer's snapshot."""
    return History(
        state["history"],
        state["batches"],
        best_epoch=state["best_epoch"] or None,
        stopped_early=stopped_early,
    )


class CheckpointStore:
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
        """Writes the file, and before it the copy of an epoch that is to be kept.

        In that order, a run that is killed in between makes the copy again when it is resumed.
        """
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
                "history": state_history(state).to_dict(),
            },
        )
        if state["epoch"] in self._config.keep_epochs:
            write_model_file(epoch_path(self._path, state["epoch"]), content)
        write_model_file(self._path, content)

    def restore(self, *, other_data: bool = False) -> bool:
        """Goes on from the file; False where there is none.

        Args:
            other_data: also where the file's run was on other data.

        Raises:
            CheckpointError: the file is damaged, or of another network, data or settings.
        """
        if not self._path.exists():
            return False
        content = read_model_file(self._path)
        try:
            self._check(content, other_data)
            self._apply(content, content.training or {})
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(
                f"{self._path}: its record of the training is damaged ({error})"
            ) from None
        return True

    def _apply(self, content: ModelFile, training: Mapping[str, Any]) -> None:
        keeps_best = training["best_epoch"] != 0
        history = History.from_dict(training["history"])
        self._model.load_state_dict(content.last or content.weights)
        best_value = training["best_value"]
        self._trainer.restore(
            {
                "epoch": training["epoch"],
                "history": {name: column.tolist() for name, column in history.items()},
                "batches": {name: column.tolist() for name, column in history.batches.items()},
                "best_value": float("nan") if best_value is None else best_value,
                "best_epoch": training["best_epoch"],
                "best_parameters": content.weights if keeps_best else {},
                "optimizer": content.optimizer,
            }
        )

    def _check(self, content: ModelFile, other_data: bool) -> None:
        where = f"{self._path}: cannot go on from it"
        if content.training is None:
            raise CheckpointError(f"{where}: it holds a model, not a training run")
        if content.spec != self._model.spec:
            raise CheckpointError(f"{where}: it is a checkpoint of another network")
        if not other_data and content.training["data"] != self._fingerprints:
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
