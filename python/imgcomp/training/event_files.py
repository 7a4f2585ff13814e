"""TensorBoard event files of a training run's columns."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgcomp._files import write_bytes_atomically
from imgcomp.errors import UsageError

if TYPE_CHECKING:
    from imgcomp.training.history import History

FILE = "events.out.tfevents.0.imgcomp"
"""The one file of a run; its name must contain ``tfevents`` for TensorBoard to see it."""


def require_tensorboard() -> None:
    """Raises UsageError, which names the extra, where the package tensorboard is missing."""
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "event files need the package tensorboard: pip install 'imgcomp[tensorboard]' "
            f"({error})"
        ) from None


def write_event_files(history: History, folder: Path, begin: float = 0.0) -> list[Path]:
    """What :meth:`imgcomp.History.to_tensorboard` does."""
    require_tensorboard()
    seconds = np.zeros(history.epochs)
    for name in ("seconds", "val_seconds"):
        seconds = seconds + np.nan_to_num(history.get(name, np.zeros(history.epochs)))
    times = begin + np.cumsum(seconds)
    runs: dict[str, dict[str, np.ndarray]] = {}
    for name, values in history.items():
        if name != "epoch":
            run = "validation" if name.startswith("val_") else "train"
            runs.setdefault(run, {})[name.removeprefix("val_")] = values
    written = []
    for run, columns in runs.items():
        path = folder / run / FILE
        write_bytes_atomically(path, _encoded(columns, history["epoch"], times))
        written.append(path)
    return written


def _encoded(columns: dict[str, np.ndarray], epochs: np.ndarray, times: np.ndarray) -> bytes:
    """The file's content: a version record, then one for each epoch."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    begin = float(times[0]) if len(times) else 0.0
    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    writer.write(Event(wall_time=begin, file_version="brain.Event:2").SerializeToString())
    for place, (epoch, time) in enumerate(zip(epochs, times, strict=True)):
        values = [
            Summary.Value(tag=name, simple_value=float(column[place]))
            for name, column in columns.items()
            if math.isfinite(column[place])
        ]
        event = Event(wall_time=float(time), step=int(epoch), summary=Summary(value=values))
        writer.write(event.SerializeToString())
    return buffer.getvalue()
