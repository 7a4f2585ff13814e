"""Who is told how a run goes on: a rich display in a terminal, plain lines elsewhere, nobody.

Listeners are called from the workers' threads, one call at a time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import IO, Any


class Listener:
    """Told about a run; this one keeps quiet. Use as a context manager around the run."""

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def planned(self, total: int, cached: int) -> None:
        """The run has `total` stages, of which `cached` need not be computed."""

    def started(self, label: str) -> None:
        """A stage begins."""

    def epoch(self, label: str, epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        """A training stage finished an epoch (1-based)."""

    def finished(self, label: str, seconds: float) -> None:
        """A stage is done and stored."""


def _describe(metrics: Mapping[str, float]) -> str:
    shown = [
        (name, metrics[name])
        for name in ("loss", "accuracy", "val_loss", "val_accuracy")
        if name in metrics
    ]
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in shown[:3])


class PlainListener(Listener):
    """One line per finished stage, and one every few seconds for those that take long."""

    def __init__(self, stream: IO[str] | None = None, every: float = 10.0) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._every = every
        self._total = self._done = 0
        self._latest: dict[str, str] = {}
        self._spoken: dict[str, float] = {}

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def planned(self, total: int, cached: int) -> None:
        """Show how much there is to do."""
        self._total, self._done = total, cached
        kept = f", {cached} of them kept from before" if cached else ""
        self._say(f"{total} stages{kept}")

    def started(self, label: str) -> None:
        """Take note of a stage's beginning."""
        self._spoken[label] = time.monotonic()

    def epoch(self, label: str, epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        """Show how far a training is."""
        self._latest[label] = _describe(metrics)
        now = time.monotonic()
        if now - self._spoken.get(label, now) >= self._every:
            self._spoken[label] = now
            self._say(f"    {label}: epoch {epoch}/{epochs}, {self._latest[label]}")

    def finished(self, label: str, seconds: float) -> None:
        """Show that a stage is done."""
        self._done += 1
        latest = self._latest.pop(label, "")
        width = len(str(self._total))
        tail = f", {latest}" if latest else ""
        self._say(f"[{self._done:{width}}/{self._total}] {label}: {seconds:.1f} s{tail}")


class RichListener(Listener):
    """A live display: stages done, and for each one at work its epoch and loss."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[done]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._title = title
        self._tasks: dict[str, Any] = {}
        self._total = self._done = 0
        self._overall: Any = None

    def __enter__(self) -> Listener:
        self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._progress.stop()

    def _count(self) -> str:
        return f"{self._done}/{self._total} stages"

    def planned(self, total: int, cached: int) -> None:
        """Show how much there is to do."""
        self._total, self._done = total, cached
        self._overall = self._progress.add_task(
            f"[bold]{self._title}", total=total, completed=cached, done=self._count(), note=""
        )

    def started(self, label: str) -> None:
        """Take note of a stage's beginning."""
        self._tasks[label] = self._progress.add_task(f"  {label}", total=None, done="", note="")

    def epoch(self, label: str, epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        """Show how far a training is."""
        self._progress.update(
            self._tasks[label],
            total=epochs,
            completed=epoch,
            done=f"epoch {epoch}/{epochs}",
            note=_describe(metrics),
        )

    def finished(self, label: str, seconds: float) -> None:
        """Show that a stage is done."""
        self._done += 1
        self._progress.remove_task(self._tasks.pop(label))
        self._progress.update(self._overall, completed=self._done, done=self._count())


def listener_for(progress: str | bool, title: str) -> Listener:
    """The listener for ``"auto"`` or True (rich in a terminal, lines in a pipe), False (quiet)."""
    if progress is False:
        return Listener()
    return RichListener(title) if sys.stderr.isatty() else PlainListener()
