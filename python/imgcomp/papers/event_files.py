"""TensorBoard event files of all trainings of a run, one folder for each stage's label."""

from __future__ import annotations

import shutil
from pathlib import Path

from imgcomp.stages import Artifacts, slug


def write_event_files(folder: Path, artifacts: Artifacts) -> None:
    """Write the histories of those stages that have one, in place of what is in the folder.

    Args:
        folder: Gets ``LABEL/train`` and ``LABEL/validation``.
        artifacts: Of a finished run; those whose data hold a ``history`` were trainings.

    Raises:
        UsageError: the package tensorboard is missing.
    """
    from imgcomp.training import History

    if folder.exists():
        shutil.rmtree(folder)
    for label, artifact in artifacts.items():
        columns = artifact.data.get("history")
        if columns:
            place = folder.joinpath(*(slug(part) for part in label.split("/")))
            History(columns).to_tensorboard(place)
