"""Makes the helpers of this folder importable."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # for reference_networks
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))  # for training_runs


@pytest.fixture(autouse=True)
def _one_thread():
    """These networks are too small for more, and other programs may be running."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
