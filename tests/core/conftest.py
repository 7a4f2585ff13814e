"""Makes the hand-written networks and the helpers of training tests importable."""

import sys
from pathlib import Path

import pytest
import torch

for folder in ("models", "training"):  # for reference_networks and training_runs
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))


@pytest.fixture(autouse=True)
def _one_thread():
    """These networks are too small for more, and other programs may be running."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
