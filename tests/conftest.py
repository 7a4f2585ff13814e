"""What all tests share: fixed seeds, and the published data sets where IMGCOMP_DATA names them."""

import os
import signal
from pathlib import Path

import pytest
import torch

_DATA = os.environ.get("IMGCOMP_DATA")


def pytest_configure(config):
    # A shell's background jobs ignore Ctrl-C, and with them all that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers",
        "needs_data: needs the published data sets in IMGCOMP_DATA; skipped without them, unless "
        "FAIL_WITHOUT_DATA is set",
    )
    config.addinivalue_line(
        "markers",
        "needs_cuda: needs a GPU; skipped without one, unless FAIL_WITHOUT_CUDA is set",
    )


def pytest_runtest_setup(item):
    if item.get_closest_marker("needs_data") and not _DATA:
        reason = "IMGCOMP_DATA is not set to a folder with the published data sets"
        if os.environ.get("FAIL_WITHOUT_DATA"):
            pytest.fail(reason)
        pytest.skip(reason)
    if item.get_closest_marker("needs_cuda") and not torch.cuda.is_available():
        reason = "there is no GPU that torch can use"
        if os.environ.get("FAIL_WITHOUT_CUDA"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _fixed_seeds():
    torch.manual_seed(0)


@pytest.fixture
def data_root():
    """The folder in IMGCOMP_DATA; for tests marked needs_data."""
    assert _DATA, "mark the test with needs_data"
    return Path(_DATA)
