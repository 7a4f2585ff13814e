"""What a training run recorded: one value per epoch and column, and per batch where asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from imgcomp._checks import real_number
from imgcomp._files import write_text_atomically

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

Column = npt.NDArray[np.float64]


class History(Mapping[str, Column]):
    """Columns of a training run, each float64 of shape (finished epochs,).

    ``epoch`` (from 1), ``loss``, ``psnr`` (dB, 8-bit scale) or ``accuracy`` (0 … 1), ``precision``
    and ``recall`` where asked for: means over the epoch's batches while training; ``val_…``: the
    same on the validation images after the epoch; ``lr``: of the last step; ``seconds``: of
    training, ``val_seconds``: of validation; ``collapsed``: 1 where the output no longer depended
    on the input.
    """

    def __init__(
        self,
        columns: Mapping[str, Any],
        batches: Mapping[str, Any] | None = None,
        *,
        best_epoch: int | None = None,
        stopped_early: bool = False,
    ) -> None:
        """Takes columns of one length.

        ``batches`` has one value per training step; its columns ``running_…`` are the means of an
        epoch so far, as a progress bar shows them.
        """
        self._columns = {name: np.asarray(v, dtype=np.float64) for name, v in columns.items()}
        self.batches: dict[str, Column] = {
            name: np.asarray(v, dtype=np.float64) for name, v in (batches or {}).items()
        }
        self.best_epoch = best_epoch
        self.stopped_early = stopped_early

    def __getitem__(self, name: str) -> Column:
        """The column of that name; KeyError lists the names there are."""
        try:
            return self._columns[name]
        except KeyError:
            raise KeyError(f"{name!r}; the columns are: {', '.join(self._columns)}") from None

    def __iter__(self) -> Iterator[str]:
        """The columns' names."""
        return iter(self._columns)

    def __len__(self) -> int:
        """The number of columns."""
        return len(self._columns)

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self._columns.get("epoch", ()))

    @property
    def seconds(self) -> float:
        """Seconds of training over all epochs, validation apart."""
        return float(np.sum(self._columns.get("seconds", 0.0)))

    @property
    def collapsed(self) -> bool:
        """Whether, after the last epoch, every input gave almost the same output."""
        flags = self._columns.get("collapsed", np.zeros(0))
        return bool(len(flags)) and bool(flags[-1])

    def __eq__(self, other: object) -> bool:
        """Whether both recorded the same, to the bit."""
        if not isinstance(other, History):
            return NotImplemented
        mine, theirs = self.to_dict(), other.to_dict()
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able data; :meth:`from_dict` reads it back.

        Values that are not finite, for which JSON has no word, become "nan", "inf" and "-inf".
        """
        return {
            "columns": {name: _listed(column) for name, column in self._columns.items()},
            "batches": {name: _listed(column) for name, column in self.batches.items()},
            "best_epoch": self.best_epoch,
            "stopped_early": self.stopped_early,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """The history that :meth:`to_dict` wrote."""
        return cls(
            data["columns"],
            data.get("batches"),
            best_epoch=data.get("best_epoch"),
            stopped_early=bool(data.get("stopped_early", False)),
        )

    def to_json(self, path: str | Path | None = None) -> str:
        """The history as JSON text, also written to ``path`` where given."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        if path is not None:
            write_text_atomically(Path(path), text)
        return text

    def to_pandas(self) -> pandas.DataFrame:
        """One row per epoch, indexed by ``epoch``; needs ``pip install imgcomp[pandas]``."""
        import pandas

        return pandas.DataFrame(self._columns).set_index("epoch")

    def to_tensorboard(self, folder: str | Path, *, begin: float = 0.0) -> list[Path]:
        """Writes the columns as event files that TensorBoard reads.

        ``folder/train`` gets the columns of the training, ``folder/validation`` those of the
        validation under the same names, so that both curves come into one plot. The step is the
        epoch. Files that were written before are replaced; values that are not finite are left out.

        Args:
            folder: of this run.
            begin: when the training began, in seconds since 1970; each epoch's wall time is that
                plus the seconds of training and validation until its end.

        Returns:
            The files.

        Raises:
            UsageError: the package is missing: ``pip install imgcomp[tensorboard]``.
        """
        from imgcomp.training.event_files import write_event_files

        return write_event_files(self, Path(folder), real_number("begin", begin))

    def plot(self, *columns: str, ax: matplotlib.axes.Axes | None = None) -> matplotlib.axes.Axes:
        """Draws columns over the epochs: the loss, and the validation loss where there is one.

        Args:
            columns: names of columns; none: ``loss`` and ``val_loss``.
            ax: axes to draw on; None: new ones.
        """
        import matplotlib.pyplot as plt

        from imgcomp.plots import Series, draw_curves, style

        names = columns or tuple(name for name in ("loss", "val_loss") if name in self)
        with style():
            axes = plt.subplots(layout="constrained")[1] if ax is None else ax
            draw_curves(
                axes,
                [Series(name, self["epoch"], self[name], look=i) for i, name in enumerate(names)],
                title="",
                x_label="epoch",
                y_label=names[0] if len(names) == 1 else "value" if columns else "loss",
            )
        return axes

    def __repr__(self) -> str:
        last = ", ".join(
            f"{name}={self._columns[name][-1]:.4g}"
            for name in ("loss", "val_loss", "psnr", "val_psnr", "accuracy", "val_accuracy")
            if self.epochs and name in self._columns
        )
        return f"History({self.epochs} epochs{': ' if last else ''}{last})"


def _listed(column: Column) -> list[float | str]:
    return [value if math.isfinite(value) else str(value) for value in column.tolist()]
