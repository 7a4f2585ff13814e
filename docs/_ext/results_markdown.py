"""Committed results as Markdown for the documentation: nothing on those pages is typed by hand.

Plain functions from the content of a ``results.json`` (or a benchmark's JSON) to text; the Sphinx
part is ``committed_results``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from imgcomp.report import Column
from imgcomp.report.html import (
    MARKS,
    show_epoch,
    show_ours,
    show_paper,
    show_seconds,
    show_value,
)

Content = Mapping[str, Any]


def escape(text: str) -> str:
    """Text that Markdown takes literally, fit for a table cell."""
    for sign in "\\`*_|[]<>$":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def unbroken(text: str) -> str:
    """Text on one line: with no-break spaces."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A Markdown table; `right` says which columns are aligned to the right."""
    lines = [heads, ["--:" if side else ":--" for side in right], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def provenance(content: Content) -> str:
    """What was run, on what."""
    data, env = content["dataset"], content["environment"]
    seeds = ", ".join(str(seed) for seed in content["seeds"])
    where = env.get("gpu") or f"{env['processor']}, {env['cores']} cores"
    revision = _revisions(content)
    sizes = ", ".join(
        f"{name.replace('_', ' ')} {count:,}" for name, count in content["sizes"].items()
    )
    timings = content["timings"]
    return (
        f"Scale *{content['scale']}*, seeds {seeds}, data set {escape(data['name'])} "
        f"({escape(sizes)} images); "
        f"stages of {show_seconds(sum(timings['stages'].values()))} together, "
        f"{timings['jobs']} side by side, on {escape(where)}; "
        f"imgcomp {escape(env['imgcomp'] + revision)}, torch {escape(env['torch'])}.\n"
    )


def _revisions(content: Content) -> str:
    """Of the source that computed the stages, or of the report where that was not recorded."""
    made_with = content["timings"].get("made_with", [])
    found = list(dict.fromkeys(record.get("source_revision") for record in made_with))
    if not any(found):
        found = [content["environment"].get("source_revision")]
    return f" ({', '.join(revision or 'not recorded' for revision in found)})" if any(found) else ""


def findings(content: Content) -> str:
    """The main results as a list."""
    return "".join(f"- {escape(sentence)}\n" for sentence in content["findings"])


def claims(content: Content) -> str:
    """Every claim, the paper's number beside ours, one table per place in the paper."""
    parts = []
    for source, group in groupby(content["claims"], lambda claim: claim["source"]):
        rows = [
            [
                escape(claim["description"]),
                unbroken(escape(show_epoch(claim))),
                unbroken(escape(show_paper(claim))),
                unbroken(escape(show_ours(claim))),
                escape(claim["unit"]),
                unbroken(f"{MARKS[claim['verdict']]} ") + claim["verdict"],
            ]
            for claim in group
        ]
        heads = ["Claim", "Epoch", "Paper", "Ours", "Unit", "Verdict"]
        right = [False, True, True, True, False, False]
        parts.append(f"**{escape(source)}**\n\n{table(heads, rows, right)}")
    disproofs = [claim for claim in content["claims"] if claim["disproof"]]
    if disproofs:
        parts.append("**Why some claims cannot be as stated**\n")
        parts.append(
            "".join(
                f"- {escape(claim['description'])}. {escape(claim['disproof'])}\n"
                for claim in disproofs
            )
        )
    return "\n".join(parts)


def tables(content: Content) -> str:
    """The report's tables."""
    parts = []
    for one in content["tables"]:
        columns = [Column(*pair) for pair in zip(one["columns"], one["formats"], strict=True)]
        cells = [
            [escape(column.show(cell)) for column, cell in zip(columns, row, strict=True)]
            for row in one["rows"]
        ]
        right = [
            any(isinstance(row[index], int | float) for row in one["rows"])
            for index in range(len(columns))
        ]
        heads = [escape(column.name) for column in columns]
        parts.append(
            f"**{escape(one['title'])}**\n\n{escape(one['caption'])}\n\n"
            f"{table(heads, cells, right)}"
        )
    return "\n".join(parts)


def figures(content: Content, folder: Path, page: Path) -> str:
    """The figures, each with its caption; of each figure's files the smallest.

    `folder` holds the run, `page` is the folder of the page that shows it.
    """
    parts = []
    for figure in content["figures"]:
        there = [folder / name for name in figure["files"] if (folder / name).is_file()]
        if not there:
            parts.append(f"*{escape(figure['title'])}: its files are not in {folder.name}.*\n")
            continue
        chosen = min(there, key=lambda path: path.stat().st_size)
        relative = Path(os.path.relpath(chosen, page)).as_posix()
        parts.append(
            f":::{{figure}} {relative}\n:alt: {' '.join(figure['title'].split())}\n\n"
            f"**{escape(figure['title'])}.** {escape(figure['caption'])}\n:::\n"
        )
    return "\n".join(parts)


def choices(content: Content) -> str:
    """Where the paper is silent, and what was chosen."""
    rows = [
        [
            escape(choice["text"]),
            escape(show_value(choice["value"])),
            escape(choice["why"]),
            f"`{choice['key']}`" if choice["key"] else "",
        ]
        for choice in content["choices"]
    ]
    return table(["What", "Chosen", "Why", "Setting"], rows, [False] * 4)


PARTS: dict[str, Callable[[Content], str]] = {
    "provenance": provenance,
    "findings": findings,
    "claims": claims,
    "tables": tables,
    "choices": choices,
}


def missing(paper: str) -> str:
    """What stands in place of results that are not there."""
    return (
        f":::{{note}}\nThere are no committed results of {paper} yet. "
        f"`imgcomp reproduce {paper} --scale paper --out results/{paper}` makes them; this page "
        "shows them when it is built again.\n:::\n"
    )


def benchmarks(folder: Path) -> str:
    """Every committed benchmark as a table with its environment; a note where there is none."""
    parts = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        content = json.loads(path.read_text("utf-8"))
        env = ", ".join(
            f"{name} {value}" for name, value in content["environment"].items() if value
        )
        rows = [
            [
                escape(row["name"]),
                f"{row['ours_images_per_second']:,.0f}",
                f"{row['peer_images_per_second']:,.0f}",
                f"{row['speedup_median']:.2f}",
                f"{row['speedup_min']:.2f} … {row['speedup_max']:.2f}",
                _mean(row["ours_quality"]),
                _mean(row["peer_quality"]),
            ]
            for row in content["rows"]
        ]
        quality = str(content.get("quality", "loss"))
        heads = [
            "",
            "imgcomp, images/s",
            "Peer, images/s",
            "Ratio",
            "Lowest … highest",
            f"{quality[0].upper()}{quality[1:]}, imgcomp",
            "Peer",
        ]
        notes = "".join(f"{escape(note)}\n\n" for note in content.get("notes", ()))
        parts.append(
            f"**{escape(content['title'])}**\n\n{table(heads, rows, [False] + [True] * 6)}\n"
            f"{notes}{escape(env)}.\n"
        )
    return "\n".join(parts) or (":::{note}\nThere are no committed benchmark results yet.\n:::\n")


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.5f}"
