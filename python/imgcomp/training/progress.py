"""Showing a training run: a rich bar in a terminal, plain lines in a pipe, a bar in a notebook."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

_SECONDS_BETWEEN_LINES = 2.0
_SHOWN = ("loss", "val_loss", "psnr", "val_psnr", "accuracy", "val_accuracy")


@runtime_checkable
class Progress(Protocol):
    """What :func:`imgcomp.fit` tells while it runs."""

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """``step`` of ``steps`` of the epoch are done; ``loss`` is this epoch's mean so far."""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """An epoch has ended."""

    def close(self) -> None:
        """The run has ended, well or not."""


class NoProgress:
    """Shows nothing."""

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Shows nothing."""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Shows nothing."""


class LineProgress:
    """Lines on standard error, one every two seconds at most, and one for the last epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._last = time.monotonic()

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """A line if the last one is a while ago."""
        self._line(f"epoch {epoch}/{self._epochs}  step {step}/{steps}  loss {loss:.5g}")

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """A line if the last one is a while ago, or the run is over."""
        text = f"epoch {epoch}/{self._epochs}  {describe(metrics)}"
        self._line(text, always=epoch == self._epochs)

    def close(self) -> None:
        """Nothing is left open."""

    def _line(self, text: str, always: bool = False) -> None:
        now = time.monotonic()
        if always or now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            print(text, file=sys.stderr, flush=True)


class TerminalProgress:
    """A rich bar over all steps, with the latest figures."""

    def __init__(self, epochs: int) -> None:
        import rich.console
        import rich.progress as rp

        self._epochs = epochs
        self._figures = ""
        self._bar = rp.Progress(
            rp.TextColumn("{task.description}"),
            rp.BarColumn(),
            rp.TaskProgressColumn(),
            rp.TimeRemainingColumn(),
            rp.TextColumn("{task.fields[figures]}"),
            console=rich.console.Console(stderr=True),
        )
        self._task = self._bar.add_task("training", total=epochs, figures="")
        self._bar.start()

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Moves the bar within the epoch."""
        figures = self._figures or f"loss {loss:.5g}"
        self._show(epoch, epoch - 1 + step / steps, figures)

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Shows the epoch's figures."""
        self._figures = describe(metrics)
        self._show(epoch, epoch, self._figures)

    def close(self) -> None:
        """Leaves the bar as it stands."""
        self._bar.stop()

    def _show(self, epoch: int, completed: float, figures: str) -> None:
        self._bar.update(
            self._task,
            completed=completed,
            description=f"epoch {epoch}/{self._epochs}",
            figures=figures,
        )


class NotebookProgress:
    """An HTML progress bar that is updated in place."""

    def __init__(self, epochs: int) -> None:
        import IPython.display

        ipython: Any = IPython.display  # parts of it have no types
        self._html = ipython.HTML
        self._epochs = epochs
        self._figures = ""
        self._handle = ipython.display(self._html(self._text(0, 0.0)), display_id=True)

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Moves the bar within the epoch."""
        self._figures = self._figures or f"loss {loss:.5g}"
        self._update(epoch, epoch - 1 + step / steps)

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Shows the epoch's figures."""
        self._figures = describe(metrics)
        self._update(epoch, epoch)

    def close(self) -> None:
        """Leaves the bar as it stands."""

    def _text(self, epoch: int, done: float) -> str:
        return (
            f'<progress value="{done:.3f}" max="{self._epochs}"></progress> '
            f"epoch {epoch}/{self._epochs} &ensp; {self._figures}"
        )

    def _update(self, epoch: int, done: float) -> None:
        self._handle.update(self._html(self._text(epoch, done)))


def describe(metrics: Mapping[str, float]) -> str:
    """The figures people watch, in one line."""
    return "  ".join(f"{name} {metrics[name]:.5g}" for name in _SHOWN if name in metrics)


def make_progress(wish: bool | str | Progress, epochs: int) -> Progress:
    """The display that suits where this runs.

    Args:
        wish: False: none. True: the one that suits. ``"auto"``: the same, but none in a thread
            other than the main one, where several runs would write over each other. An object with
            the methods of :class:`Progress` is used as it is.
        epochs: of the run.
    """
    if not isinstance(wish, (bool, str)):
        return wish
    in_main_thread = threading.current_thread() is threading.main_thread()
    if wish is False or (wish == "auto" and not in_main_thread):
        return NoProgress()
    if _in_notebook():
        return NotebookProgress(epochs)
    return TerminalProgress(epochs) if sys.stderr.isatty() else LineProgress(epochs)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
