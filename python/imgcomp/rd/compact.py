"""A comparison as it is committed: results, page and figures without any images, some 400 kB.

Everything in it is made from the content of ``results.json`` alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgcomp._files import write_bytes_atomically, write_text_atomically
from imgcomp.errors import UsageError

FORMAT = "imgcomp-rd-2"
"""Of ``results.json``."""
_NAMES = ("figures", "report.html", "results.json")
_DIGITS = 6
_COLOURS = 64


def read_comparison(path: str | Path) -> dict[str, Any]:
    """The content of a comparison's ``results.json``.

    Args:
        path: of the file.

    Raises:
        UsageError: it is missing, no JSON, or something else.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as a comparison: {error}") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise UsageError(f"{path}: expected the format {FORMAT}, found {found!r}")
    return dict(content)


def check_compact_folder(folder: str | Path) -> Path:
    """A folder that may be written: missing, empty, or with an earlier compact form.

    Raises:
        UsageError: it holds something else, or is a file.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path}: expected a folder to write to, found a file")
    others = [each.name for each in path.iterdir()] if path.exists() else []
    if strange := sorted(set(others) - set(_NAMES)):
        raise UsageError(f"{path}: the folder holds something else (found {strange[0]})")
    return path


def write_compact(results: Mapping[str, Any], folder: str | Path) -> Path:
    """Write the compact form; an earlier one is replaced.

    ``results.json`` has numbers of six digits and a line for each record; ``report.html`` is the
    page without what one drags, and takes its figures from ``figures/``, PNG files of 64 colours.

    Args:
        results: content of ``results.json``.
        folder: to write, see `check_compact_folder`.

    Returns:
        The folder.

    Raises:
        UsageError: the folder holds something else.
        OSError: it cannot be written.
    """
    from imgcomp.plots import render, style
    from imgcomp.rd.figures import drawings
    from imgcomp.rd.page import render_page

    path = check_compact_folder(folder)
    drawn = drawings(results)
    for old in (path / "figures").glob("*.png"):
        old.unlink()
    addresses = {}
    for drawing in drawn:
        with style():
            raw = render(drawing.draw(), "png", name=drawing.id)
        addresses[drawing.id] = f"figures/{drawing.id}.png"
        write_bytes_atomically(path / addresses[drawing.id], _few_colours(raw))
    write_text_atomically(path / "report.html", render_page(results, addresses))
    write_text_atomically(path / "results.json", compact_json(results))
    return path


def compact_json(content: Mapping[str, Any]) -> str:
    """JSON with numbers of six digits and a line for each record of a list."""
    lines = []
    for key, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"  {_dumped(each)}" for each in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {_dumped(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _dumped(value: Any) -> str:
    return json.dumps(_rounded(value), ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value


def _few_colours(png: bytes) -> bytes:
    """A figure of lines on white in a third of the bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as opened:
        few = opened.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
