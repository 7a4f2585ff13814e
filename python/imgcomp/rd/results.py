"""From finished stages to numbers: every point of a line as JSON, and all of them as CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from imgcomp.rd.found import SIZES, Found
from imgcomp.rd.quality import MEASURES, summary
from imgcomp.rd.rates import AMORTISED
from imgcomp.rd.stages import MOSAIC


def line_record(found: Found) -> dict[str, Any]:
    """A line as JSON.

    Args:
        found: its stages.
    """
    line = found.line
    return {
        "name": line.name,
        "title": line.title,
        "family": line.family,
        "kind": line.kind,
        "ours": line.ours,
        "lossless": line.lossless,
        "unit": line.unit,
        "points": [_point(found, number) for number in range(len(line.points))],
    }


def _point(found: Found, number: int) -> dict[str, Any]:
    at, artifact = found.line.points[number], found.points[number]
    sizes = {size: float(artifact[size].mean()) for size in SIZES}
    pixels = found.pixels
    model = int(artifact.data["model_bytes"])
    record: dict[str, Any] = {
        "setting": at.setting,
        "label": at.label,
        "bytes": sizes,
        "bpp": {size: 8 * value / pixels for size, value in sizes.items()},
        "bytes_alone": artifact.data["alone"],
        "model_bytes": model,
        "bpp_with_model": {
            str(count): 8 * (sizes["file"] + model / count) / pixels for count in AMORTISED
        },
        **summary(artifact.tensors),
    }
    from_mosaic = {
        name.removeprefix(MOSAIC): values
        for name, values in artifact.tensors.items()
        if name.startswith(MOSAIC)
    }
    if from_mosaic:
        record["mosaic"] = summary(from_mosaic)
    if found.retrained and number in found.retrained:
        record["accuracy_retrained"] = found.retrained[number].data["accuracy"]
    if found.whole:
        whole = found.whole[number]
        rate = 8 * whole["file"] / whole["pixels"]
        record["whole"] = {"bpp": float(rate.mean()), **summary(whole.tensors)}
    return record


_COLUMNS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "line": lambda line, _: line["name"],
    "family": lambda line, _: line["family"],
    "unit": lambda line, _: line["unit"],
    "setting": lambda _, point: point["label"],
    **{f"bytes_{s}": lambda _, point, s=s: point["bytes"][s] for s in SIZES},  # type: ignore[misc]
    **{f"bpp_{s}": lambda _, point, s=s: point["bpp"][s] for s in SIZES},  # type: ignore[misc]
    "bytes_alone": lambda _, point: point["bytes_alone"],
    "model_bytes": lambda _, point: point["model_bytes"],
    **{
        f"bpp_with_model_{n}": lambda _, point, n=n: point["bpp_with_model"][str(n)]  # type: ignore[misc]
        for n in AMORTISED
    },
    **{
        name: lambda _, point, name=name: point[name]  # type: ignore[misc]
        for name in (*MEASURES, "psnr_pooled", "accuracy")
    },
    "accuracy_retrained": lambda _, point: point.get("accuracy_retrained"),
    **{
        f"mosaic_{name}": lambda _, point, name=name: point.get("mosaic", point)[name]  # type: ignore[misc]
        for name in (*MEASURES, "psnr_pooled", "accuracy")
    },
    **{
        f"whole_{name}": lambda _, point, name=name: point.get("whole", {}).get(name)  # type: ignore[misc]
        for name in ("bpp", *MEASURES)
    },
}


def csv_text(lines: Sequence[dict[str, Any]]) -> str:
    """One row for each point, with a head; what is not known is empty.

    Args:
        lines: of `line_record`.
    """
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for line in lines:
        for point in line["points"]:
            cells = [read(line, point) for read in _COLUMNS.values()]
            writer.writerow([f"{c:.6g}" if isinstance(c, float) else c for c in cells])
    return text.getvalue()
