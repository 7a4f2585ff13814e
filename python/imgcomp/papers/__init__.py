"""The papers that imgcomp reruns: ``imgcomp.papers.reproduce("feng2018", scale="smoke")``.

A paper's module holds its specs, stages, claims and figures; running, caching, judging, drawing
and reporting are the same for all.
"""

from __future__ import annotations

import difflib
import importlib

from imgcomp.errors import UsageError
from imgcomp.papers.driver import Reproduction, reproduce
from imgcomp.papers.experiment import Paper, Run

# Name → module; imported when asked for.
_MODULES = {
    "bhattacharya2020": "imgcomp.papers.bhattacharya2020",
    "buell2022": "imgcomp.papers.buell2022",
    "donis2020": "imgcomp.papers.donis2020",
    "feng2018": "imgcomp.papers.feng2018",
    "kawaguchi2022": "imgcomp.papers.kawaguchi2022",
    "toderici2017": "imgcomp.papers.toderici2017",
}


def names() -> list[str]:
    """The papers that can be reproduced."""
    return sorted(_MODULES)


def get(name: str) -> Paper:
    """A paper by its name.

    Raises:
        UsageError: there is no such paper; the text lists those that there are.
    """
    if name not in _MODULES:
        close = difflib.get_close_matches(name, _MODULES, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"unknown paper '{name}'; {hint}known: {', '.join(names())}")
    paper = importlib.import_module(_MODULES[name]).PAPER
    assert isinstance(paper, Paper)
    return paper


__all__ = ["Paper", "Reproduction", "Run", "get", "names", "reproduce"]
