"""From finished stages to numbers: points, BD-rates with intervals, rates at equal quality."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from imgcomp.rd import bd
from imgcomp.rd.lines import Line
from imgcomp.rd.quality import MEASURES, summary
from imgcomp.rd.stages import MOSAIC
from imgcomp.stages import Artifact

SIZES = ("file", "payload", "mosaic")
"""The three ways of counting."""
AMORTISED = (1_000, 10_000, 70_000)
"""Numbers of images that share one model."""
BOOTSTRAP = 200
_ENVELOPE = "envelope"


@dataclass(frozen=True)
class Found:
    """What the stages of one line gave.

    Attributes:
        line: which.
        points: one artifact of `imgcomp.rd.stages.point` for each of its points.
        whole: of `imgcomp.rd.stages.whole_pictures`, as many, or none.
        retrained: of `imgcomp.rd.stages.retrained`, by the number of the point.
    """

    line: Line
    points: Sequence[Artifact]
    whole: Sequence[Artifact] = ()
    retrained: Mapping[int, Artifact] | None = None

    def bytes(self, size: str) -> torch.Tensor:
        """Bytes of each image, float64 (points, N)."""
        return torch.stack([each[size] for each in self.points])

    def psnr(self, size: str) -> torch.Tensor:
        """PSNR of each image, float64 (points, N): those out of the mosaic where that is meant."""
        return torch.stack([self._measure(each, size, "psnr") for each in self.points])

    @staticmethod
    def _measure(point: Artifact, size: str, name: str) -> torch.Tensor:
        mosaic = point.tensors.get(MOSAIC + name) if size == "mosaic" else None
        return point[name] if mosaic is None else mosaic


def line_record(found: Found, pixels: int) -> dict[str, Any]:
    """A line as JSON.

    Args:
        found: its stages.
        pixels: of an image.
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
        "points": [_point(found, number, pixels) for number in range(len(line.points))],
    }


def _point(found: Found, number: int, pixels: int) -> dict[str, Any]:
    at, artifact = found.line.points[number], found.points[number]
    sizes = {size: float(artifact[size].mean()) for size in SIZES}
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


def bd_records(
    every: Sequence[Found], *, repeats: int = BOOTSTRAP, seed: int = 0
) -> list[dict[str, Any]]:
    """BD-rates over PSNR: of the package's codecs against each rival and the best of all rivals.

    Without a codec of the package every rival is compared with every other, without intervals.

    Args:
        every: all lines; those without loss are left out.
        repeats: draws of images for an interval.
        seed: of the draws.

    Returns:
        For each pair and each of `SIZES`: ``tested``, ``anchor`` (a name, or ``envelope``),
        ``size``, ``percent``, ``low`` and ``high`` (dB), ``points``, ``few_points``, ``interval``
        (two numbers in per cent, or None).
    """
    lossy = [found for found in every if not found.line.lossless]
    ours = [found for found in lossy if found.line.ours]
    rivals = [found for found in lossy if not found.line.ours]
    tested = ours or rivals
    records = []
    for size in SIZES:
        curves = {
            found.line.name: bd.Curve(
                found.bytes(size).mean(1).numpy(), found.psnr(size).mean(1).numpy()
            )
            for found in lossy
        }
        drawn = _resampled(lossy, size, repeats, seed) if ours else {}
        for one in tested:
            others = [found for found in rivals if found is not one]
            groups = {found.line.name: [found.line.name] for found in others}
            if len(others) > 1:
                groups[_ENVELOPE] = list(groups)
            for anchor, names in groups.items():
                percent = bd.compare([curves[name] for name in names], curves[one.line.name])
                ends = (
                    bd.interval(
                        [
                            bd.compare([drawn[name][i] for name in names], curve).percent
                            for i, curve in enumerate(drawn[one.line.name])
                        ]
                    )
                    if drawn and percent.percent is not None
                    else (None, None)
                )
                records.append(
                    {
                        "tested": one.line.name,
                        "anchor": anchor,
                        "size": size,
                        "percent": percent.percent,
                        "low": percent.low,
                        "high": percent.high,
                        "points": percent.points,
                        "few_points": percent.few_points,
                        "interval": None if ends[0] is None else list(ends),
                    }
                )
    return records


def _resampled(
    lossy: Sequence[Found], size: str, repeats: int, seed: int
) -> dict[str, list[bd.Curve]]:
    drawn = bd.draws(lossy[0].points[0]["file"].numel(), repeats, seed)
    return {
        found.line.name: bd.resampled(found.bytes(size).numpy(), found.psnr(size).numpy(), drawn)
        for found in lossy
    }


def at_quality(every: Sequence[Found], pixels: int) -> list[dict[str, Any]]:
    """Rates of all lossy lines at equal PSNR, every 2 dB.

    Args:
        every: all lines.
        pixels: of an image.

    Returns:
        For each line and level: ``line``, ``psnr`` and the bits per pixel of each of `SIZES`, None
        where its curve does not reach it. Levels that no line has are left out.
    """
    lossy = [found for found in every if not found.line.lossless]
    curves = {
        (found.line.name, size): bd.Curve(
            8 * found.bytes(size).mean(1).numpy() / pixels, found.psnr(size).mean(1).numpy()
        )
        for found in lossy
        for size in SIZES
    }
    if not curves:
        return []
    low = min(curve.low for curve in curves.values())
    high = min(50.0, max(curve.high for curve in curves.values()))
    records = []
    for level in range(2 * math.ceil(low / 2), math.floor(high) + 1, 2):
        for found in lossy:
            rates = {size: curves[found.line.name, size].rate_at(level) for size in SIZES}
            if any(rate is not None for rate in rates.values()):
                records.append({"line": found.line.name, "psnr": level, **rates})
    return records


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
