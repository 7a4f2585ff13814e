"""bhattacharya2020: the finished stages' numbers by name, one value per seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from imgcomp.papers.bhattacharya2020.data import Splits, dataset_names, load, splits
from imgcomp.papers.bhattacharya2020.experiment import (
    annealed_seeds,
    components,
    denoiser_parts,
    denoiser_seeds,
    noises,
)
from imgcomp.papers.experiment import Run
from imgcomp.report.claims import mean_and_std
from imgcomp.stages import Artifacts


def mean(values: Sequence[float]) -> float:
    """Over the seeds."""
    return mean_and_std(values)[0]


class Numbers:
    """Reads artifacts by label; everything per seed is a list in the run's order of seeds.

    Losses are mean squared errors on the scale [0, 1]; accuracies are in per cent.
    """

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self._artifacts = artifacts
        self.seeds = run.seeds
        self.names = dataset_names(run)
        """The data sets that were compressed, the run's own first."""
        self.main = self.names[0]
        self.denoiser_seeds = denoiser_seeds(run)
        self.annealed_seeds = annealed_seeds(run)
        self.denoiser_epochs = run.settings.integer("denoiser_epochs")
        self.rivals = ("constant", "mean", *(f"pca-{count}" for count in components(run)))
        self._splits: dict[str, Splits] = {}

    def splits(self, name: str) -> Splits:
        """A data set's images by purpose."""
        if name not in self._splits:
            self._splits[name] = splits(self.run, load(self.run, name))
        return self._splits[name]

    def data(self, label: str) -> dict[str, Any]:
        """What a stage says."""
        return dict(self._artifacts[label].data)

    def has(self, label: str) -> bool:
        """Whether the run has such a stage."""
        return label in set(self._artifacts)

    def history(self, label: str, metric: str) -> list[float]:
        """A training's record, one number per epoch (NaN where it is missing)."""
        values = self.data(f"train/{label}")["history"][metric]
        return [float("nan") if value is None else float(value) for value in values]

    def record(self, label: str) -> dict[str, list[float | None]]:
        """A training's whole record: metric → one number per epoch."""
        found: dict[str, list[float | None]] = self.data(f"train/{label}")["history"]
        return found

    def histories(self, label: str, metric: str, seeds: Sequence[int] = ()) -> list[list[float]]:
        """The same for several seeds, by default all."""
        return [self.history(f"{label}/seed{seed}", metric) for seed in seeds or self.seeds]

    def final(self, label: str, metric: str, seeds: Sequence[int] = ()) -> list[float]:
        """The last epoch's value for each seed."""
        return [values[-1] for values in self.histories(label, metric, seeds)]

    def denoiser(self) -> str:
        """The label of the denoising instance, trained as far as this run goes."""
        return f"denoiser-to-{denoiser_parts(self.run)[-1]:03d}"

    def judged(
        self, label: str, measure: str, seeds: Sequence[int] = (), image: str = "images"
    ) -> list[float]:
        """``psnr``, ``ssim``, ``mse_8bit`` or ``accuracy`` over all of a stage's images.

        Args:
            label: Of the judging, without ``judge/`` and the seed.
            measure: What.
            seeds: By default all.
            image: The tensor that was judged, or ``originals`` (accuracy only).
        """
        found = []
        for seed in seeds or self.seeds:
            data = self.data(f"judge/{label}/seed{seed}")
            part = data["originals"] if image == "originals" else data["found"][image]
            found.append(_scaled(part, measure))
        return found

    def rival(self, dataset: str, rival: str, measure: str) -> float:
        """The same of a trivial rival, or of the ``originals``; also ``loss``, ``values``."""
        if measure in ("loss", "values"):
            data = self.data(f"reconstruct/rivals-{dataset}/all")[rival]
            return float(data["exact_mse" if measure == "loss" else "values"])
        data = self.data(f"judge/rivals-{dataset}/all")
        part = data["originals"] if rival == "originals" else data["found"][rival]
        return _scaled(part, measure)

    def test_loss(self, label: str) -> list[float]:
        """Mean squared error of a network's 8-bit test images, scale [0, 1], for each seed."""
        return [float(self.data(f"reconstruct/{label}/seed{seed}")["mse"]) for seed in self.seeds]

    def by_class(self, label: str, seeds: Sequence[int] = ()) -> list[dict[str, Any]]:
        """What was judged class by class, for each seed."""
        return [self.data(f"judge/{label}/seed{seed}") for seed in seeds or self.seeds]

    def variance(self, dataset: str, images: str, kind: str) -> float:
        """The loss of the best ``constant`` or the best picture (``mean``) on the images."""
        return float(self.data(f"variances/{dataset}/all")[images][kind])

    def denoised(self, instance: str, images: str) -> list[dict[str, Any]]:
        """What a denoising instance did to the ``test`` or ``train`` images, for each seed."""
        return [
            self.data(f"denoise/{instance}-{images}/seed{seed}") for seed in self.denoiser_seeds
        ]

    def input_losses(self, images: str) -> list[float]:
        """Loss of what the denoising instance is given, for each of its seeds.

        Args:
            images: ``train`` or ``validation``.
        """
        return [
            float(self.data(f"reconstruct/{images}-{self.main}/seed{seed}")["mse"])
            for seed in self.denoiser_seeds
        ]

    def sent(self, dataset: str) -> list[dict[str, Any]]:
        """What the codes of a data set's test images take in bytes, for each seed."""
        return [self.data(f"bytes/autoencoder-{dataset}/seed{seed}") for seed in self.seeds]

    def tries(self) -> dict[str, dict[str, Any]]:
        """Label (without ``train/``) → what a training says, for all that may restart.

        Of the parts of the denoising instance only the last one.
        """
        found = {}
        for label in self._artifacts:
            if not label.startswith("train/"):
                continue
            short = label.removeprefix("train/")
            if short.startswith("denoiser-to-") and not short.startswith(self.denoiser()):
                continue
            data = self.data(label)
            if "tries" in data:
                found[short] = data
        return found

    def noise(self, kind: str, level: float, name: str, measure: str) -> float:
        """``mse``, ``psnr`` or ``accuracy`` of noisy test images after a filter or network."""
        for row in self.data(f"noise/all/seed{self.seeds[0]}")["noises"]:
            if (row["kind"], row["level"]) == (kind, level):
                return _scaled(
                    {key: {"overall": value} for key, value in row["found"][name].items()}, measure
                )
        raise KeyError((kind, level))

    def noise_names(self) -> list[str]:
        """The filters and networks that noisy images were sent through."""
        return list(self.data(f"noise/all/seed{self.seeds[0]}")["noises"][0]["found"])

    def noise_images(self, kind: str, level: float, name: str, count: int) -> torch.Tensor:
        """The first images that came out of a filter or network."""
        place = noises(self.run).index((kind, level))
        return self._artifacts[f"noise/all/seed{self.seeds[0]}"][f"{place}/{name}"][:count]

    def images(self, label: str, name: str = "images", count: int = 24) -> torch.Tensor:
        """The first images of a stage."""
        return self._artifacts[label][name][:count]

    def parameters(self) -> dict[str, int]:
        """Trainable values of the parts of the network that was trained."""
        artifact = self._artifacts[f"train/autoencoder-{self.main}/seed{self.seeds[0]}"]
        return {
            part: sum(
                tensor.numel()
                for name, tensor in artifact.tensors.items()
                if name.startswith(f"final/{part}.")
            )
            for part in ("encoder", "decoder")
        }

    def code_values(self) -> int:
        """Values of one image's code."""
        from imgcomp import models

        spec = self.data(f"train/autoencoder-{self.main}/seed{self.seeds[0]}")["spec"]
        shape = models.Autoencoder(spec).code_shape
        return int(torch.Size(shape).numel())


def _scaled(part: dict[str, Any], measure: str) -> float:
    value = float(part[measure]["overall"])
    return 100 * value if measure == "accuracy" else value
