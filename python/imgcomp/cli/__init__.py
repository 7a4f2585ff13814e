"""The command line: ``imgcomp reproduce``, ``compress``, ``decompress``, ``data`` and others.

Every `ImgcompError` becomes one line on stderr and exit status 1; wrong options are status 2, as
typer has it; Ctrl-C is 130.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imgcomp.errors import ImgcompError

if TYPE_CHECKING:
    import typer


def build_app() -> typer.Typer:
    """The application with all its commands."""
    import typer

    from imgcomp.cli import codec, doctor, rd, reproduce, train_codec
    from imgcomp.cli.data import data_app

    app = typer.Typer(
        name="imgcomp",
        help="Small-image compression with neural networks: papers rerun, side by side.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False,
            "--version",
            help="Print the version.",
            callback=_version,
            is_eager=True,
        ),
    ) -> None:
        pass

    app.command("reproduce")(reproduce.reproduce)
    for command in (codec.compress, codec.decompress, codec.info, codec.verify):
        app.command(command.__name__)(command)
    app.command("train-codec")(train_codec.train_codec)
    app.command("rd")(rd.rd)
    app.command("doctor")(doctor.doctor)
    app.add_typer(data_app, name="data")
    return app


def _version(wanted: bool) -> None:
    if wanted:
        import typer

        from imgcomp import __version__

        typer.echo(f"imgcomp {__version__}")
        raise typer.Exit


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; ends with SystemExit.

    Args:
        arguments: Without the program's name; those of the process by default.
    """

    def show_warning(message: object, *_: object, **__: object) -> None:
        print(f"imgcomp: warning: {_one_line(message)}", file=sys.stderr)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            build_app()(args=None if arguments is None else list(arguments), prog_name="imgcomp")
    except ImgcompError as error:
        print(f"imgcomp: error: {_one_line(error)}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"imgcomp: error: {_one_line(error)}", file=sys.stderr)
        sys.exit(1)
