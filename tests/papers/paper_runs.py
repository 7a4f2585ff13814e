"""What tests of papers ask of a stage and of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

import imgcomp
from imgcomp import papers
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


def check_accounting(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """See that a report's real bytes are possible; the rows of the networks."""
    rows = table(results, "accounting")
    plain = [row for row in rows if row["PSNR (dB)"] is None]
    assert {row["What is stored"] for row in plain} == {
        "the image, 8 bits per value", "PNG, a file of each image", "PNG, one file of all images",
    }  # fmt: skip
    whole = plain[0]["Packed (B)"]
    for row in plain[1:]:
        assert 0 < (row["Single image (B)"] or row["One stream (B)"]) < whole
    codes = [row for row in rows if row["PSNR (dB)"] is not None]
    for row in codes:
        packed, stream = row["Packed (B)"], row["One stream (B)"]
        assert packed == row["Values"] * row["Bits per value"] / 8
        assert row["Share of the input"] == (packed if stream is None else stream) / whole
        if row["Bits per value"] == 32:
            assert stream is None
            continue
        # Tables of few training images may miss what the test images are like.
        assert 0 < stream <= 1.1 * packed + 1
        assert row["Single image (B)"] <= 1.1 * packed + 2
        assert row["Estimated (B)"] <= stream + 0.1
    assert any("entropy coded" in text for text in results["findings"])
    return codes


def check_pictures(folder: Path, results: Mapping[str, Any]) -> None:
    """See that every picture of a report is there and larger than a stamp."""
    for figure in results["figures"]:
        for file in figure["files"]:
            if file.endswith("png"):
                with Image.open(folder / file) as image:
                    assert min(image.size) > 100


def check_fetches_nothing(page: str) -> None:
    """See that a report is one file that needs no other."""
    for forbidden in ("http://", "https://", 'src="//', "@import", "<script", "<link", "url("):
        assert forbidden not in page, forbidden


def check_report(run: papers.Reproduction) -> None:
    """See that a report has all its figures in it, and beside it."""
    figures = run.results["figures"]
    for figure in figures:
        for name in figure["files"]:
            assert (run.folder / name).stat().st_size > 2000
    page = run.report.read_text("utf-8")
    assert page.count('src="data:image/') == len(figures)
    check_fetches_nothing(page)


@contextmanager
def nothing_computed(folder: Path) -> Iterator[None]:
    """See that no stage of a run's folder is written meanwhile."""

    def written() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in (folder / "stages").iterdir()}

    before = written()
    yield
    assert written() == before
