"""What the benchmarks compare with computes what our networks do."""

from pathlib import Path

import pytest
import torch

from imgcomp import models

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("iterations", [1, 3])
def test_the_recurrent_peer_is_the_same_network(iterations, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _recurrent_peer import Recurrent

    ours = models.donis2020(iterations=iterations, seed=1)
    peer = Recurrent(iterations).eval()
    peer.load(ours.state_dict())
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(2)) - 0.5
    with torch.no_grad():
        for image, other in zip(ours.reconstructions(x), peer(x), strict=True):
            torch.testing.assert_close(image, other, rtol=1e-4, atol=1e-6)
