"""Runs a paper from start to report: folder, data, stages, figures, results.json, report.html."""

from __future__ import annotations

import fnmatch
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgcomp._files import write_bytes_atomically, write_text_atomically
from imgcomp.errors import CollapsedOutputWarning, UsageError
from imgcomp.papers.event_files import write_event_files
from imgcomp.papers.experiment import Paper, Run
from imgcomp.papers.settings import SCALES, Scale, Settings, resolve
from imgcomp.report import Outcome, Results, environment, maker, render_html
from imgcomp.stages import RunFolder, Runner, Stage, default_jobs, listener_for
from imgcomp.stages.graph import plan
from imgcomp.training import StopToken
from imgcomp.training.event_files import require_tensorboard

_GPU_JOBS = 4


@dataclass(frozen=True)
class Reproduction:
    """A finished run.

    Attributes:
        results: The content of ``results.json``; see `imgcomp.report.Results`. Empty where only
            some stages were asked for.
        folder: Where everything lies.
        report: The HTML page; None where only some stages were asked for.
    """

    results: dict[str, Any]
    folder: Path
    report: Path | None


def reproduce(
    paper: str,
    *,
    scale: str = "quick",
    seeds: int | Sequence[int] | None = None,
    out: str | Path | None = None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    precision: str = "fp32",
    settings: Mapping[str, object] | None = None,
    resume: bool = False,
    jobs: int | None = None,
    offline: bool | None = None,
    progress: str | bool = "auto",
    stop: StopToken | None = None,
    tensorboard: bool = False,
    only: Sequence[str] = (),
) -> Reproduction:
    """Rerun a paper's experiments and write the report.

    Args:
        paper: Its name; see `imgcomp.papers.names`.
        scale: ``smoke`` (does everything run?), ``quick`` (minutes), ``paper`` (as published).
        seeds: How many seeds (0, 1, …), or which; by default as the paper's module says.
        out: The folder to write; ``runs/PAPER-SCALE`` by default. A folder that holds something
            other than a run of this paper is refused.
        data: A data set other than the paper's; its split sizes shrink in proportion.
        data_dir: Where the data sets lie.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``fp32``, ``bf16`` or ``auto``.
        settings: Changed settings by key.
        resume: Go on with what is in `out`; otherwise an earlier run there is removed.
        jobs: Stages that run side by side; no influence on results. By default one per core,
            on a GPU at most four.
        offline: Never download data.
        progress: ``"auto"``, True or False.
        stop: Set it from another thread to stop the run.
        tensorboard: Also write every training's history as event files for TensorBoard, into
            ``tensorboard/`` beside the report; needs the package tensorboard.
        only: Labels of stages, such as ``train/cnn/seed0``, with ``*`` for anything: these alone
            are computed, with all that they need, and no report is written. A later call with
            `resume` goes on from there.

    Raises:
        UsageError: a setting, folder or device that does not fit, or there is no such stage.
        DatasetError: the data are not to be had.
        StageError: a stage failed.
        KeyboardInterrupt: stopped; with `resume` the next call goes on from there.
    """
    from imgcomp import papers

    begin = time.perf_counter()
    declared = papers.get(paper)
    checked = _scale(scale)
    values = resolve(declared.options, checked, settings)
    numbers = _seeds(seeds, declared.seeds[checked])
    place = _device(device)
    if precision not in ("fp32", "bf16", "auto"):
        raise UsageError(f"precision: expected fp32, bf16 or auto, got '{precision}'")
    if jobs is None:
        # On a GPU each stage has a stream; few are enough to fill it.
        jobs = default_jobs() if place == "cpu" else min(_GPU_JOBS, default_jobs())
    if jobs < 1:
        raise UsageError(f"jobs: expected at least 1, got {jobs}")
    if tensorboard:  # not only found missing after hours of training
        require_tensorboard()
    folder = RunFolder(Path(out) if out is not None else Path("runs") / f"{paper}-{scale}", paper)

    with folder.locked():
        run = Run(
            checked,
            numbers,
            values,
            _dataset(data or declared.dataset, data_dir, offline),
            place,
            precision,
            declared.threads,
            data_dir,
            offline,
        )
        request = {
            "scale": scale,
            "seeds": list(numbers),
            "data": run.dataset.name,
            "device": place,
            "precision": precision,
            "settings": dict(values),
        }
        stages = declared.stages(run)
        if only:  # looked up before an earlier run is removed
            stages = _chosen(stages, only)
        folder.prepare(resume=resume, request=request)
        surroundings = environment(run.device)
        with listener_for(progress, f"{paper}, {scale}") as listener:
            runner = Runner(
                folder.path,
                jobs=jobs,
                threads=run.threads,
                stop=stop,
                listener=listener,
                made_with=maker(surroundings),
            )
            with warnings.catch_warnings():
                # The report names collapsed networks; a sweep may well contain some.
                warnings.simplefilter("ignore", CollapsedOutputWarning)
                artifacts = runner.run(stages)
        if tensorboard:
            write_event_files(folder.path / "tensorboard", artifacts)
        if only:
            return Reproduction({}, folder.path, None)
        outcome = declared.conclude(run, artifacts)
        timings = {
            "total_seconds": time.perf_counter() - begin,
            "jobs": jobs,
            "threads": run.threads,
            "stages": {label: round(value, 3) for label, value in artifacts.seconds().items()},
            "made_with": artifacts.made_with(),
        }
        return _write(folder.path, declared, run, outcome, timings, surroundings)


