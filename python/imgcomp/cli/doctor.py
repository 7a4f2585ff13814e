"""``imgcomp doctor``: what is installed, what the machine offers, and what is missing."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON, for bug reports.")
    ] = False,
) -> None:
    """Check the installation: versions, threads, CPU, CUDA, data sets, what is missing."""
    from imgcomp import doctor as checks

    status = checks.run(as_json=as_json)
    if status:
        raise typer.Exit(status)
