"""Runs a comparison from start to page: folder, images, stages, figures, JSON, CSV, HTML."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgcomp._checks import choice, whole_number
from imgcomp._files import write_bytes_atomically, write_text_atomically
from imgcomp.errors import CollapsedOutputWarning
from imgcomp.rd.compact import FORMAT, check_compact_folder, read_comparison, write_compact
from imgcomp.rd.curves import BOOTSTRAP, Curves
from imgcomp.rd.figures import drawings
from imgcomp.rd.found import Found
from imgcomp.rd.keep import with_lines_of
from imgcomp.rd.levels import at_quality, fallen
from imgcomp.rd.lines import DEFAULT, lines_of
from imgcomp.rd.material import Material, material
from imgcomp.rd.page import render_page
from imgcomp.rd.plan import Plan, planned
from imgcomp.rd.quality import MS_SSIM
from imgcomp.rd.rates import AMORTISED, bd_records, with_model
from imgcomp.rd.results import csv_text, line_record
from imgcomp.report import environment, maker
from imgcomp.stages import Artifacts, RunFolder, Runner, StopLike, default_jobs, listener_for


@dataclass(frozen=True)
class Comparison:
    """A finished comparison.

    Attributes:
        results: the content of ``results.json``.
        folder: where everything lies.
        report: the page.
    """

    results: dict[str, Any]
    folder: Path
    report: Path


def compare_codecs(
    data: str,
    codecs: Sequence[str] = DEFAULT,
    *,
    images: int = 1000,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    judge_epochs: int = 5,
    retrain_images: int = 0,
    ms_ssim: str = MS_SSIM,
    bootstrap: int = BOOTSTRAP,
    compact: str | Path | None = None,
    keep: str | Path | None = None,
    resume: bool = False,
    jobs: int | None = None,
    offline: bool | None = None,
    progress: str | bool = "auto",
    stop: StopLike | None = None,
) -> Comparison:
    """Send images through codecs at many rates, and write a page, figures, JSON and CSV.

    Args:
        data: see `imgcomp.rd.material.material`.
        codecs: see `imgcomp.rd.lines.lines_of`.
        images: test images, or tiles of photographs.
        out: folder to write; ``runs/rd-DATA`` by default. One that holds something else is refused.
        data_dir: where data sets lie.
        judge_epochs: for how long a classifier is trained on the data set's training images, to
            say what is still recognised; 0 for none. Images without classes have none.
        retrain_images: training images that are sent through each codec at three settings, to
            train further classifiers on; 0 for none. Codecs at an effort have none.
        ms_ssim: variant, see `imgcomp.metrics.ms_ssim`; images must be large enough for it.
        bootstrap: draws of images for the intervals of BD-rates.
        compact: folder that gets results, page and figures without images, to be kept; one that
            holds something else is refused.
        keep: ``results.json`` of an earlier comparison of the same images, whose lines stay beside
            the new ones where they are not measured again.
        resume: go on with what is in `out`; otherwise an earlier comparison there is removed.
        jobs: stages side by side, without influence on results; by default one for each core.
        offline: never download.
        progress: ``"auto"``, True or False.
        stop: set it from another thread to stop.

    Raises:
        UsageError: an argument does not fit, or what writes an ordinary codec's files is missing.
        DatasetError: the images are not to be had.
        StageError: a stage failed.
        KeyboardInterrupt: stopped; with `resume` the next call goes on from there.
    """
    begin = time.perf_counter()
    whole_number("judge_epochs", judge_epochs, 0)
    whole_number("retrain_images", retrain_images, 0)
    whole_number("bootstrap", bootstrap, 0)
    choice("ms_ssim", ms_ssim, ("adaptive", "renormalised", "standard"))
    if compact is not None:
        check_compact_folder(compact)
    earlier = None if keep is None else read_comparison(keep)
    sent = material(data, images, data_dir=data_dir, offline=offline)
    lines = lines_of(codecs, sent.test.image_shape)
    plan = planned(
        lines, sent, judge_epochs=judge_epochs, retrain_images=retrain_images, ms_ssim=ms_ssim
    )
    folder = RunFolder(Path(out) if out is not None else Path("runs") / f"rd-{sent.name}", "rd")
    workers = default_jobs() if jobs is None else whole_number("jobs", jobs)
    with folder.locked():
        request = {"data": sent.name, "images": len(sent.test), "codecs": list(codecs)}
        folder.prepare(resume=resume, request=request)
        surroundings = {**environment("cpu"), **_writers()}
        with (
            listener_for(progress, f"rd, {sent.name}") as listener,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", CollapsedOutputWarning)
            runner = Runner(
                folder.path,
                jobs=workers,
                stop=stop,
                listener=listener,
                made_with=maker(surroundings),
            )
            artifacts = runner.run(plan.targets)
        every = [plan.found(line, artifacts) for line in lines]
        results = _results(sent, list(codecs), every, plan, artifacts, bootstrap)
        results["ms_ssim"] = ms_ssim
        results["environment"] = surroundings
        results["timings"] = {
            "total_seconds": time.perf_counter() - begin,
            "jobs": workers,
            "stages": {label: round(value, 3) for label, value in artifacts.seconds().items()},
        }
        if earlier is not None:
            results = with_lines_of(earlier, results)
        done = _write(folder.path, results, sent, every)
    if compact is not None:
        write_compact(results, compact)
    return done


def _results(
    sent: Material,
    codecs: list[str],
    every: list[Found],
    plan: Plan,
    artifacts: Artifacts,
    bootstrap: int,
) -> dict[str, Any]:
    originals = None if plan.originals is None else artifacts[plan.originals]
    accuracy = None if originals is None else originals.data["accuracy"]
    curves = Curves(every, repeats=bootstrap)
    return {
        "format": FORMAT,
        "data": {
            "name": sent.name,
            "images": len(sent.test),
            "image_shape": list(sent.test.image_shape),
            "fingerprint": sent.test.fingerprint,
            "train": len(sent.train),
            "photographs": None if sent.pictures is None else list(sent.pictures.names),
        },
        "codecs": codecs,
        "amortised_over": list(AMORTISED),
        "originals_accuracy": accuracy,
        "retrained": _retrained(plan, artifacts),
        "lines": [line_record(found) for found in every],
        "bd_rates": bd_records(curves),
        "with_model": with_model(curves),
        "at_quality": at_quality(curves, accuracy),
        "fallen": fallen(curves, None if originals is None else originals["correct"]),
    }


def _retrained(plan: Plan, artifacts: Artifacts) -> dict[str, Any] | None:
    """On how many images classifiers were trained anew, and how good one of originals is then."""
    if plan.few_originals is None:
        return None
    accuracy = artifacts[plan.few_originals].data["accuracy"]
    return {"images": plan.few, "originals_accuracy": accuracy}


def _writers() -> dict[str, str]:
    """Versions of what writes ordinary files."""
    import importlib.metadata

    found = {}
    for package in ("pillow", "imagecodecs"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _write(folder: Path, results: dict[str, Any], sent: Material, every: list[Found]) -> Comparison:
    from imgcomp.plots import render, style

    figures: dict[str, bytes | str] = {}
    drawn = drawings(results)
    for drawing in drawn:
        with style():
            figure = drawing.draw()
            contents = {form: render(figure, form, name=drawing.id) for form in ("png", "svg")}
        for form, raw in contents.items():
            write_bytes_atomically(folder / "figures" / f"{drawing.id}.{form}", raw)
        figures[drawing.id] = contents["png"]
    results["figures"] = [
        {
            "id": each.id,
            "title": each.title,
            "caption": each.caption,
            "files": [f"figures/{each.id}.{form}" for form in ("png", "svg")],
        }
        for each in drawn
    ]
    report = folder / "report.html"
    write_text_atomically(folder / "points.csv", csv_text(results["lines"]))
    write_text_atomically(report, render_page(results, figures, (sent.test.images, every)))
    text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text_atomically(folder / "results.json", text)
    return Comparison(results, folder, report)
