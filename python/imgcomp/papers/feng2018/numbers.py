"""feng2018: the finished stages' numbers by name, one value per seed."""

from __future__ import annotations

from typing import Any

import torch

from imgcomp.papers.common import epoch_name
from imgcomp.papers.experiment import Run
from imgcomp.papers.feng2018.experiment import (
    METHODS,
    RIVALS,
    WELL,
    autoencoder_splits,
    sweep_label,
)
from imgcomp.stages import Artifacts

TRAINED = {**METHODS, **WELL}
"""Every autoencoder of the main comparison: label → name for people."""


class Numbers:
    """Reads artifacts by label; everything per seed is a list in the run's order of seeds."""

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self._artifacts = artifacts
        self.seeds = run.seeds

    def record(self, label: str, seed: int) -> dict[str, list[float | None]]:
        """A training's whole record: metric → one number per epoch."""
        found: dict[str, list[float | None]] = self._artifacts[f"train/{label}/seed{seed}"].data[
            "history"
        ]
        return found

    def history(self, label: str, metric: str, seed: int) -> list[float]:
        """A training's record, one number per epoch (NaN where it is missing)."""
        values = self.record(label, seed)[metric]
        return [float("nan") if value is None else value for value in values]

    def histories(self, label: str, metric: str) -> list[list[float]]:
        """The same for every seed."""
        return [self.history(label, metric, seed) for seed in self.seeds]

    def final(self, label: str, metric: str) -> list[float]:
        """The last epoch's value."""
        return [values[-1] for values in self.histories(label, metric)]

    def at_epoch(self, label: str, metric: str, epoch: int) -> list[float]:
        """The value at an epoch, 1-based."""
        return [values[epoch - 1] for values in self.histories(label, metric)]

    def training_seconds(self, label: str) -> list[float]:
        """Seconds of training alone, without validation and start-up."""
        return [sum(values) for values in self.histories(label, "seconds")]

    def collapsed(self) -> list[str]:
        """Labels with seeds of trainings that ended with one output for every input."""
        found = []
        for label in self._artifacts:
            step, method, seed = label.split("/")
            if step == "train" and self._artifacts[label].data.get("collapsed"):
                found.append(f"{method} ({seed})")
        return found

    def parameters(self, label: str) -> int:
        """Trainable values of a network."""
        data = self._artifacts[f"train/{label}/seed{self.seeds[0]}"].data
        return int(data["num_parameters"])

    def judged(self, label: str, what: str) -> list[float]:
        """``loss`` or ``accuracy`` (in %) of the classifier on a method's or rival's images."""
        rival = label in (*RIVALS, "originals")
        values = []
        for seed in self.seeds:
            data = self._artifacts[f"judge/{'rivals' if rival else label}/seed{seed}"].data
            values.append(float(data[label if rival else "images"][what]))
        return [100 * value for value in values] if what == "accuracy" else values

    def error(self, label: str, what: str) -> list[float]:
        """``mse`` or ``psnr`` of a method's or rival's 8-bit test images."""
        found = []
        for seed in self.seeds:
            if label in RIVALS:
                found.append(self._artifacts[f"reconstruct/rivals/seed{seed}"].data[label][what])
            else:
                found.append(self._artifacts[f"reconstruct/{label}/seed{seed}"].data[what])
        return [float(value) for value in found]

    def sent(self, label: str) -> list[dict[str, Any]]:
        """What a network's code takes in bytes, or the ``images`` themselves."""
        return [dict(self._artifacts[f"bytes/{label}/seed{seed}"].data) for seed in self.seeds]

    def rival_values(self, label: str) -> int:
        """Numbers that a rival sends per image."""
        data = self._artifacts[f"reconstruct/rivals/seed{self.seeds[0]}"].data
        return int(data[label]["values"])

    def images(self, label: str, count: int) -> torch.Tensor:
        """The first seed's first reconstructions, or its ``originals``."""
        seed = self.seeds[0]
        if label == "originals":
            return autoencoder_splits(self.run, seed)[1].images[:count]
        if label in RIVALS:
            return self._artifacts[f"reconstruct/rivals/seed{seed}"][label][:count]
        return self._artifacts[f"reconstruct/{label}/seed{seed}"]["images"][:count]

    def shown(self, label: str, epoch: int) -> tuple[torch.Tensor, float]:
        """The first seed's images of Figure 8 at an epoch, and their PSNR in dB."""
        artifact = self._artifacts[f"reconstruct/{label}/seed{self.seeds[0]}"]
        psnr = artifact.data["shown"][str(epoch)]["psnr"]
        return artifact[epoch_name(epoch)], float(psnr)

    def sweep(self, method: str, momentum: float, rate: float) -> dict[str, Any] | None:
        """A point of the sweep at its end, or None where the training diverged.

        Returns:
            ``train_mse``, ``mse``, ``psnr`` (of 8-bit test images), ``loss``, ``accuracy`` (in %),
            ``collapsed``.
        """
        label = f"{sweep_label(method, momentum, rate)}/seed{self.seeds[0]}"
        trained = self._artifacts[f"train/{label}"].data
        if trained["diverged"]:
            return None
        images = self._artifacts[f"reconstruct/{label}"].data
        judged = self._artifacts[f"judge/{label}"].data["images"]
        return {
            "train_mse": trained["history"]["loss"][-1],
            "mse": images["mse"],
            "psnr": images["psnr"],
            "loss": judged["loss"],
            "accuracy": 100 * judged["accuracy"],
            "collapsed": trained["collapsed"],
        }
