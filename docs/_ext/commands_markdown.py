"""A command's arguments and options as Markdown, from the command itself."""

from __future__ import annotations

from typing import Any

import typer
from results_markdown import escape, table

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
