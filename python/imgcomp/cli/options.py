"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DataDir", "Offline"]

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder that holds the data sets.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Never download data.")]
