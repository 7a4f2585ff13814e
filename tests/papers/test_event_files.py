"""--tensorboard: one folder for each training's label, rewritten and never added to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imgcomp import papers
from imgcomp.errors import UsageError

SMALL: dict[str, Any] = {
    "scale": "smoke",
    "seeds": 1,
    "data": "digits",
    "progress": False,
    "offline": True,
}
TINY = {
    "ae_epochs": 2,
    "clf_epochs": 2,
    "sweep_rates": "0.1",
    "sweep_momenta": "0",
    "extras": "no",
}


def losses(folder: Path) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


@pytest.mark.usefixtures("no_figures")
def test_every_training_has_its_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = papers.reproduce("feng2018", out=out, settings=TINY, tensorboard=True, **SMALL)
    folder = out / "tensorboard"
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*tfevents*"))
    assert "train/cnn/seed0/train/events.out.tfevents.0.imgcomp" in found
    assert "train/cnn/seed0/validation/events.out.tfevents.0.imgcomp" in found
    labels = [label for label in run.results["timings"]["stages"] if label.startswith("train/")]
    assert len(found) == 2 * len(labels) > 8
    before = losses(folder / "train/cnn/seed0/train")
    curve = run.results["curves"]["cnn/seed0"]
    assert [step for step, _ in before] == [1, 2]
    assert [value for _, value in before] == pytest.approx(curve["loss"], rel=1e-6)
    validation = losses(folder / "train/cnn/seed0/validation")
    assert [value for _, value in validation] != [value for _, value in before]

    papers.reproduce("feng2018", out=out, settings=TINY, tensorboard=True, resume=True, **SMALL)
    assert losses(folder / "train/cnn/seed0/train") == before
    # What a changed run no longer has goes; a longer training is written whole.
    longer = {**TINY, "ae_epochs": 3, "sweep_rates": "1"}
    papers.reproduce("feng2018", out=out, settings=longer, tensorboard=True, resume=True, **SMALL)
    assert [step for step, _ in losses(folder / "train/cnn/seed0/train")] == [1, 2, 3]
    swept = [path.name for path in (folder / "train").glob("sweep-*")]
    assert swept
    assert all("lr1" in name for name in swept)
    # Without the option a new run leaves nothing of the old one.
    papers.reproduce("feng2018", out=out, settings=TINY, **SMALL)
    assert not folder.exists()


def test_a_missing_package_is_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(UsageError, match=r"imgcomp\[tensorboard\]"):
        papers.reproduce("feng2018", out=tmp_path / "run", tensorboard=True, **SMALL)
    assert not (tmp_path / "run").exists()
