"""kawaguchi2022: the finished stages' numbers by name, one value per seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from imgcomp.papers.common import epoch_name
from imgcomp.papers.experiment import Run, scaled_epoch
from imgcomp.papers.kawaguchi2022.beyond import Point, size_label
from imgcomp.papers.kawaguchi2022.experiment import PAPER_EPOCHS_2, short_epochs, test_images
from imgcomp.stages import Artifacts


@dataclass(frozen=True)
class Judged:
    """A training of model 1 beside its floor, on scales that can be compared.

    Attributes:
        loss: Training loss of its last epoch, in the model's range.
        val_loss: Best validation loss so far, in the model's range.
        floor: The lowest training loss that the last ReLU allows, in the model's range.
        val_floor: The same for validation.
        half: What is multiplied to bring a loss to [-1, 1]: 1, or 4 where images are in [0, 1].
    """

    loss: float
    val_loss: float
    floor: float
    val_floor: float
    half: float

    @property
    def excess(self) -> float:
        """Training loss over its floor, in [-1, 1]."""
        return self.half * (self.loss - self.floor)

    @property
    def val_excess(self) -> float:
        """Validation loss over its floor, in [-1, 1]."""
        return self.half * (self.val_loss - self.val_floor)


class Numbers:
    """Reads artifacts by label; everything per seed is a list in the run's order of seeds."""

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self._artifacts = artifacts
        self.seeds = run.seeds
        self.first = run.seeds[0]
        self.short = short_epochs(run)

    def data(self, step: str, label: str, seed: int | None = None) -> Any:
        """What a stage says; of the first seed by default."""
        return self._artifacts[f"{step}/{label}/seed{self.first if seed is None else seed}"].data

    def record(self, label: str, seed: int | None = None) -> dict[str, list[float | None]]:
        """A training's whole record: metric → one number per epoch."""
        found: dict[str, list[float | None]] = self.data("train", label, seed)["history"]
        return found

    def history(self, label: str, metric: str, seed: int | None = None) -> list[float]:
        """A training's record, one number per epoch (NaN where it is missing)."""
        values = self.record(label, seed)[metric]
        return [float("nan") if value is None else value for value in values]

    def histories(self, label: str, metric: str) -> list[list[float]]:
        """The same for every seed."""
        return [self.history(label, metric, seed) for seed in self.seeds]

    def at(self, label: str, metric: str, epoch: int) -> list[float]:
        """The value at an epoch, 1-based, or at the last one where there are fewer."""
        return [values[min(epoch, len(values)) - 1] for values in self.histories(label, metric)]

    def best(self, label: str, epoch: int, seed: int | None = None) -> float:
        """The best validation loss up to an epoch: that of the network that was kept."""
        return min(self.history(label, "val_loss", seed)[:epoch])

    def epochs(self, label: str) -> int:
        """Finished epochs of the first seed's training."""
        return len(self.record(label)["loss"])

    def epoch_2(self, paper_epoch: int) -> int:
        """The epoch of this run's model 2 that stands for one of the paper's."""
        return scaled_epoch(paper_epoch, PAPER_EPOCHS_2, self.run.settings.integer("m2_epochs"))

    def floor(self, part: str, seed: int | None = None, whose: str = "model1") -> dict[str, Any]:
        """Of model 1's (or the ``sweep``'s) ``train`` or ``validation`` images, as of `floors`."""
        found: dict[str, Any] = self.data("floor", whose, seed)[part]
        return found

    def judged(self, label: str, epoch: int | None = None, seed: int | None = None) -> Judged:
        """A training of model 1 or of a variant at an epoch, the last by default."""
        spec = self.data("train", label, seed)["spec"]
        low, high = spec["data_range"]
        relu = spec["parts"]["decoder"][-1]["kind"] == "relu"
        stuck = relu and low < 0
        epoch = epoch or len(self.record(label, seed)["loss"])
        return Judged(
            self.history(label, "loss", seed)[epoch - 1],
            self.best(label, epoch, seed),
            self.floor("train", seed)["floor"] if stuck else 0.0,
            self.floor("validation", seed)["floor"] if stuck else 0.0,
            4.0 / (high - low) ** 2,
        )

    def excesses(self, epoch: int, validation: bool) -> list[float]:
        """Model 1's loss over its floor, for every seed."""
        found = [self.judged("model1", epoch, seed) for seed in self.seeds]
        return [one.val_excess if validation else one.excess for one in found]

    def parameters(self, label: str) -> int:
        """Trainable values of a network."""
        return int(self.data("train", label)["num_parameters"])

    def spec(self, label: str) -> dict[str, Any]:
        """The spec that a network was built from."""
        found: dict[str, Any] = self.data("train", label)["spec"]
        return found

    def tries(self) -> list[tuple[str, Mapping[str, Any]]]:
        """(name of the training with its seed, data) of every training with the restart rule."""
        found = []
        for label in self._artifacts:
            step, _, name = label.partition("/")
            if step == "train" and "tries" in (data := self._artifacts[label].data):
                found.append((name, data))
        return found

    def given_up(self, data: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
        """The tries that were given up: before the training, and in it."""
        tries = data["tries"][:-1]
        before = [one for one in tries if one["dead"] == "before"]
        return before, [one for one in tries if one["dead"] == "training"]

    def dead_at_end(self, data: Mapping[str, Any]) -> str:
        """What is dead in the network that was kept; empty where nothing is."""
        return str(data["tries"][-1]["what"]) if data["tries"] else ""

    def error(self, label: str, what: str) -> list[float]:
        """``mse`` (on the scale [0, 1]) or ``psnr`` of 8-bit test images, for every seed."""
        return [float(self.data("reconstruct", label, seed)[what]) for seed in self.seeds]

    def error_1(self, label: str, what: str) -> float:
        """The same of the first seed, for networks that the others do not have."""
        return float(self.data("reconstruct", label)[what])

    def rival(self, name: str, what: str) -> float:
        """``mse``, ``psnr`` or ``values`` of a rival's 8-bit test images, of the first seed."""
        return float(self.data("reconstruct", "rivals")[name][what])

    def verdict(self, label: str, name: str, what: str) -> float:
        """``accuracy``, ``ssim``, … over all test images, of the first seed."""
        found = self.data("judge", label)["found"][name]
        return float(found[what]["overall"])

    def recognised(self) -> float:
        """Share of the original test images that the classifier judges right."""
        return float(self.data("judge", "rivals")["originals"]["accuracy"]["overall"])

    def images(self, label: str, name: str = "images") -> torch.Tensor:
        """The first seed's reconstructions; ``originals`` as a label are the test images."""
        if label == "originals":
            return test_images(self.run).images
        return self._artifacts[f"reconstruct/{label}/seed{self.first}"][name]

    def short_images(self) -> torch.Tensor:
        """The first test images as model 1's shorter training gives them back."""
        return self.images("model1", epoch_name(self.short))

    def sent(self, label: str) -> dict[str, Any]:
        """What a network's code takes in bytes, or the ``images`` themselves; the first seed's."""
        found: dict[str, Any] = self.data("bytes", label)
        return found

    def rates(self, label: str) -> list[dict[str, Any]]:
        """The forms of a network's code, by bits; none where its training diverged."""
        forms: list[dict[str, Any]] = self.sent(label).get("forms", [])
        return sorted(forms, key=lambda form: int(form["bits"]))

    def float_psnr(self, model: str, channels: int) -> float | None:
        """PSNR with an unquantised code of so many channels; None where this was not run."""
        label = size_label(model, channels)
        if f"bytes/{label}/seed{self.first}" not in self._artifacts:
            return None
        forms = self.rates(label)
        return float(forms[-1]["psnr"]) if forms else None

    def sweep(self, point: Point) -> dict[str, Any]:
        """A training of the sweep, as its stage says."""
        found: dict[str, Any] = self.data("train", point.label)
        return found

    def sweep_excess(self, point: Point) -> float | None:
        """Its best validation loss over the floor of the sweep's images; None if it diverged."""
        if self.sweep(point)["diverged"]:
            return None
        floor = self.floor("validation", whose="sweep")["floor"]
        return min(self.history(point.label, "val_loss")) - float(floor)
