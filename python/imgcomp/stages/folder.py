"""The output folder of a run: recognised, restarted or continued, and locked while in use."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imgcomp._files import write_text_atomically
from imgcomp.errors import UsageError

MARKER = "run.json"
OURS = (
    "stages",
    "checkpoints",
    "figures",
    "tensorboard",
    "results.json",
    "points.csv",
    "report.html",
    MARKER,
)


class RunFolder:
    """A folder that holds one run of one paper.

    Only the names in `OURS` are ever removed; whatever else lies in the folder stays.

    Args:
        path: The folder; made where missing.
        paper: The experiment's name.
    """

    def __init__(self, path: Path, paper: str) -> None:
        self.path = path
        self.paper = paper

    def prepare(self, *, resume: bool, request: dict[str, Any]) -> None:
        """Bring the folder into the state in which a run may begin.

        Args:
            resume: Keep what is there; otherwise an earlier run of ours is removed first.
            request: What was asked for; written beside the paper's name into ``run.json``.

        Raises:
            UsageError: the folder holds something that is not a run, or a run of another paper.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path}: expected a folder to write to, found a file")
        present = sorted(entry.name for entry in self.path.iterdir()) if self.path.exists() else []
        if present and not self._recognised():
            raise UsageError(
                f"{self.path}: the folder is not empty and holds no imgcomp run (found "
                f"{present[0]}); choose another with --out"
            )
        if present:
            other = self._paper_there()
            if other is not None and other != self.paper:
                raise UsageError(
                    f"{self.path}: holds a run of {other}, not of {self.paper}; choose another "
                    "with --out"
                )
        if present and not resume:
            for name in OURS:
                target = self.path / name
                if target.is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                else:
                    target.unlink(missing_ok=True)
        content = {"paper": self.paper, **request}
        write_text_atomically(
            self.path / MARKER, json.dumps(content, indent=2, sort_keys=True) + "\n"
        )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against a second process; the lock falls with the process that holds it.

        Raises:
            UsageError: another process is at work in this folder.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            yield
            return
        import fcntl

        # Beside the folder's content, not in it: restarting empties the folder.
        name = self.path.resolve()
        lock = name.with_name(f".{name.name}.imgcomp-lock")
        with open(lock, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{self.path}: another imgcomp process is writing there") from None
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def _recognised(self) -> bool:
        if self._paper_there() is not None:
            return True
        return any((self.path / "stages").glob("*.safetensors"))

    def _paper_there(self) -> str | None:
        for name in (MARKER, "results.json"):
            paper = self._read(self.path / name).get("paper")
            if isinstance(paper, str):
                return paper
        return None

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
