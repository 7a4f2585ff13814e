"""donis2020: the finished stages' numbers by name, one value per seed."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import torch

from imgcomp.papers.common import finite
from imgcomp.papers.donis2020.experiment import Training, size_labels, trainings
from imgcomp.papers.experiment import Run
from imgcomp.stages import Artifacts

TILES = 1280 * 720 // 32**2
"""Tiles of 32×32 that have as many pixels as an image of 1280×720."""


class Numbers:
    """Reads artifacts by label; everything per seed is a list in the run's order of seeds."""

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self.seeds = run.seeds
        self.first = run.seeds[0]
        self.trainings: dict[str, Training] = {one.name: one for one in trainings(run)}
        self.sizes = size_labels(run)
        self._artifacts = artifacts
        # Read once: they lie in files.
        self._data = cache(lambda label: artifacts[label].data)

    def data(self, step: str, label: str, seed: int | None = None) -> Any:
        """What a stage says; of the first seed by default."""
        return self._data(f"{step}/{label}/seed{self.first if seed is None else seed}")

    def alone(self, step: str) -> Any:
        """What a stage says that there is one of."""
        return self._data(f"{step}/all")

    def epochs(self) -> int:
        """Epochs of every training."""
        return self.run.settings.integer("epochs")

    def course(self, label: str, part: str, measure: str) -> list[list[float]]:
        """A measure after each epoch on ``train`` or ``test`` images; for every seed."""
        return [list(self.data("measure", label, seed)[part][measure]) for seed in self.seeds]

    def at(self, label: str, epoch: int, measure: str = "adaptive") -> list[float]:
        """A measure on the test images after an epoch, 1-based, or the last: −1; every seed."""
        place = epoch - 1 if epoch > 0 else epoch
        return [values[place] for values in self.course(label, "test", measure)]

    def mean_at(self, label: str, epoch: int, measure: str = "adaptive") -> float:
        """The same, its mean over seeds."""
        values = self.at(label, epoch, measure)
        return sum(values) / len(values)

    def looked(self, label: str, what: str) -> list[float]:
        """A number of `stages.look`, for every seed."""
        return [float(self.data("look", label, seed)[what]) for seed in self.seeds]

    def colour(self, label: str, what: str) -> list[float]:
        """A number of `stages.colour_errors` on the test images, for every seed."""
        return [float(self.data("look", label, seed)["colour"][what]) for seed in self.seeds]

    def images(self, label: str, name: str) -> torch.Tensor:
        """Images that `stages.look` kept, of the first seed."""
        return self._artifacts[f"look/{label}/seed{self.first}"][name]

    def per_image(self, label: str) -> list[float]:
        """Adaptive MS-SSIM of each test image at the end, of the first seed."""
        found: list[float] = self.images(label, "per_image").tolist()
        return found

    def kept(self, step: str, name: str) -> torch.Tensor:
        """Images that a stage kept that there is one of."""
        return self._artifacts[f"{step}/all"][name]

    def paper_labels(self) -> list[str]:
        """The trainings of the paper's Figures 2 to 5."""
        return [
            name
            for name in self.trainings
            if name.startswith("batch") or name in self.sizes.values()
        ]

    def batch_labels(self) -> dict[int, str]:
        """Batch size → label, ascending."""
        found = {
            int(one.fit["batch_size"]): name
            for name, one in self.trainings.items()
            if name.startswith("batch")
        }
        return dict(sorted(found.items()))

    def set_sizes(self) -> dict[int, int]:
        """Per cent of the whole set → training images."""
        return {
            size: int(self.data("measure", label)["training"]["images"])
            for size, label in self.sizes.items()
        }

    def layers(self, label: str, when: str, seed: int | None = None) -> dict[str, dict[str, float]]:
        """`inspection.layer_gradients` at ``start``, ``first`` or ``end``, in network order."""
        return _in_network_order(self.data("gradients", label, seed)[when])

    def drawn(self) -> dict[str, dict[str, dict[str, float]]]:
        """`inspection.layer_gradients` by initialisation, in network order."""
        return {name: _in_network_order(found) for name, found in self.alone("draws").items()}

    def parameters(self, network: str, iterations: int) -> dict[str, Any]:
        """A line of `inspection.count_parameters`."""
        (found,) = (
            row
            for row in self.alone("parameters")["networks"]
            if (row["network"], row["iterations"]) == (network, iterations)
        )
        return dict(found)

    def bound(self, bits: float) -> dict[str, float]:
        """The Gaussian bound's point at so many bits."""
        (found,) = (point for point in self.alone("bound")["points"] if point["bits"] == bits)
        return dict(found)

    def bits_needed(self, measure: str, value: float) -> float | None:
        """Bits at which the bound reaches a value, straight between its points.

        The lowest ones where these suffice already; None where the highest do not.
        """
        points = self.alone("bound")["points"]
        if points[0][measure] >= value:
            return float(points[0]["bits"])
        for low, high in itertools.pairwise(points):
            if low[measure] < value <= high[measure]:
                share = (value - low[measure]) / (high[measure] - low[measure])
                return float(low["bits"] + share * (high["bits"] - low["bits"]))
        return None

    def image_ratio(self) -> float:
        """Tiles of the images that Toderici et al. trained on, over the paper's 200,000 images."""
        return 6e6 * TILES / 2e5

    def curves(self) -> dict[str, dict[str, list[float | None]]]:
        """Every training's record: its own columns, and what was measured after each epoch."""
        found = {}
        for label in self.trainings:
            for seed in self.seeds:
                measured = self.data("measure", label, seed)
                record = measured["training"]["history"]
                found[f"{label}/seed{seed}"] = {
                    "epoch": [float(n) for n in range(1, len(record["loss"]) + 1)],
                    "loss": list(record["loss"]),
                    "seconds": list(record["seconds"]),
                    **{
                        f"{part}_{measure}": finite(values)
                        for part in ("train", "test")
                        for measure, values in measured[part].items()
                    },
                }
        return found


_ORDER = (
    *(f"encoder.{name}" for name in ("conv", "rnn1", "rnn2", "rnn3", "bits")),
    *(f"decoder.{name}" for name in ("conv", "rnn1", "rnn2", "rnn3", "rnn4", "output")),
)


def _in_network_order(layers: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: layers[name] for name in sorted(layers, key=_ORDER.index)}
