"""Sphinx directive ``{command} NAME``: a command's arguments and options, from the command."""

from __future__ import annotations

from typing import Any

from commands_markdown import describe
from committed_results import _Markdown
from docutils import nodes
from sphinx.application import Sphinx


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
