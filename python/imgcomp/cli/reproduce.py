"""``imgcomp reproduce PAPER``: rerun a paper and print its numbers beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from imgcomp.cli.interruption import resumable
from imgcomp.cli.options import Offline

STYLES = {
    "agrees": "green",
    "better": "cyan",
    "worse": "yellow",
    "cannot be as stated": "magenta",
}


def reproduce(
    paper: Annotated[
        str, typer.Argument(help="The paper's name; an unknown one lists those that there are.")
    ],
    scale: Annotated[
        str,
        typer.Option(
            help="smoke (does it run?), quick (minutes) or paper (as published).",
            metavar="smoke|quick|paper",
        ),
    ] = "quick",
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="How many seeds; the paper's module says how many by default."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; runs/PAPER-SCALE by default.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Another data set; sizes shrink in proportion.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that holds the data sets.")] = None,
    device: Annotated[
        str, typer.Option(help="Where to compute.", metavar="auto|cpu|cuda")
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="Of the trainings.", metavar="fp32|bf16|auto")
    ] = "fp32",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what lies in the folder.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Stages side by side; one per core by default."),
    ] = None,
    offline: Offline = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Also write every training's curves as TensorBoard event files."
        ),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE",
            help="Compute this stage alone, such as 'train/*/seed0', and no report; may be "
            "repeated.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the report's path only.")
    ] = False,
) -> None:
    """Rerun a paper's experiments; write a report and results.json; compare with the paper."""
    from imgcomp import papers
    from imgcomp.papers.settings import parse_assignments

    settings = parse_assignments(changes or [])
    with resumable():
        done = papers.reproduce(
            paper,
            scale=scale,
            seeds=seeds,
            out=out,
            data=data,
            data_dir=data_dir,
            device=device,
            precision=precision,
            settings=settings,
            resume=resume,
            jobs=jobs,
            offline=True if offline else None,
            progress=not quiet and "auto",
            tensorboard=tensorboard,
            only=only or (),
        )
    if done.report is None:
        typer.echo(done.folder if quiet else f"Stages: {done.folder / 'stages'}")
        return
    if not quiet:
        print_summary(done.results)
    typer.echo(done.report if quiet else f"Report: {done.report}")


def print_summary(results: Mapping[str, Any]) -> None:
    """A table of the claims, the paper's numbers beside ours, as wide as the terminal.

    Args:
        results: The content of results.json.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from imgcomp.report.html import MARKS, show_epoch, show_ours, show_paper, show_seconds

    console = Console()
    seeds = len(results["seeds"])
    table = Table(
        title=f"{results['paper']} · {results['scale']} · {results['dataset']['name']} · "
        f"{seeds} seed{'s' if seeds != 1 else ''}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column("Claim")
    table.add_column("Paper", justify="right", no_wrap=True)
    table.add_column("Ours", justify="right", no_wrap=True)
    table.add_column("Unit", no_wrap=True)
    table.add_column("Epoch", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    source = ""
    for claim in results["claims"]:
        if claim["source"] != source:
            source = claim["source"]
            table.add_section()
            table.add_row(Text(source, style="bold dim"))
        table.add_row(
            Text(claim["description"]),
            show_paper(claim),
            show_ours(claim),
            claim["unit"],
            show_epoch(claim),
            Text(f"{MARKS[claim['verdict']]} {claim['verdict']}", STYLES[claim["verdict"]]),
        )
    console.print(table)
    name, original = results["dataset"]["name"], results["dataset"]["name_in_paper"]
    if name != original:
        console.print(f"\nThe paper's numbers are for {original}, ours here for {name}.")
    console.print(f"\nTook {show_seconds(results['timings']['total_seconds'])}.", highlight=False)
