"""Makes the helpers of this folder, and the hand-written networks, importable."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # for training_runs
sys.path.insert(0, str(Path(__file__).parents[1] / "models"))  # for reference_networks


@pytest.fixture
def checkpoint(tmp_path):
    """Where a run may leave its checkpoint."""
    return tmp_path / "run.safetensors"


@pytest.fixture(autouse=True)
def _one_thread():
    """These networks are too small for more, and other programs may be running."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_collection_modifyitems(items):
    # Runs of a few steps end with outputs that hardly depend on the input; that is told by a
    # warning, which a test of its own looks for.
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(
                pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")
            )
