"""What a run concludes, and ``results.json``, the file that says so to programs.

The fields of the file are documented at `Results`; `check_results` verifies them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgcomp.errors import UsageError
from imgcomp.report.claims import VERDICTS, JudgedClaim

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

FORMAT = 1
"""The version of the file's layout; raised when a field changes its meaning."""

Cell = float | int | str | None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: The heading, with the unit.
        format: Python format specification for the numbers in it, such as ``.4f``.
    """

    name: str
    format: str = ""

    def show(self, cell: Cell) -> str:
        """A cell as text; a missing value is a dash."""
        if cell is None:
            return "–"
        return cell if isinstance(cell, str) else format(cell, self.format)


@dataclass(frozen=True)
class Table:
    """A table of the report."""

    id: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def to_dict(self) -> dict[str, Any]:
        """The table's entry in results.json."""
        return {
            "id": self.id,
            "title": self.title,
            "caption": self.caption,
            "columns": [column.name for column in self.columns],
            "formats": [column.format for column in self.columns],
            "rows": [list(row) for row in self.rows],
        }


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        id: The file name without its ending.
        title: Short, for the list of figures.
        caption: What is to be seen, with all that is needed to understand it.
        draw: Makes the matplotlib figure.
        inline: What the HTML page shows: ``svg`` for curves, ``png`` for images.
    """

    id: str
    title: str
    caption: str
    draw: Callable[[], MatplotlibFigure] = field(repr=False)
    inline: str = "svg"


@dataclass(frozen=True)
class Choice:
    """A place where the paper is silent or contradicts itself, and what was chosen.

    Attributes:
        key: The setting that changes it (``--set key=value``), "" where none does.
        value: The value of this run.
        text: What it is.
        why: Why it was left to us and what spoke for the value.
    """

    key: str
    value: Any
    text: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What a paper's module concludes from the finished stages.

    Attributes:
        claims: Every claim, judged.
        findings: The main results, one sentence each.
        tables: In the order of the report.
        figures: In the order of the report.
        curves: Name → {"epoch": [...], metric: [...]}; per-epoch (or per-batch) records.
        sizes: Name → number of images really used.
        choices: Choices beyond those that the settings already state.
    """

    claims: Sequence[JudgedClaim]
    findings: Sequence[str]
    tables: Sequence[Table]
    figures: Sequence[Figure]
    curves: Mapping[str, Mapping[str, Sequence[float | None]]]
    sizes: Mapping[str, int]
    choices: Sequence[Choice] = ()


