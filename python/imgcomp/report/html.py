"""The report as one HTML file that fetches nothing: figures inside, no script, text escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from imgcomp.report.results import Column

MARKS = {"agrees": "✓", "better": "▲", "worse": "▼", "cannot be as stated": "✗"}


def show_number(value: float | None, unit: str = "") -> str:
    """A number with as many digits as its unit deserves: 1 decimal for % and s, else 4 figures."""
    if value is None:
        return "–"
    if unit == "s" and abs(value) < 10:
        text = f"{value:.2f}"
    elif unit in ("%", "s", "points"):
        text = f"{value:.1f}"
    elif float(value).is_integer() and abs(value) < 1e6:
        text = f"{int(value)}"
    else:
        text = f"{value:.4g}".replace("e-0", "e-")
    return "0" + text[2:] if float(text) == 0 and text[0] == "-" else text.replace("-", "−")


def show_ours(claim: Mapping[str, Any]) -> str:
    """Our mean ± standard deviation, the latter only where there are several seeds."""
    mean = show_number(claim["mean"], claim["unit"])
    if len(claim["values"]) == 1:
        return mean
    std = claim["std"]
    digits = f"{std:.1f}" if claim["unit"] in ("%", "s", "points") else f"{std:.2g}"
    return f"{mean} ± {digits}"


def show_paper(claim: Mapping[str, Any]) -> str:
    """The paper's number as it prints it, with the sign of its statement."""
    sign = "" if claim["comparison"] == "=" else f"{claim['comparison']} "
    return sign + f"{claim['paper']:.10g}".replace("-", "−")


def show_epoch(claim: Mapping[str, Any]) -> str:
    """The epoch of our values, and the paper's where it is another; empty where there is none."""
    ours, paper = claim["epoch"], claim["paper_epoch"]
    if ours is None or paper in (None, ours):
        return "" if ours is None else str(ours)
    return f"{ours} (for {paper})"


def show_value(value: Any) -> str:
    """A setting's value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {show_value(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(show_value(item) for item in value) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None else str(value)


def show_seconds(value: float) -> str:
    """A duration: 3.2 s, 4 min 10 s, 2 h 5 min."""
    if value < 100:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 100:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


def render_html(results: Mapping[str, Any], images: Mapping[str, tuple[str, bytes]]) -> str:
    """Make the page.

    Args:
        results: The content of results.json.
        images: Figure id → (MIME type, file content), for every figure of the results.

    Returns:
        The HTML text; nothing in it refers to another file or address.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("imgcomp.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=show_number,
        ours=show_ours,
        paper=show_paper,
        epoch=show_epoch,
        value=show_value,
        duration=show_seconds,
    )
    claims = results["claims"]
    return templates.get_template("report.html.j2").render(
        r=results,
        marks=MARKS,
        groups=[(source, list(group)) for source, group in groupby(claims, _group)],
        counts=[
            (verdict, sum(claim["verdict"] == verdict for claim in claims)) for verdict in MARKS
        ],
        images={
            name: {
                "source": f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}",
                "width": _width(mime, content),
            }
            for name, (mime, content) in images.items()
        },
        tables=[_table(table) for table in results["tables"]],
    )


def _width(mime: str, content: bytes) -> str:
    """A PNG's width as a CSS length, from its pixels and our resolution; SVGs know theirs."""
    if mime != "image/png":
        return "auto"
    from imgcomp.plots import DPI

    return f"{int.from_bytes(content[16:20], 'big') / DPI:.2f}in"


def _group(claim: Mapping[str, Any]) -> str:
    return str(claim["source"])


def _table(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with its cells as text, and which columns hold numbers."""
    columns = [Column(*pair) for pair in zip(table["columns"], table["formats"], strict=True)]
    return {
        "title": table["title"],
        "caption": table["caption"],
        "columns": [
            (column.name, any(isinstance(row[index], int | float) for row in table["rows"]))
            for index, column in enumerate(columns)
        ],
        "rows": [
            [column.show(cell) for column, cell in zip(columns, row, strict=True)]
            for row in table["rows"]
        ],
    }
