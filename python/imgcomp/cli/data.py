"""``imgcomp data``: list, fetch, verify and locate the published data sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from imgcomp.datasets import _inventory

__all__ = ["data_app"]

data_app = typer.Typer(
    help="List, fetch, verify and locate data sets.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Names = Annotated[
    list[str], typer.Argument(metavar="NAME…", help="Data sets, or 'all'.", show_default=False)
]
Folder = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder to use instead of IMGCOMP_DATA and the cache."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@data_app.command("list")
def list_(data_dir: Folder = None, as_json: Json = False) -> None:
    """Show every data set: images, shape, classes, where it is found and its size on disk."""
    items = _inventory.inventory(data_dir)
    if as_json:
        typer.echo(json.dumps([item.to_dict() for item in items], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("Name", "Images", "Shape", "Classes", "Size", "Where", box=None, pad_edge=False)
    for item in items:
        table.add_row(*item.to_row())
    console = Console()
    if not console.is_terminal:  # whole paths, for the programs that read them
        console.width = 10_000
    console.print(table)


@data_app.command()
def get(
    names: Names,
    data_dir: Folder = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Never use the network; only look and check.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch it again and replace what is there.")
    ] = False,
) -> None:
    """Fetch data sets into the cache, or into --data-dir, and check them."""
    for info in _inventory.choose(names):
        place, fetched = _inventory.get(info, data_dir, offline=offline or None, force=force)
        typer.echo(f"{info.name}: {'fetched, ' if fetched else ''}at {place}, as published")


@data_app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", help="Data sets; by default all that are here."),
    ] = None,
    data_dir: Folder = None,
) -> None:
    """Read data sets whole, compare them with the published ones, show every file's checksum."""
    for info in _inventory.choose(names or ["all"]):
        report = _inventory.verify(info, data_dir, must_be_here=bool(names))
        for line in report:
            typer.echo(line)


@data_app.command()
def path(
    name: Annotated[str, typer.Argument(help="Data set.", show_default=False)],
    data_dir: Folder = None,
) -> None:
    """Print the folder or archive that a data set is read from; status 1 where it is not here."""
    (info,) = _inventory.choose([name])
    typer.echo(_inventory.place(info, data_dir))
