"""What ``imgcomp rd`` prints at its end: the tables that matter, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgcomp.rd.tables import Shown

_SHORT = {
    "one file for each image": "file",
    "coded image alone": "payload",
    "all images in one file": "mosaic",
    "whole photographs, a file each": "whole",
}


def print_summary(results: Mapping[str, Any]) -> None:
    """Tables of BD-rates, of what is recognised, with the weights, and of rates at equal PSNR.

    Intervals are on the page: there is no room for them here.

    Args:
        results: the content of results.json.
    """
    from rich.console import Console

    from imgcomp.rd import tables
    from imgcomp.rd.formats import formats_table
    from imgcomp.rd.scales import SCALES, trained_for

    console = Console()
    name = f"{results['data']['name']}, {results['data']['images']:,} images"
    console.print(f"{name}\n", style="bold")
    for line in results["lines"]:
        if line["ours"]:
            measure = trained_for(line["name"])
            found = tables.bd_table(results, line["name"], measure)
            _print(console, found, f"BD-rate over {SCALES[measure].title}: {line['title']}")
    best = tables.best_table(results)
    if best.rows:
        _print(console, best)
    for each in (
        formats_table(results),
        tables.fallen_table(results),
        tables.weights_table(results),
    ):
        if each is not None:
            _print(console, each)
    _print_levels(console, results)


def _print(console: Any, shown: Shown, title: str | None = None) -> None:
    from rich.table import Table

    if not shown.rows:
        return
    table = Table(title=title or shown.title, box=None, title_justify="left")
    for index, head in enumerate(shown.heads):
        table.add_column(
            _SHORT.get(head, head),
            justify="right" if index else "left",
            no_wrap=index > 0,
            overflow="ellipsis" if index else "fold",
        )
    for row in shown.rows:
        table.add_row(*(_SHORT.get(cell, cell.partition("\n")[0]) for cell in row))
    console.print(table)
    if shown.caption:
        console.print(shown.caption, style="dim")
    console.print()


def _print_levels(console: Any, results: Mapping[str, Any]) -> None:
    from rich.table import Table

    from imgcomp.rd.scales import MAIN

    records = [record for record in results["at_quality"] if record["measure"] == MAIN]
    levels = sorted({record["level"] for record in records})
    chosen = [level for level in levels if 26 <= level <= 40] or levels
    table = Table(
        title="Bits per pixel at equal PSNR, file / payload / mosaic",
        box=None,
        title_justify="left",
    )
    table.add_column("Codec", overflow="fold")
    for level in chosen[::2]:
        table.add_column(f"{level:g} dB", justify="right", no_wrap=True)
    rates = {(record["line"], record["level"]): record for record in records}
    for line in results["lines"]:
        shown = []
        for level in chosen[::2]:
            record = rates.get((line["name"], level), {})
            each = [record.get(size) for size in ("file", "payload", "mosaic")]
            shown.append(" ".join("–" if rate is None else f"{rate:.2f}" for rate in each))
        if any(text != "– – –" for text in shown):
            table.add_row(line["title"], *shown)
    console.print(table)
