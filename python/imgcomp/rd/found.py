"""What the stages of a line gave: rates and qualities of every image at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from imgcomp.rd.lines import Line
from imgcomp.rd.scales import SCALES
from imgcomp.rd.stages import MOSAIC
from imgcomp.stages import Artifact

SIZES = ("file", "payload", "mosaic")
"""The three ways of counting."""
WHOLE = "whole"
"""A fourth: files of whole photographs."""


@dataclass(frozen=True)
class Found:
    """What the stages of one line gave.

    Attributes:
        line: which.
        points: one artifact of `imgcomp.rd.stages.point` for each of its points.
        pixels: of an image.
        whole: of `imgcomp.rd.stages.whole_pictures`, as many, or none.
        retrained: of `imgcomp.rd.stages.retrained`, by the number of the point.
    """

    line: Line
    points: Sequence[Artifact]
    pixels: int
    whole: Sequence[Artifact] = ()
    retrained: Mapping[int, Artifact] | None = None

    def knows(self, size: str, measure: str) -> bool:
        """Whether there is a curve: one of `SIZES` or `WHOLE`, over one of `SCALES`."""
        stages = self.whole if size == WHOLE else self.points
        name = SCALES[measure].tensor
        return bool(stages) and all(
            name in each.tensors and bool(each[name].isfinite().all()) for each in stages
        )

    def rates(self, size: str, shared_by: int | None = None) -> torch.Tensor:
        """Bits per pixel of each image, float64 (points, N); of `WHOLE`, of each photograph.

        Args:
            size: one of `SIZES`, or `WHOLE`.
            shared_by: so many images share what must be known beforehand, which is added; None
                adds nothing.
        """
        if size == WHOLE:
            return torch.stack([8 * each["file"] / each["pixels"] for each in self.whole])
        found = torch.stack([each[size] for each in self.points])
        if shared_by is not None:
            models = [float(each.data["model_bytes"]) / shared_by for each in self.points]
            found = found + torch.tensor(models, dtype=torch.float64)[:, None]
        return 8 * found / self.pixels

    def qualities(self, size: str, measure: str) -> torch.Tensor:
        """A measure of each image, float64 (points, N), not on `SCALES`'s scale.

        Of images out of the mosaic where that is meant.
        """
        name = SCALES[measure].tensor
        if size == WHOLE:
            return torch.stack([each[name] for each in self.whole])
        return torch.stack([self._measure(each, size, name) for each in self.points])

    @staticmethod
    def _measure(point: Artifact, size: str, name: str) -> torch.Tensor:
        mosaic = point.tensors.get(MOSAIC + name) if size == "mosaic" else None
        return point[name] if mosaic is None else mosaic
