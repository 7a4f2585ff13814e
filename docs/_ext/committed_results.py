"""Sphinx directives that show committed results: ``{results} PAPER PART`` and ``{benchmarks}``.

``{comparison} SET PART`` and ``{verdict}`` show those of ``imgcomp rd``. Before a results.json
exists, its first part (``provenance``) says so and the others are empty, so that the documentation
builds without warnings before and after.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comparisons_markdown
import results_markdown
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from imgcomp.rd.compact import read_comparison
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


class ComparisonDirective(_Markdown):
    """One part of a comparison's results.json."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        name, part = self.arguments
        known = [*comparisons_markdown.PARTS, "figures"]
        if part not in known or name not in comparisons_markdown.SETS:
            sets = ", ".join(comparisons_markdown.SETS)
            raise self.error(f"no '{name} {part}'; there are {sets} with {', '.join(known)}")
        folder = self.folder / "rd" / name
        path = folder / "results.json"
        if not path.is_file():
            text = comparisons_markdown.missing(name) if part == "provenance" else ""
            return self.show(text, path)
        content = read_comparison(path)
        if part == "figures":
            page = Path(self.env.doc2path(self.env.docname)).parent
            return self.show(results_markdown.figures(content, folder, page), path)
        return self.show(comparisons_markdown.PARTS[part](content), path)


class VerdictDirective(_Markdown):
    """What all comparisons come to."""

    def run(self) -> list[nodes.Node]:
        folder = self.folder / "rd"
        for name in comparisons_markdown.SETS:
            self.env.note_dependency(str(folder / name / "results.json"))
        found = comparisons_markdown.committed(folder)
        return self.show(comparisons_markdown.verdict(found), folder)


class BenchmarksDirective(_Markdown):
    """Every committed benchmark."""

    def run(self) -> list[nodes.Node]:
        folder = self.folder / "benchmarks"
        return self.show(results_markdown.benchmarks(folder), folder)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("imgcomp_results", "", "env", str)
    app.add_directive("results", ResultsDirective)
    app.add_directive("comparison", ComparisonDirective)
    app.add_directive("verdict", VerdictDirective)
    app.add_directive("benchmarks", BenchmarksDirective)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
