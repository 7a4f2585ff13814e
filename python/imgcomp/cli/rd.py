"""``imgcomp rd``: the package's codecs and ordinary ones on the same images, in bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from imgcomp.cli.interruption import resumable
from imgcomp.cli.options import DataDir, Offline

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
            "images), house@3 (the base ones at that effort), jpeg, webp, avif, jxl, png, pca, pq, "
            "a folder of 'imgcomp reproduce' (its networks), a codec's name or file, also with "
            "@3 (@3:own: it asks a classifier of these images' classes); several codecs with + "
            "between them make one curve.",
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
    compact: Annotated[
        Path | None,
        typer.Option(
            "--compact",
            metavar="DIR",
            help="Also write results, page and figures without images there: some 400 kB to keep.",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FILE",
            help="results.json of an earlier comparison of the same images: its lines stay beside "
            "the new ones.",
        ),
    ] = None,
    data_dir: DataDir = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what lies in the folder.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Stages side by side; one per core by default.", metavar="N"),
    ] = None,
    offline: Offline = False,
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
            compact=compact,
            keep=keep,
            resume=resume,
            jobs=jobs,
            offline=True if offline else None,
            progress=not (quiet or as_json) and "auto",
        )
    if as_json:
        typer.echo(json.dumps(done.results, indent=2, ensure_ascii=False))
        return
    if not quiet:
        from imgcomp.cli.rd_summary import print_summary

        print_summary(done.results)
    typer.echo(done.report if quiet else f"Report: {done.report}")
