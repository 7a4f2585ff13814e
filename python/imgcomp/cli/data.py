"""``imgcomp data``: list, fetch, verify, locate and export data sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from imgcomp.cli.options import Offline
from imgcomp.datasets import _inventory

__all__ = ["data_app"]

data_app = typer.Typer(
    help="List, fetch, verify, locate and export data sets.",
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


@data_app.command()
def export(
    name: Annotated[
        str,
        typer.Argument(
            help="Data set; several joined by +; or a folder of pictures, with a slash.",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write to.", show_default=False)
    ],
    format: Annotated[
        str, typer.Option(help="Lossless PNG, or JPEG (4:4:4).", metavar="png|jpg")
    ] = "png",
    quality: Annotated[int, typer.Option(help="Of JPEG, 1 to 100.", metavar="Q")] = 95,
    split: Annotated[
        str,
        typer.Option(
            help="Which images; one split has no train/ or test/ around its classes.",
            metavar="train|test|all",
        ),
    ] = "all",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N images of each split.", metavar="N")
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also into a folder that is not empty; replaces an export."),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads; one per core by default.")
    ] = None,
    data_dir: Folder = None,
    offline: Offline = False,
) -> None:
    """Write a data set as PNG or JPEG files in class folders, which a path as NAME reads back."""
    from imgcomp import datasets
    from imgcomp.errors import UsageError

    if split not in ("train", "test", "all"):
        raise UsageError(f"split: expected train, test or all, got '{split}'")
    data: datasets.Dataset = datasets.load(name, data_dir, offline=offline or None)
    splits = [part if limit is None else part[:limit] for part in (data.train, data.test)]
    chosen: datasets.Dataset | datasets.Split = datasets.Dataset(data.name, splits[0], splits[1])
    if split != "all":
        splits = [splits[0 if split == "train" else 1]]
        chosen = splits[0]
    place = datasets.export(
        chosen, folder, format=cast(Any, format), quality=quality, force=force, jobs=jobs
    )
    counts = " + ".join(f"{len(part):,}" for part in splits)
    typer.echo(f"{data.name}: {counts} images in {place}")
