"""feng2018's extras: the finished stages' numbers, means over the seeds that they were run for."""

from __future__ import annotations

from typing import Any

import torch

from imgcomp.papers.experiment import Run
from imgcomp.papers.feng2018.experiment import autoencoder_splits
from imgcomp.papers.feng2018.extras.experiment import SHOWN, extra_seeds, noises
from imgcomp.report.claims import mean_and_std
from imgcomp.stages import Artifacts


def _mean(values: list[float]) -> float:
    return mean_and_std(values)[0]


class Extras:
    """Reads the extras' artifacts. Accuracies are in %."""

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self.seeds = extra_seeds(run)
        self._artifacts = artifacts

    def data(self, label: str) -> list[Any]:
        """A stage's data, one for each seed."""
        return [self._artifacts[f"{label}/seed{seed}"].data for seed in self.seeds]

    def noise(self, kind: str, level: float, name: str, what: str) -> float:
        """``psnr`` (dB), ``mse`` or ``accuracy`` of a filter's output for a noise."""
        place = noises(self.run).index((kind, level))
        found = [data["noises"][place]["found"][name][what] for data in self.data("noise/all")]
        return _mean(found) * (100 if what == "accuracy" else 1)

    def noise_images(self, kind: str, level: float, name: str) -> torch.Tensor:
        """The first seed's first images of a filter's output; ``originals`` without noise."""
        if name == "originals":
            return self.originals(SHOWN)
        place = noises(self.run).index((kind, level))
        return self._artifacts[f"noise/all/seed{self.seeds[0]}"][f"{place}/{name}"]

    def quality(self, label: str, what: str) -> float:
        """``mse``, ``psnr`` or ``accuracy`` of a network's or of PCA's reconstructions."""
        if label.startswith("pca-"):
            errors = [data[label] for data in self.data("reconstruct/rivals")]
            verdicts = [data[label] for data in self.data("judge/rivals")]
        else:
            errors = self.data(f"reconstruct/{label}")
            verdicts = [data["images"] for data in self.data(f"judge/{label}")]
        if what == "accuracy":
            return 100 * _mean([data["accuracy"] for data in verdicts])
        return _mean([data[what] for data in errors])

    def images(self, label: str, count: int) -> torch.Tensor:
        """The first seed's first reconstructions."""
        seed = self.seeds[0]
        if label.startswith("pca-"):
            return self._artifacts[f"reconstruct/rivals/seed{seed}"][label][:count]
        return self._artifacts[f"reconstruct/{label}/seed{seed}"]["images"][:count]

    def training(self, label: str) -> tuple[int, int, float, float]:
        """Of a network: parameters, epochs, last training loss, seconds of training."""
        found = self.data(f"train/{label}")
        return (
            int(found[0]["num_parameters"]),
            len(found[0]["history"]["loss"]),
            _mean([data["history"]["loss"][-1] for data in found]),
            _mean([sum(data["history"]["seconds"]) for data in found]),
        )

    def compressed(self, label: str, state: str, what: str) -> float | None:
        """A number of a compressed network.

        Args:
            label: As in `compressions`.
            state: ``plain``, or ``tuned`` for after fine-tuning.
            what: ``mse``, ``psnr``, ``accuracy``; ``bytes`` of its file, ``packed`` by LZMA.

        Returns:
            None where there was no fine-tuning.
        """
        values = []
        for data in self.data(f"compress/{label}"):
            if state == "tuned" and data["tuned"] is None:
                return None
            place = data if what == "bytes" or (what, state) == ("packed", "plain") else data[state]
            values.append(float(place[what]))
        return _mean(values) * (100 if what == "accuracy" else 1)

    def originals(self, count: int) -> torch.Tensor:
        """The first seed's first test images."""
        return autoencoder_splits(self.run, self.seeds[0])[1].images[:count]
