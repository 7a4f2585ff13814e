"""What tests of papers share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from imgcomp.papers import driver

sys.path.insert(0, str(Path(__file__).parent))  # for paper_runs


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of a small run's time; tests of other things leave it out."""

    def draw(folder: Path, outcome: Any) -> Any:
        image = ("image/png", bytes(24))
        names = [figure.id for figure in outcome.figures]
        return dict.fromkeys(names, image), {name: [f"figures/{name}.png"] for name in names}

    monkeypatch.setattr(driver, "_draw", draw)
