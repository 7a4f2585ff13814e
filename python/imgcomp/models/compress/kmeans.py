"""Lloyd's k-means for many small sets of points at once."""

from __future__ import annotations

import torch

_AT_A_TIME = 1 << 24  # distances held in memory


def kmeans(
    points: torch.Tensor, count: int, iterations: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find each set's centres, starting from points drawn at random.

    A centre that no point is nearest to moves to the point that is farthest from its own centre.

    Args:
        points: float32 (sets, n, d).
        count: Centres of each set, at most n.
        iterations: At most; fewer where nothing changes any more.
        generator: Draws the first centres.

    Returns:
        Centres (sets, count, d), and the number of each point's nearest one, int64 (sets, n).
    """
    sets, n, _ = points.shape
    step = max(1, _AT_A_TIME // (n * count))
    draws = torch.rand(sets, n, generator=generator).argsort(dim=1)[:, :count]
    found = [
        _lloyd(points[begin : begin + step], draws[begin : begin + step], iterations)
        for begin in range(0, sets, step)
    ]
    return torch.cat([centres for centres, _ in found]), torch.cat([near for _, near in found])


def _lloyd(
    points: torch.Tensor, first: torch.Tensor, iterations: int
) -> tuple[torch.Tensor, torch.Tensor]:
    sets, _, d = points.shape
    count = first.shape[1]
    centres = points.gather(1, first[:, :, None].expand(-1, -1, d))
    distances, near = torch.cdist(points, centres).min(dim=2)
    for _ in range(iterations):
        index = near[:, :, None].expand(-1, -1, d)
        sums = torch.zeros_like(centres).scatter_add_(1, index, points)
        members = torch.zeros(sets, count).scatter_add_(1, near, torch.ones_like(distances))
        centres = sums / members.clamp(min=1)[:, :, None]
        _refill(points, centres, members, distances)
        distances, now = torch.cdist(points, centres).min(dim=2)
        if torch.equal(now, near):
            break
        near = now
    return centres, near


def _refill(
    points: torch.Tensor, centres: torch.Tensor, members: torch.Tensor, distances: torch.Tensor
) -> None:
    """Give centres without members the farthest points, one each."""
    for which in torch.nonzero((members == 0).any(dim=1))[:, 0].tolist():
        empty = torch.nonzero(members[which] == 0)[:, 0]
        farthest = distances[which].argsort(descending=True, stable=True)[: len(empty)]
        centres[which, empty] = points[which, farthest]
