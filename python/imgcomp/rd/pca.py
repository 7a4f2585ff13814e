"""Principal components as a codec: coefficients in equal steps, coded by the package's coder.

What a linear transform can do that knows the training images; JPEG's knows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from imgcomp.models.pixels import as_bytes
from imgcomp.papers.common import principal_directions
from imgcomp.rd.symbols import SymbolSender
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

COMPONENTS = (64, 256, 1024)
STEPS = (1024.0, 640.0, 400.0, 250.0, 160.0, 100.0, 64.0, 40.0, 25.0, 16.0, 10.0)
"""Of the coefficients, in grey levels; the directions are of length 1."""
_MAX_COEFFICIENT = 2**20


@stage(version="1")
def pca_basis(context: Context, train: Split) -> Artifact:
    """Mean and directions of training images, and their coefficients, to count symbols on.

    Config: ``components``: of most variance that are kept, at most; ``fitted``: of the images, the
    first ones.

    Returns:
        Tensors ``mean`` (D,), ``basis`` (D, K), the most important direction first, and
        ``coefficients`` (N, K), float32, in grey levels.
    """
    sample = train.images[: context.config["fitted"]].flatten(1).to(torch.float64)
    mean, directions = principal_directions(sample)
    basis = directions.flip(1)[:, : context.config["components"]]
    coefficients = (sample - mean) @ basis
    return Artifact(
        {
            "mean": mean.float(),
            "basis": basis.float().contiguous(),
            "coefficients": coefficients.float(),
        }
    )


@dataclass(frozen=True)
class PcaSender(SymbolSender):
    """Sends images as some of their coefficients.

    Attributes:
        basis: of `pca_basis`.
        components: the first so many of them, or all where there are fewer.
        step: between levels, in grey levels.
    """

    basis: Artifact
    components: int
    step: float

    @property
    def model_bytes(self) -> int:
        """Mean and directions as float32; the tables are not counted, in this rival's favour."""
        values = self.basis["mean"].numel() + self._directions.numel()
        return 4 * values

    @property
    def _directions(self) -> torch.Tensor:
        return self.basis["basis"][:, : self.components]

    def _levels(self, coefficients: torch.Tensor) -> torch.Tensor:
        rounded = (coefficients / self.step).round()
        return rounded.clamp(-_MAX_COEFFICIENT, _MAX_COEFFICIENT).to(torch.int32)

    def _seen(self) -> torch.Tensor:
        return self._levels(self.basis["coefficients"][:, : self.components])

    def _symbols(self, images: torch.Tensor) -> torch.Tensor:
        centred = images.flatten(1).float() - self.basis["mean"]
        return self._levels(centred @ self._directions)

    def _images(self, symbols: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        values = self.basis["mean"] + (symbols.float() * self.step) @ self._directions.T
        return as_bytes(values).view(shape)
