"""``imgcomp train-codec``: train a house codec by a recipe; write it, its card and its record."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgcomp.cli.interruption import resumable
from imgcomp.cli.options import DataDir, Offline
from imgcomp.errors import UsageError

if TYPE_CHECKING:
    from imgcomp.codec.recipe import Recipe, Trained

__all__ = ["train_codec"]


def train_codec(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A recipe: one of the package (house-colour, house-gray, house-digits), or a "
            ".toml file.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; runs/NAME by default.", metavar="DIR")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change a value of the recipe, such as fit.epochs=2; may be repeated.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last epoch in the folder.")
    ] = False,
    data_dir: DataDir = None,
    offline: Offline = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the codec's path only.")
    ] = False,
) -> None:
    """Train a codec of several rates by a recipe; write it, a card of its rates, and a record."""
    from imgcomp.codec.recipe import Recipe

    recipe = Recipe.load(config, changes or [])
    folder = Path("runs", recipe.name) if out is None else out
    checkpoint = folder / "checkpoints" / f"{recipe.name}.safetensors"
    if checkpoint.exists() and not resume:
        raise UsageError(
            f"{checkpoint}: a training is there already; --resume goes on with it, --out names "
            "another folder"
        )
    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    with resumable():
        trained = recipe.train(
            data_dir,
            checkpoint=checkpoint,
            resume=resume,
            progress=not quiet and "auto",
            offline=True if offline else None,
        )
        say("Trained; now coding the test images …")
        path = write(
            recipe,
            trained,
            folder,
            data_dir=data_dir,
            offline=True if offline else None,
            command=_command(config, changes or []),
        )
    say(f"Card: {path.with_suffix('.md')}")
    typer.echo(path if quiet else f"Codec: {path}")


def write(
    recipe: Recipe,
    trained: Trained,
    folder: Path,
    *,
    command: str,
    data_dir: Path | None = None,
    offline: bool | None = None,
) -> Path:
    """Measures a codec on the test images; writes it, its card and its record, each at one blow.

    Args:
        recipe: that it was trained by.
        trained: what came of it.
        folder: to write to.
        command: that does it again.
        data_dir: folder of the data sets.
        offline: never download; None: as IMGCOMP_OFFLINE says.

    Returns:
        The codec's file; the card and the record lie beside it, as ``.md`` and ``.json``.
    """
    from imgcomp import datasets
    from imgcomp._files import write_bytes_atomically, write_text_atomically
    from imgcomp.codec.card import card, results
    from imgcomp.codec.rates import measure
    from imgcomp.report.environment import environment

    codec, file = trained.codec, trained.codec.to_bytes()
    path = folder / f"{recipe.name}.safetensors"
    write_bytes_atomically(path, file)
    rates = {
        name: measure(codec, datasets.load(name, data_dir, offline=offline).test.images)
        for name in recipe.training
    }
    known: dict[str, Any] = {
        "size": len(file),
        "command": command,
        "history": trained.history,
        "rates": rates,
    }
    write_text_atomically(path.with_suffix(".md"), card(recipe, codec, **known))
    record = results(recipe, codec, environment=environment("cpu"), **known)
    content = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path.with_suffix(".json"), content + "\n")
    return path


def _command(config: str, changes: Sequence[str]) -> str:
    """What was asked for, without the folders of this machine."""
    words = [config] + [word for change in changes for word in ("--set", change)]
    return shlex.join(["imgcomp", "train-codec", *words])
