"""k-means and product quantisation as a codec: each patch as the number of its nearest centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from imgcomp.models.compress.kmeans import kmeans
from imgcomp.models.pixels import as_bytes
from imgcomp.rd.symbols import SymbolSender
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

BITS = 8
"""Of a patch's number: 256 centres, as product quantisation usually has."""
_ITERATIONS = 10


def patch_sides(height: int, width: int) -> list[int]:
    """Sides of square patches that tile images: the whole image, its halves, … down to 2 pixels.

    Images that are not square begin with the largest square that tiles them.
    """
    side = torch.gcd(torch.tensor(height), torch.tensor(width)).item()
    largest = int(side)
    found = [d for d in range(largest, 1, -1) if largest % d == 0]
    return found or [1]


def cut(images: torch.Tensor, side: int) -> torch.Tensor:
    """Images as patches.

    Args:
        images: (N, C, H, W), sides multiples of `side`.
        side: of a patch, in pixels.

    Returns:
        (P, N, C · side²), P patches of an image, row by row.
    """
    count, channels, height, width = images.shape
    laid = images.view(count, channels, height // side, side, width // side, side)
    return laid.permute(2, 4, 0, 1, 3, 5).reshape(-1, count, channels * side * side)


def joined(patches: torch.Tensor, side: int, shape: torch.Size) -> torch.Tensor:
    """The images (N, C, H, W), of which `cut` made patches."""
    count, channels, height, width = shape
    laid = patches.view(height // side, width // side, count, channels, side, side)
    return laid.permute(2, 3, 0, 4, 1, 5).reshape(shape)


@stage(version="1")
def pq_centres(context: Context, train: Split) -> Artifact:
    """Centres of the patches at every place, by k-means on training images.

    Config: ``side`` of a patch; ``bits`` of its number; ``fitted``: of the images, the first ones;
    ``seed`` of the first centres.

    Returns:
        Tensors ``centres`` (P, 2^bits, V), float32, in grey levels, and ``near`` (N, P), int64,
        the training images' numbers.
    """
    config = context.config
    points = cut(train.images[: config["fitted"]].float(), config["side"])
    generator = torch.Generator().manual_seed(config["seed"])
    count = min(2 ** config["bits"], points.shape[1])
    centres, near = kmeans(points, count, _ITERATIONS, generator)
    return Artifact({"centres": centres, "near": near.T.contiguous()})


@dataclass(frozen=True)
class VectorSender(SymbolSender):
    """Sends images as the numbers of the centres nearest to their patches.

    Attributes:
        centres: of `pq_centres`.
        side: of a patch.
    """

    centres: Artifact
    side: int

    @property
    def model_bytes(self) -> int:
        """A byte for each value of a centre."""
        return self.centres["centres"].numel()

    def _seen(self) -> torch.Tensor:
        return self.centres["near"]

    def _symbols(self, images: torch.Tensor) -> torch.Tensor:
        """(N, P): the nearest centre of each patch."""
        patches = cut(images.float(), self.side)
        near = [
            torch.cdist(some, centres).argmin(1)
            for some, centres in zip(patches, self.centres["centres"], strict=True)
        ]
        return torch.stack(near, dim=1)

    def _images(self, symbols: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        chosen = [
            centres[numbers]
            for numbers, centres in zip(symbols.T.long(), self.centres["centres"], strict=True)
        ]
        return as_bytes(joined(torch.stack(chosen), self.side, shape))
