"""What tests of papers ask of a stage and of a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

import imgcomp
from imgcomp.stages import Context


def context(folder: Path, **config: object) -> Context:
    """A stage's surroundings, for calling its function by itself."""
    return Context(
        "test", config, 1, folder / "checkpoint.safetensors", imgcomp.StopToken(), lambda *_: None
    )


def table(results: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A table's rows, by column."""
    (found,) = (one for one in results["tables"] if one["id"] == name)
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def check_pictures(folder: Path, results: Mapping[str, Any]) -> None:
    """See that every picture of a report is there and larger than a stamp."""
    for figure in results["figures"]:
        for file in figure["files"]:
            if file.endswith("png"):
                with Image.open(folder / file) as image:
                    assert min(image.size) > 100
