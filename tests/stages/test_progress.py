"""What a run says about itself."""

from __future__ import annotations

import io

import pytest

from imgcomp.stages import Listener, PlainListener, RichListener, listener_for


def play(listener: Listener) -> None:
    with listener:
        listener.planned(3, 1)
        listener.started("train/a")
        listener.epoch("train/a", 1, 2, {"loss": 0.5, "lr": 0.1})
        listener.epoch("train/a", 2, 2, {"loss": 0.25, "val_loss": 0.125, "val_accuracy": 0.5})
        listener.finished("train/a", 1.25)
        listener.started("judge/a")
        listener.finished("judge/a", 0.1)


def test_plain_lines() -> None:
    stream = io.StringIO()
    play(PlainListener(stream, every=0.0))
    assert stream.getvalue().splitlines() == [
        "3 stages, 1 of them kept from before",
        "    train/a: epoch 1/2, loss 0.5",
        "    train/a: epoch 2/2, loss 0.25, val loss 0.125, val accuracy 0.5",
        "[2/3] train/a: 1.2 s, loss 0.25, val loss 0.125, val accuracy 0.5",
        "[3/3] judge/a: 0.1 s",
    ]


def test_long_trainings_do_not_flood_a_pipe() -> None:
    stream = io.StringIO()
    play(PlainListener(stream, every=60.0))
    assert "epoch" not in stream.getvalue()


def test_rich_display_ends_with_no_task_left() -> None:
    listener = RichListener("paper")
    play(listener)
    assert [task.description for task in listener._progress.tasks] == ["[bold]paper"]
    assert listener._progress.tasks[0].completed == 3


def test_choice_of_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(listener_for(False, "t")) is Listener
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert type(listener_for("auto", "t")) is PlainListener
    assert type(listener_for(True, "t")) is PlainListener
