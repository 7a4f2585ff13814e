"""What Ctrl-C does to commands whose work can be gone on with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

__all__ = ["resumable"]


@contextlib.contextmanager
def resumable() -> Iterator[None]:
    """Ends the command with status 130 on Ctrl-C, and says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("imgcomp: stopped; the same command with --resume goes on from here", err=True)
        raise typer.Exit(130) from None