def _chosen(stages: Sequence[Stage], patterns: Sequence[str]) -> list[Stage]:
    """Those whose labels fit one of the patterns; all that are computed count."""
    known = {node.label: node for node in [*plan(stages), *stages]}
    found: dict[str, Stage] = {}
    for pattern in patterns:
        fitting = fnmatch.filter(known, pattern)
        if not fitting:
            raise UsageError(
                f"only: there is no stage '{pattern}'; there are {', '.join(sorted(known))}"
            )
        found |= {label: known[label] for label in fitting}
    return list(found.values())


def _draw(
    folder: Path, outcome: Outcome
) -> tuple[dict[str, tuple[str, bytes]], dict[str, list[str]]]:
    """Draw and write the figures: what the page embeds, and the files' names, by figure."""
    from imgcomp.plots import render, style

    images: dict[str, tuple[str, bytes]] = {}
    files: dict[str, list[str]] = {}
    for figure in outcome.figures:
        with style():
            drawn = figure.draw()
            contents = {form: render(drawn, form, name=figure.id) for form in ("png", "svg")}
        files[figure.id] = [f"figures/{figure.id}.{form}" for form in contents]
        for form, raw in contents.items():
            write_bytes_atomically(folder / "figures" / f"{figure.id}.{form}", raw)
        mime = {"png": "image/png", "svg": "image/svg+xml"}[figure.inline]
        images[figure.id] = (mime, contents[figure.inline])
    return images, files


def _write(
    folder: Path,
    paper: Paper,
    run: Run,
    outcome: Outcome,
    timings: dict[str, Any],
    surroundings: dict[str, Any],
) -> Reproduction:
    """Draw the figures, then write them, results.json and the report."""
    images, files = _draw(folder, outcome)
    settings: Settings = run.settings
    results = Results(
        paper=paper.name,
        title=paper.title,
        reference=paper.reference,
        scale=run.scale,
        seeds=run.seeds,
        dataset={
            "name": run.dataset.name,
            "name_in_paper": paper.dataset,
            "classes": list(run.dataset.classes),
            "image_shape": list(run.dataset.image_shape),
            "train": len(run.dataset.train),
            "test": len(run.dataset.test),
            "fingerprint_train": run.dataset.train.fingerprint,
            "fingerprint_test": run.dataset.test.fingerprint,
        },
        configuration={
            **{key: list(v) if isinstance(v, tuple) else v for key, v in settings.items()},
            "precision": run.precision,
        },
        choices=[*settings.choices(), *outcome.choices],
        environment=surroundings,
        timings=timings,
        outcome=outcome,
        figure_files=files,
    )
    content = results.to_dict()
    text = results.to_json()
    report = folder / "report.html"
    write_text_atomically(report, render_html(content, images))
    write_text_atomically(folder / "results.json", text)
    return Reproduction(content, folder, report)


def _scale(scale: str) -> Scale:
    for known in SCALES:
        if scale == known:
            return known
    raise UsageError(f"scale: expected {', '.join(SCALES)}, got '{scale}'")


def _seeds(seeds: int | Sequence[int] | None, default: int) -> tuple[int, ...]:
    if seeds is None:
        seeds = default
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not numbers or len(set(numbers)) != len(numbers) or min(numbers) < 0:
        raise UsageError(f"seeds: expected at least one, different and not negative, got {seeds}")
    return numbers


def _device(device: str) -> str:
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device: expected auto, cpu or cuda, got '{device}'")
    import imgcomp

    kernels = bool(imgcomp.build_config()["cuda"]["kernels"])
    if device == "cuda":
        if not torch.cuda.is_available():
            raise UsageError("device: cuda was asked for, but torch finds no usable CUDA device")
        if not kernels:
            raise UsageError(
                "device: cuda was asked for, but imgcomp was built without CUDA kernels"
            )
    if device == "auto":
        return "cuda" if torch.cuda.is_available() and kernels else "cpu"
    return device


def _dataset(name: str, data_dir: str | Path | None, offline: bool | None) -> Any:
    from imgcomp import datasets

    return datasets.load(name, data_dir, offline=offline)
