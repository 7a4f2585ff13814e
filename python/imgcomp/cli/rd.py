"""``imgcomp rd``: the package's codecs and ordinary ones on the same images, in bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from imgcomp.cli.interruption import resumable

__all__ = ["rd"]

_DEFAULT = "house,jpeg,webp,avif,jxl,png,pca,pq"


def rd(
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|FOLDER",
            help="A data set, kodak, or a folder of pictures; photographs are cut into tiles of "
            "32×32, and also sent as a whole.",
        ),
    ] = "digits",
    codecs: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="What is compared, with commas between: house (the package's codecs for these "
            "images), jpeg, webp, avif, jxl, png, pca, pq, a codec's name or file; several of "
            "these with + between them make one curve.",
        ),
    ] = _DEFAULT,
    images: Annotated[
        int, typer.Option(min=1, metavar="N", help="Test images, or tiles of photographs.")
    ] = 1000,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; runs/rd-DATA by default.", metavar="DIR")
    ] = None,
    judge_epochs: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Epochs of the classifier that says what is recognised; 0 for none.",
        ),
    ] = 5,
    retrain: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Also train classifiers on N images that went through each codec.",
        ),
    ] = 0,
    ms_ssim: Annotated[
        str,
        typer.Option(
            "--ms-ssim",
            metavar="VARIANT",
            help="adaptive, renormalised or standard; the latter two need larger images.",
        ),
    ] = "adaptive",
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder that holds the data sets.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what lies in the folder.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Stages side by side; one per core by default.", metavar="N"),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never download data.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON, and nothing else.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the report's path only.")
    ] = False,
) -> None:
    """Compare codecs by rate and distortion in real bytes; write a page, figures, JSON and CSV."""
    from imgcomp.rd.run import compare_codecs

    with resumable():
        done = compare_codecs(
            data,
            codecs.split(","),
            images=images,
            out=out,
            data_dir=data_dir,
            judge_epochs=judge_epochs,
            retrain_images=retrain,
            ms_ssim=ms_ssim,
            resume=resume,
            jobs=jobs,
            offline=True if offline else None,
            progress=not (quiet or as_json) and "auto",
        )
    if as_json:
        typer.echo(json.dumps(done.results, indent=2, ensure_ascii=False))
        return
    if not quiet:
        print_summary(done.results)
    typer.echo(done.report if quiet else f"Report: {done.report}")


def print_summary(results: Mapping[str, Any]) -> None:
    """Tables of BD-rates, and of bits per pixel at equal PSNR, as wide as the terminal.

    Args:
        results: the content of results.json.
    """
    from rich.console import Console
    from rich.table import Table

    from imgcomp.rd.page import show_percent

    console = Console()
    titles = {line["name"]: line["title"] for line in results["lines"]}
    ours = {line["name"] for line in results["lines"] if line["ours"]}
    rows = [record for record in results["bd_rates"] if record["tested"] in ours]
    name = f"{results['data']['name']}, {results['data']['images']:,} images"
    if rows:
        table = Table(title=f"{name}: BD-rate over PSNR", box=None, title_justify="left")
        for head in ("Codec", "Rival"):
            table.add_column(head)
        for head in ("file", "payload", "mosaic"):
            table.add_column(head, justify="right", no_wrap=True)
        cells: dict[tuple[str, str], list[str]] = {}
        for record in rows:
            # Intervals are on the page: there is no room for them here.
            text = show_percent({**record, "interval": None})
            text += "*" if record["few_points"] and record["percent"] is not None else ""
            cells.setdefault((record["tested"], record["anchor"]), []).append(text)
        for (tested, anchor), percents in cells.items():
            rival = titles.get(anchor, "the best of all rivals")
            table.add_row(titles[tested], rival, *percents)
        console.print(table)
        console.print("* less than three points in the common range\n", style="dim")
    levels = sorted({record["psnr"] for record in results["at_quality"]})
    chosen = [level for level in levels if 26 <= level <= 40] or levels
    table = Table(
        title=f"{name}: bits per pixel at equal PSNR, file / payload / mosaic",
        box=None,
        title_justify="left",
    )
    table.add_column("Codec")
    for level in chosen[::2]:
        table.add_column(f"{level} dB", justify="right", no_wrap=True)
    rates = {(r["line"], r["psnr"]): r for r in results["at_quality"]}
    for line, title in titles.items():
        shown = []
        for level in chosen[::2]:
            record = rates.get((line, level), {})
            each = [record.get(size) for size in ("file", "payload", "mosaic")]
            shown.append(" ".join("–" if rate is None else f"{rate:.2f}" for rate in each))
        if any(text != "– – –" for text in shown):
            table.add_row(title, *shown)
    console.print(table)
