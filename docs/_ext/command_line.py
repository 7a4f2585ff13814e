"""Sphinx directive ``{command} NAME``: a command's arguments and options, from the command."""

from __future__ import annotations

from typing import Any

import typer
from committed_results import _Markdown
from docutils import nodes
from results_markdown import escape, table
from sphinx.application import Sphinx

from imgcomp.cli import build_app


def describe(names: list[str]) -> str:
    """A command's purpose and parameters as Markdown.

    Args:
        names: The command, and its subcommand where it has one.
    """
    command: Any = typer.main.get_command(build_app())
    for name in names:
        command = command.commands[name]
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_option = parameter.param_type_name == "option"
        spelled = ", ".join(sorted(parameter.opts, key=len)) if is_option else ""
        value = parameter.metavar or ("" if getattr(parameter, "is_flag", False) else "VALUE")
        if is_option:
            shown = f"`{spelled} {value}`" if value else f"`{spelled}`"
        else:
            shown = f"`{value}`" if parameter.metavar else f"`{parameter.name.upper()}`"
        default = parameter.default
        fixed = default not in (None, "", False, (), []) and not callable(default)
        rows.append(
            [shown.replace("|", "\\|"), escape(parameter.help or ""), str(default) if fixed else ""]
        )
    text = f"{escape(command.help or '')}\n\n"
    return text + table(["Argument", "Meaning", "Default"], rows, [False] * 3)


class CommandDirective(_Markdown):
    """The parameters of one command."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        import imgcomp.cli

        return self.show(describe(self.arguments[0].split()), imgcomp.cli.__file__)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("command", CommandDirective)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