@dataclass(frozen=True)
class Results:
    """A whole run, as ``results.json`` holds it.

    Top level of the file:

    ======================  ======================================================================
    ``format``              layout version, 1
    ``paper``               name of the experiment, such as ``feng2018``
    ``title``               of the paper
    ``reference``           authors, venue, year
    ``scale``               ``smoke``, ``quick`` or ``paper``
    ``seeds``               list of int; every claim has one value per seed, in this order, or for
                            the first ones only
    ``claims``              list, see below
    ``findings``            list of sentences
    ``dataset``             ``name``, ``name_in_paper``, ``classes``, ``image_shape``, ``train`` and
                            ``test`` (numbers of images), ``fingerprint_train``,
                            ``fingerprint_test`` (SHA-256)
    ``sizes``               numbers of images really used, by purpose
    ``configuration``       every setting by key
    ``choices``             where the paper is silent: ``key``, ``value``, ``text``, ``why``
    ``environment``         versions, processor, threads, source revision of what wrote the report
    ``timings``             ``total_seconds`` (this invocation), ``stages`` (seconds of each stage
                            when it was computed), ``jobs`` (run side by side), ``threads`` (each),
                            ``made_with``: what computed the stages, which a resumed run may have
                            from earlier ones: list of ``imgcomp``, ``source_revision``, ``torch``,
                            ``processor``, ``device``, ``stages`` (number); ``stages`` alone for
                            stages from before this was recorded
    ``curves``              per-epoch records: name → metric → list; ``epoch`` counts from 1; or per
                            batch, with ``batch`` in its place
    ``tables``              list: ``id``, ``title``, ``caption``, ``columns``, ``formats``, ``rows``
    ``figures``             list: ``id``, ``title``, ``caption``, ``files`` (relative paths)
    ======================  ======================================================================

    Each claim:

    ==================  ==========================================================================
    ``id``              stable identifier; wall-clock claims, and only they, end in ``_seconds``
    ``kind``            ``loss``, ``accuracy``, ``order``, ``time`` (wall-clock), …
    ``unit``            of all its numbers, "" where they have none
    ``source``          where the paper says so
    ``description``     what is measured
    ``paper``           the paper's number, or the bound in its statement
    ``comparison``      the sign before it: ``=``, ``>``, ``<``, ``≥``, ``≤``
    ``values``          ours, one per seed, or per each of the first seeds where an experiment is
                        not repeated as often; never empty, finite
    ``mean``, ``std``   over the seeds; sample standard deviation, 0 for a single seed
    ``verdict``         ``agrees``, ``better``, ``worse`` or ``cannot be as stated``
    ``rule``            the rule that judged, in words
    ``paper_epoch``     the epoch that the paper speaks of, or null
    ``epoch``           the epoch that our values belong to, or null; smaller scales train shorter
    ``disproof``        for ``cannot be as stated``: what this run shows; else ""
    ==================  ==========================================================================
    """

    paper: str
    title: str
    reference: str
    scale: str
    seeds: Sequence[int]
    dataset: Mapping[str, Any]
    configuration: Mapping[str, Any]
    choices: Sequence[Choice]
    environment: Mapping[str, Any]
    timings: Mapping[str, Any]
    outcome: Outcome
    figure_files: Mapping[str, Sequence[str]]

    def to_dict(self) -> dict[str, Any]:
        """The content of the file."""
        return {
            "format": FORMAT,
            "paper": self.paper,
            "title": self.title,
            "reference": self.reference,
            "scale": self.scale,
            "seeds": list(self.seeds),
            "claims": [claim.to_dict() for claim in self.outcome.claims],
            "findings": list(self.outcome.findings),
            "dataset": dict(self.dataset),
            "sizes": dict(self.outcome.sizes),
            "configuration": dict(self.configuration),
            "choices": [vars(choice) for choice in self.choices],
            "environment": dict(self.environment),
            "timings": dict(self.timings),
            "curves": {
                name: {metric: list(values) for metric, values in curve.items()}
                for name, curve in self.outcome.curves.items()
            },
            "tables": [table.to_dict() for table in self.outcome.tables],
            "figures": [
                {
                    "id": figure.id,
                    "title": figure.title,
                    "caption": figure.caption,
                    "files": list(self.figure_files[figure.id]),
                }
                for figure in self.outcome.figures
            ],
        }

    def to_json(self) -> str:
        """The file's text; checked before it is given out."""
        content = self.to_dict()
        check_results(content)
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_FIELDS: dict[str, type | tuple[type, ...]] = {
    "format": int,
    "paper": str,
    "title": str,
    "reference": str,
    "scale": str,
    "seeds": list,
    "claims": list,
    "findings": list,
    "dataset": dict,
    "sizes": dict,
    "configuration": dict,
    "choices": list,
    "environment": dict,
    "timings": dict,
    "curves": dict,
    "tables": list,
    "figures": list,
}
_CLAIM_FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "kind": str,
    "unit": str,
    "source": str,
    "description": str,
    "paper": (int, float),
    "comparison": str,
    "values": list,
    "mean": (int, float),
    "std": (int, float),
    "verdict": str,
    "rule": str,
    "paper_epoch": (int, type(None)),
    "epoch": (int, type(None)),
    "disproof": str,
}


def check_results(content: Mapping[str, Any]) -> None:
    """Verify that a dict is what `Results` documents.

    Raises:
        UsageError: names the field, what was expected and what is there.
    """

    def fields(where: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if set(found) != set(wanted):
            odd = sorted(set(found) ^ set(wanted))
            raise UsageError(f"results.json: {where}: missing or unknown fields {odd}")
        for name, types in wanted.items():
            if not isinstance(found[name], types) or isinstance(found[name], bool):
                raise UsageError(
                    f"results.json: {where}.{name}: a {type(found[name]).__name__} is not allowed"
                )

    fields("top level", content, _FIELDS)
    seeds = content["seeds"]
    if not seeds or len(set(seeds)) != len(seeds):
        raise UsageError(f"results.json: seeds: expected distinct integers, got {seeds}")
    names = [claim.get("id") for claim in content["claims"]]
    if not names or len(set(names)) != len(names):
        raise UsageError("results.json: claims: expected at least one, and distinct ids")
    for claim in content["claims"]:
        where = f"claim {claim.get('id')}"
        fields(where, claim, _CLAIM_FIELDS)
        if not 1 <= len(claim["values"]) <= len(seeds):
            raise UsageError(
                f"results.json: {where}: {len(claim['values'])} values for {len(seeds)} seeds"
            )
        if not all(math.isfinite(value) for value in claim["values"]):
            raise UsageError(f"results.json: {where}: values must be finite")
        if claim["verdict"] not in VERDICTS:
            raise UsageError(f"results.json: {where}: unknown verdict '{claim['verdict']}'")
        if (claim["verdict"] == "cannot be as stated") != bool(claim["disproof"]):
            raise UsageError(f"results.json: {where}: a disproof goes with its verdict")
        if (claim["kind"] == "time") != claim["id"].endswith("_seconds"):
            raise UsageError(f"results.json: {where}: kind time and ids in _seconds go together")
    for table in content["tables"]:
        width = len(table["columns"])
        if any(len(row) != width for row in table["rows"]):
            raise UsageError(f"results.json: table {table['id']}: a row without {width} cells")


def read_results(path: Path) -> dict[str, Any]:
    """Read and check a ``results.json``.

    Raises:
        UsageError: the file is missing, no JSON, or not as documented.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as results: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected a JSON object")
    check_results(content)
    return content
