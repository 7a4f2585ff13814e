"""The page of a comparison: one HTML file that fetches nothing, where one drags the rate."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from imgcomp.rd import tables
from imgcomp.rd.figures import SIZE_TITLES
from imgcomp.rd.formats import formats_table
from imgcomp.rd.found import SIZES, Found
from imgcomp.rd.scales import MAIN, SCALES
from imgcomp.rd.stages import MOSAIC


def render_page(
    results: Mapping[str, Any],
    figures: Mapping[str, bytes | str],
    images: tuple[torch.Tensor, Sequence[Found]] | None = None,
) -> str:
    """Make the page.

    Args:
        results: content of ``results.json``.
        figures: for each of its figures the content of a PNG file, or its address.
        images: uint8 (N, C, H, W), what was sent, and what the stages gave, in the order of the
            results' lines; None for a page without images.

    Returns:
        The HTML text; nothing in it refers to another file or address but those in `figures`.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from imgcomp.report.html import show_seconds, show_value

    templates = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("imgcomp.rd", "templates"),
                PackageLoader("imgcomp.report", "templates"),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        bpp=tables.show_rate, decibel=_decibel, duration=show_seconds, value=show_value
    )
    return templates.get_template("rd.html.j2").render(
        r=results,
        sizes=SIZE_TITLES,
        viewer=None if images is None else _viewer(results, *images),
        bd=_by_measure(results, _bd_tables),
        best=tables.best_table(results),
        formats=formats_table(results),
        levels=_by_measure(results, _level_tables),
        fallen=tables.fallen_table(results),
        smallest=tables.smallest_table(results),
        retrained=tables.retrained_table(results),
        weights=tables.weights_table(results),
        points=[
            tables.points_with_model(results, line["name"])
            for line in results["lines"]
            if line["ours"]
        ],
        figures={
            name: content if isinstance(content, str) else _address(content)
            for name, content in figures.items()
        },
    )


def _by_measure(
    results: Mapping[str, Any], make: Callable[[Mapping[str, Any], str], list[tables.Shown]]
) -> list[dict[str, Any]]:
    """Tables of each measure, those of the main one to be open."""
    return [
        {"title": SCALES[name].title, "open": name == MAIN, "tables": make(results, name)}
        for name in tables.measures_of(results)
    ]


def _bd_tables(results: Mapping[str, Any], measure: str) -> list[tables.Shown]:
    tested = dict.fromkeys(record["tested"] for record in results["bd_rates"])
    return [tables.bd_table(results, name, measure) for name in tested]


def _level_tables(results: Mapping[str, Any], measure: str) -> list[tables.Shown]:
    return [tables.level_table(results, measure, size) for size in tables.sizes_of(results)]


def _viewer(
    results: Mapping[str, Any], originals: torch.Tensor, every: Sequence[Found]
) -> dict[str, Any]:
    """What the script on the page draws from."""
    shown = len(every[0].points[0]["shown"])
    lines = []
    # Lines of an earlier comparison come behind the others, and have no images.
    for line, found in zip(results["lines"], every, strict=False):
        points = []
        for point, artifact in zip(line["points"], found.points, strict=True):
            images = artifact["shown"]
            mosaic = artifact.tensors.get(MOSAIC + "shown")
            entry = {
                "label": point["label"],
                "bpp": [point["bpp"][size] for size in SIZES],
                "psnr": point["psnr"],
                "accuracy": point["accuracy"],
                "images": _strip(images),
            }
            if mosaic is not None and not torch.equal(mosaic, images):
                entry["mosaic"] = {
                    "psnr": point["mosaic"]["psnr"],
                    "accuracy": point["mosaic"]["accuracy"],
                    "images": _strip(mosaic),
                }
            points.append(entry)
        lines.append(
            {
                "title": line["title"],
                "unit": line["unit"],
                "ours": line["ours"],
                "lossless": line["lossless"],
                "points": points,
            }
        )
    return {
        "lines": lines,
        "originals": _strip(originals[:shown]),
        "count": shown,
        "width": originals.shape[3],
        "height": originals.shape[2],
    }


def _strip(images: torch.Tensor) -> str:
    """Images side by side as the address of a PNG."""
    from PIL import Image

    laid = torch.cat(list(images), dim=2).permute(1, 2, 0).contiguous().numpy()
    buffer = io.BytesIO()
    picture = laid[..., 0] if laid.shape[2] == 1 else laid
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return _address(buffer.getvalue())


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _decibel(value: float | None) -> str:
    if value is None:
        return "–"
    return "lossless" if value >= 99 else f"{value:.2f}"
