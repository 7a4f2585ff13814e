"""What a run shows: lines in a pipe, a bar in a terminal, nothing in other threads."""

import io
import re
import sys
import threading
import time

import pytest
from reference_networks import random_images
from training_runs import IMAGE, fit, tiny

from imgcomp.training import progress as shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_in_a_pipe(capsys):
    fit(tiny(), epochs=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert re.fullmatch(r"epoch 3/3  loss \d\S*  psnr \d\S*", lines[-1])
    assert "\r" not in err
    assert "\x1b" not in err


def test_lines_are_seconds_apart(capsys, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    lines = shown.LineProgress(epochs=9)
    for epoch in range(1, 10):
        lines.epoch(epoch, {"loss": 0.5, "lr": 1.0})
    err = capsys.readouterr().err.splitlines()
    assert err == [f"epoch {epoch}/9  loss 0.5" for epoch in (2, 4, 6, 8, 9)]


def test_a_bar_in_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    fit(tiny(), epochs=3, progress="auto")
    text = terminal.getvalue()
    assert "epoch 3/3" in text
    assert "100%" in text
    assert "psnr" in text


def test_silence(capsys):
    fit(tiny(), progress=False)
    assert capsys.readouterr() == ("", "")


def test_other_threads_are_silent_unless_asked(capsys):
    for wish, quiet in [("auto", True), (True, False)]:
        thread = threading.Thread(target=fit, args=(tiny(),), kwargs={"progress": wish})
        thread.start()
        thread.join()
        assert (capsys.readouterr().err == "") is quiet


class Recorder:
    """A display of one's own."""

    def __init__(self):
        self.events = []

    def step(self, epoch, step, steps, loss):
        self.events.append(("step", epoch, step, steps, loss))

    def epoch(self, epoch, metrics):
        self.events.append(("epoch", epoch, metrics["loss"]))

    def close(self):
        self.events.append(("close",))


def test_a_display_of_ones_own():
    recorder = Recorder()
    history = fit(tiny(), epochs=2, batch_size=1, progress=recorder)
    epochs = [event for event in recorder.events if event[0] == "epoch"]
    assert epochs == [("epoch", 1, history["loss"][0]), ("epoch", 2, history["loss"][1])]
    assert recorder.events[-1] == ("close",)


def test_steps_are_told_about_ten_times_a_second():
    recorder = Recorder()
    images = random_images(3000, IMAGE)
    begin = time.monotonic()
    fit(tiny(), images, epochs=1, batch_size=1, progress=recorder)
    seconds = time.monotonic() - begin
    steps = [event for event in recorder.events if event[0] == "step"]
    assert 1 <= len(steps) <= 10 * seconds + 1
    for _, epoch, step, total, loss in steps:
        assert epoch == 1
        assert 1 <= step <= total == 3000
        assert 0 < loss < 1


def test_the_display_is_closed_whatever_happens():
    def fail(event):
        raise RuntimeError("mine")

    recorder = Recorder()
    with pytest.raises(RuntimeError, match="mine"):
        fit(tiny(), progress=recorder, callbacks=[fail])
    assert recorder.events[-1] == ("close",)


def test_exceptions_of_a_display_come_out_unchanged():
    class Broken(Recorder):
        def epoch(self, epoch, metrics):
            raise ZeroDivisionError("mine")

    recorder = Broken()
    with pytest.raises(ZeroDivisionError, match="mine"):
        fit(tiny(), progress=recorder)
    assert recorder.events[-1] == ("close",)


def test_figures_in_one_line():
    metrics = {"seconds": 3.0, "val_loss": 0.25, "loss": 0.5, "accuracy": 1.0}
    assert shown.describe(metrics) == "loss 0.5  val_loss 0.25  accuracy 1"
