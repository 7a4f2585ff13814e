"""What tests of papers share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from imgcomp.papers import driver

sys.path.insert(0, str(Path(__file__).parent))  # for paper_runs


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As the runner gives each stage; several threads are slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of a small run's time; tests of other things leave it out."""

    def draw(folder: Path, outcome: Any) -> Any:
        image = ("image/png", bytes(24))
        names = [figure.id for figure in outcome.figures]
        return dict.fromkeys(names, image), {name: [f"figures/{name}.png"] for name in names}

    monkeypatch.setattr(driver, "_draw", draw)
