"""Sphinx directives that show committed results: ``{results} PAPER PART`` and ``{benchmarks}``.

Before a paper's results.json exists, its first part (``provenance``) says so and the others are
empty, so that the documentation builds without warnings before and after.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import results_markdown
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from imgcomp.report import read_results


class _Markdown(SphinxDirective):
    """Shows generated Markdown in its place."""

    def show(self, text: str, source: Path) -> list[nodes.Node]:
        self.env.note_dependency(str(source))
        place = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), str(source)), 0, place)
        return place.children

    @property
    def folder(self) -> Path:
        return Path(self.config.imgcomp_results).resolve()


class ResultsDirective(_Markdown):
    """One part of a paper's results.json."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        paper, part = self.arguments
        known = [*results_markdown.PARTS, "figures"]
        if part not in known:
            raise self.error(f"no part '{part}'; there are {', '.join(known)}")
        folder = self.folder / paper
        path = folder / "results.json"
        if not path.is_file():
            return self.show(results_markdown.missing(paper) if part == "provenance" else "", path)
        content = read_results(path)
        if part == "figures":
            page = Path(self.env.doc2path(self.env.docname)).parent
            text = results_markdown.figures(content, folder, page)
        else:
            text = results_markdown.PARTS[part](content)
        return self.show(text, path)


class BenchmarksDirective(_Markdown):
    """Every committed benchmark."""

    def run(self) -> list[nodes.Node]:
        folder = self.folder / "benchmarks"
        return self.show(results_markdown.benchmarks(folder), folder)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("imgcomp_results", "", "env", str)
    app.add_directive("results", ResultsDirective)
    app.add_directive("benchmarks", BenchmarksDirective)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
