"""Makes the helpers of this folder, and those of the training tests, importable."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for plain_preprocessing
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))  # for training_runs
sys.path.insert(0, str(Path(__file__).parents[1] / "models"))  # for reference_networks


@pytest.fixture
def checkpoint(tmp_path):
    """Where a run may leave its checkpoint."""
    return tmp_path / "run.safetensors"
