"""buell2022: the finished stages' numbers by name, one value per repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from imgcomp.papers.buell2022.cases import CASES
from imgcomp.papers.buell2022.experiment import chosen_cases, extra_names, repeats
from imgcomp.papers.experiment import Run
from imgcomp.papers.statistics import Paired, paired
from imgcomp.stages import Artifacts

Array = npt.NDArray[np.float64]


class Numbers:
    """Reads artifacts by label; everything per repeat is a list in the run's order of seeds.

    A training is named by its case (``cs1``) or by variant and case (``order3-cs2``). Scores and
    curves are shares, losses nats.
    """

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self._artifacts = artifacts
        self.seeds = run.seeds
        wanted = extra_names(run)
        self.extra_data = [name for name in wanted if self._has(f"{name}-baseline")]
        """Other data sets that were run."""
        self.missing_data = [name for name in wanted if name not in self.extra_data]
        """Other data sets that were asked for and not to be had."""
        self.unscaled = run.settings.flag("unscaled")
        """Whether everything was also run on unscaled bytes."""
        # Read once: an artifact that nobody holds would be read from its file again.
        self._records: dict[tuple[str, int], dict[str, Any]] = {}
        self._curves: dict[tuple[str, str], Array] = {}

    def record(self, name: str, seed: int) -> dict[str, Any]:
        """All that is known of one training; see `stages.train_and_test`."""
        if (name, seed) not in self._records:
            self._records[name, seed] = dict(self._artifacts[f"run/{name}/seed{seed}"].data)
        return self._records[name, seed]

    def _has(self, name: str) -> bool:
        return f"run/{name}/seed{self.seeds[0]}" in set(self._artifacts)

    def scores(
        self, name: str, score: str = "f1", seeds: Sequence[int] | None = None
    ) -> list[float]:
        """``precision``, ``recall``, ``f1`` (macro) or ``accuracy`` on the test images."""
        chosen = self.seeds if seeds is None else seeds
        return [float(self.record(name, seed)["scores"][score]) for seed in chosen]

    def scores_by_epoch(self, name: str, seeds: Sequence[int], score: str = "f1") -> Array:
        """The same after each epoch: (repeats, epochs)."""
        rows = []
        for seed in seeds:
            by_epoch = self.record(name, seed)["by_epoch"]
            rows.append([by_epoch[epoch][score] for epoch in sorted(by_epoch, key=int)])
        return np.asarray(rows, dtype=np.float64)

    def history(self, name: str, seed: int, column: str) -> list[float | None]:
        """A column of a training's history, one number per epoch."""
        values: list[float | None] = self.record(name, seed)["history"][column]
        return values

    def curve(self, name: str, curve: str) -> Array:
        """What Keras would show after each batch of the first epoch: (repeats, batches).

        Args:
            name: Of the training.
            curve: ``loss``, ``precision``, ``recall`` or ``f1`` (of the two running shares).
        """
        if (name, curve) not in self._curves:
            self._curves[name, curve] = self._read_curve(name, curve)
        return self._curves[name, curve]

    def _read_curve(self, name: str, curve: str) -> Array:
        if curve == "f1":
            precision, recall = self.curve(name, "precision"), self.curve(name, "recall")
            total = precision + recall
            product = 2 * precision * recall
            return np.divide(product, total, out=np.zeros_like(product), where=total > 0)
        rows = [
            self._artifacts[f"run/{name}/seed{seed}"][f"running_{curve}"].to(torch.float64).numpy()
            for seed in self.seeds
        ]
        return np.stack([row[: self.batches] for row in rows])

    @property
    def batches(self) -> int:
        """Batches of one epoch of the paper's runs."""
        return -(-self.train_images // self.run.settings.integer("batch"))

    @property
    def train_images(self) -> int:
        """Images that each of the paper's runs trains on."""
        return int(self.record("baseline", self.seeds[0])["train"])

    @property
    def test_images(self) -> int:
        """Images that each of the paper's runs is tested on."""
        return int(self.record("baseline", self.seeds[0])["test"])

    def against_baseline(
        self, name: str, baseline: str = "baseline", seeds: Sequence[int] | None = None
    ) -> Paired:
        """F1 of a training minus that of the baseline with the same split and weights, in points.

        Repeats with the same seed have the same split and the same initial weights.
        """
        ours, theirs = self.scores(name, seeds=seeds), self.scores(baseline, seeds=seeds)
        return paired([100 * value for value in ours], [100 * value for value in theirs])

    def inputs(self) -> dict[str, dict[str, Any]]:
        """What `stages.inspect_inputs` counted, by case."""
        data = self._artifacts[f"inputs/{self.run.dataset.name}/all"].data
        return {name: data[name] for name in CASES}

    def picture(self, name: str) -> torch.Tensor:
        """A tensor of `stages.inspect_inputs`."""
        return self._artifacts[f"inputs/{self.run.dataset.name}/all"][name]

    def seconds(self) -> float:
        """Seconds that the trainings of the paper's own runs took in all, one after another."""
        total = 0.0
        for name in CASES:
            for seed in self.seeds:
                total += sum(value or 0.0 for value in self.history(name, seed, "seconds"))
        return total

    def collapsed(self) -> list[str]:
        """Trainings that ended with one output for every input."""
        found = []
        for label in self._artifacts:
            step, name, seed = label.split("/")
            if step == "run" and self.record(name, int(seed[4:]))["collapsed"]:
                found.append(f"{name} ({seed})")
        return found

    def long_runs(self) -> list[str]:
        """The names of the longer trainings, in the order of their cases."""
        if not self.repeats("long_repeats"):
            return []
        return [f"long-{case}" for case in chosen_cases(self.run, "long_cases")]

    def repeats(self, key: str) -> tuple[int, ...]:
        """The seeds of an experiment with its own number of repeats."""
        return repeats(self.run, key)


def trapezoid_mean(x: Sequence[float], y: Sequence[float]) -> float:
    """Mean of a curve over its range, known at a few places and straight between them."""
    positions, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(positions) == 1:
        return float(values[0])
    areas = (values[1:] + values[:-1]) / 2 * np.diff(positions)
    return float(areas.sum() / (positions[-1] - positions[0]))
