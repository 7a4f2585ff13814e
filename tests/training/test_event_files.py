"""Event files: what TensorBoard reads back from them, and what happens without the package."""

import math
import sys

import numpy as np
import pytest

from imgcomp import History
from imgcomp.errors import UsageError

HISTORY = History(
    {
        "epoch": [1, 2, 3],
        "loss": [0.5, 0.25, 0.125],
        "psnr": [10.0, math.inf, 12.0],
        "lr": [0.1, 0.1, 0.01],
        "val_loss": [0.75, 0.5, math.nan],
        "seconds": [2.0, 3.0, 4.0],
        "val_seconds": [0.5, 0.5, 0.5],
    }
)


def read(folder):
    """Tag → [(step, wall time, value)] of the one run in a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(event.step, event.wall_time, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_reads_both_curves_under_one_tag(tmp_path):
    files = HISTORY.to_tensorboard(tmp_path / "run", begin=1000.0)
    assert sorted(path.relative_to(tmp_path).parts[:2] for path in files) == [
        ("run", "train"),
        ("run", "validation"),
    ]
    train, validation = read(tmp_path / "run" / "train"), read(tmp_path / "run" / "validation")
    assert train["loss"] == [(1, 1002.5, 0.5), (2, 1006.0, 0.25), (3, 1010.5, 0.125)]
    assert sorted(train) == ["loss", "lr", "psnr", "seconds"]
    assert train["lr"][2][2] == pytest.approx(0.01)
    assert validation["loss"] == [(1, 1002.5, 0.75), (2, 1006.0, 0.5)]  # NaN left out
    assert [step for step, _, _ in train["psnr"]] == [1, 3]


def test_writing_again_replaces(tmp_path):
    HISTORY.to_tensorboard(tmp_path)
    longer = History({"epoch": [1, 2, 3, 4], "loss": [4.0, 3.0, 2.0, 1.0]})
    (path,) = longer.to_tensorboard(tmp_path)
    assert [path.name for path in (tmp_path / "train").iterdir()] == [path.name]
    assert [value for _, _, value in read(tmp_path / "train")["loss"]] == [4.0, 3.0, 2.0, 1.0]


def test_no_epochs(tmp_path):
    assert History({}).to_tensorboard(tmp_path) == []
    (path,) = History({"epoch": [], "loss": []}).to_tensorboard(tmp_path)
    assert read(path.parent) == {}


def test_begin_is_checked(tmp_path):
    with pytest.raises(UsageError, match="begin must be a finite number"):
        HISTORY.to_tensorboard(tmp_path, begin=np.nan)


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UsageError, match=r"pip install 'imgcomp\[tensorboard\]'"):
        HISTORY.to_tensorboard(tmp_path / "run")
    assert not (tmp_path / "run").exists()
