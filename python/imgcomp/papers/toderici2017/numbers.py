"""toderici2017: the finished stages' numbers by name, one value per seed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from imgcomp.papers.experiment import Run
from imgcomp.papers.toderici2017.experiment import Variant, variants
from imgcomp.papers.toderici2017.peers import CODECS
from imgcomp.stages import Artifacts

SETS = ("images", "tiles", "photographs")
"""What is measured after every iteration: test images; tiles of photographs, each by itself;
photographs put together from them."""


class Numbers:
    """Reads artifacts by label; everything per seed is a list in the run's order of seeds."""

    def __init__(self, run: Run, artifacts: Artifacts) -> None:
        self.run = run
        self.seeds = run.seeds
        self.first = run.seeds[0]
        self.variants = variants(run)
        self._artifacts = artifacts
        self._data = cache(lambda label: artifacts[label].data)
        self.with_photographs = "peers/photographs" in set(artifacts)
        self.sets = SETS if self.with_photographs else SETS[:1]

    def data(self, step: str, variant: Variant, seed: int | None = None) -> Any:
        """What a stage says; of the first seed by default."""
        chosen = self.first if seed is None else seed
        return self._data(f"{step}/{variant.label}/seed{chosen}")

    def image_bytes(self) -> dict[str, Any]:
        """What the test images take without any network."""
        return dict(self._data("bytes/images/all"))

    def set_name(self, which: str) -> str:
        """A set for people."""
        return {
            "images": f"{self.run.dataset.name}, test",
            "tiles": "tiles of photographs",
            "photographs": "photographs",
        }[which]

    def iterations(self) -> int:
        """Of every network."""
        return self.run.settings.integer("iterations")

    def bytes_per_image(self) -> list[int]:
        """Of a test image's packed code after each iteration."""
        return list(self.data("measure", self.variants[0])["bytes"])

    def rates(self) -> list[float]:
        """Bits per pixel after each iteration, from the packed bytes of a test image."""
        _, height, width = self.data("train", self.variants[0])["spec"]["input_shape"]
        return [8 * size / (height * width) for size in self.bytes_per_image()]

    def photograph_rates(self) -> list[float]:
        """The same, mean over whole photographs."""
        found = self.data("photographs", self.variants[0])
        rates = [
            [8 * size / pixels for size in sizes]
            for sizes, pixels in zip(found["bytes"], found["pixels"], strict=True)
        ]
        return [sum(column) / len(column) for column in zip(*rates, strict=True)]

    def course(self, variant: Variant, which: str, measure: str) -> list[list[float]]:
        """A measure after each iteration, mean over the images of a set; for every seed."""
        return [self._course(variant, which, measure, seed) for seed in self.seeds]

    def _course(self, variant: Variant, which: str, measure: str, seed: int) -> list[float]:
        if which == "images":
            return list(self.data("measure", variant, seed)["scores"][measure])
        found = self.data("photographs", variant, seed)[which][measure]
        return list(found) if which == "tiles" else _means(found)

    def whole(self, variant: Variant, measure: str) -> list[list[float]]:
        """A measure of photographs that went through as a whole, at the shown iterations."""
        return [
            _means(self.data("photographs", variant, seed)["whole"][measure]) for seed in self.seeds
        ]

    def auc(self, variant: Variant, which: str, measure: str) -> list[float]:
        """Area under a measure over the rate, from the first iteration to the last; every seed."""
        from imgcomp import metrics

        rates = self.rates()
        return [
            metrics.auc_over_rate(rates, values) for values in self.course(variant, which, measure)
        ]

    def best(self, which: str, measure: str) -> Variant:
        """The network with the largest mean area."""
        return max(self.variants, key=lambda one: _mean(self.auc(one, which, measure)))

    def peer(self, codec: str, which: str) -> list[dict[str, float]]:
        """An ordinary codec's points, by rate; ``which``: ``images`` or ``photographs``."""
        return list(self._data(f"peers/{which}")[codec])

    def peer_count(self, which: str) -> int:
        """Images behind those points."""
        return int(self._data(f"peers/{which}")["images"])

    def peer_at(self, codec: str, which: str, measure: str, rate: float) -> float | None:
        """An ordinary codec at a rate, straight between its points; None where it has none."""
        points = self.peer(codec, which)
        rates = [point["rate"] for point in points]
        if not rates[0] <= rate <= rates[-1]:
            return None
        return float(np.interp(rate, rates, [point[measure] for point in points]))

    def ahead_of(self, codec: str, measure: str, which: str = "photographs") -> list[float] | None:
        """The share of the iterations' rates at which the best network beats a codec; every seed.

        Of the rates that the codec reaches; None where it reaches none. The best network of each
        seed is that with the largest area.
        """
        found = []
        for place, _ in enumerate(self.seeds):
            best = max(self.variants, key=lambda one: self.auc(one, which, measure)[place])
            ours = self.course(best, which, measure)[place]
            pairs = [
                (value, theirs)
                for rate, value in zip(self.rates(), ours, strict=True)
                if (theirs := self.peer_at(codec, which, measure, rate)) is not None
            ]
            if not pairs:
                return None
            found.append(sum(value > theirs for value, theirs in pairs) / len(pairs))
        return found

    def least_gain(self, measure: str) -> list[float]:
        """The smallest gain of an iteration on test images, over all networks; every seed."""
        gains = []
        for place, _ in enumerate(self.seeds):
            courses = [self.course(one, "images", measure)[place] for one in self.variants]
            gains.append(min(float(np.diff(values).min()) for values in courses))
        return gains

    def pictures(self, variant: Variant, name: str, step: str = "measure") -> torch.Tensor:
        """Images that a stage kept, of the first seed."""
        return self._artifacts[f"{step}/{variant.label}/seed{self.first}"][name]

    def curves(self) -> dict[str, dict[str, list[float | None]]]:
        """Every training's record."""
        found: dict[str, dict[str, list[float | None]]] = {}
        for variant in self.variants:
            for seed in self.seeds:
                record = self.data("train", variant, seed)["history"]
                count = len(record["loss"])
                found[f"{variant.label}/seed{seed}"] = {
                    "epoch": [float(epoch) for epoch in range(1, count + 1)],
                    **{name: list(values) for name, values in record.items()},
                }
        return found

    def codecs(self) -> dict[str, str]:
        """Ordinary codecs: key → name."""
        return dict(CODECS)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _means(rows: list[list[float]]) -> list[float]:
    return [_mean(list(column)) for column in zip(*rows, strict=True)]
