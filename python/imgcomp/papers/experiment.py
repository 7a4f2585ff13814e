"""What a paper's module gives, and what it is given: `Paper` and `Run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imgcomp.papers.settings import Option, Scale, Settings
from imgcomp.report import Outcome
from imgcomp.stages import Artifacts, Stage

if TYPE_CHECKING:
    from imgcomp.datasets import Dataset


@dataclass(frozen=True)
class Run:
    """One reproduction as it was asked for.

    Attributes:
        scale: ``smoke``, ``quick`` or ``paper``.
        seeds: Every experiment runs once per seed.
        settings: The values of the paper's options.
        dataset: The images.
        device: ``cpu`` or ``cuda``.
        precision: ``fp32``, ``bf16`` or ``auto``, as `imgcomp.FitConfig` takes it.
        threads: Threads of each training.
        data_dir: Where further data sets lie, as `imgcomp.datasets.load` takes it.
        offline: Never download further data sets.
    """

    scale: Scale
    seeds: tuple[int, ...]
    settings: Settings
    dataset: Dataset
    device: str
    precision: str
    threads: int
    data_dir: str | Path | None = None
    offline: bool | None = None


@dataclass(frozen=True)
class Paper:
    """An experiment: specs, stages, claims and figures of one paper.

    Attributes:
        name: As on the command line.
        title: Of the paper.
        reference: Authors, venue, year.
        dataset: Name of the data set that the paper uses.
        seeds: How many seeds each scale runs by default.
        options: The settings.
        stages: Declares the stages whose artifacts `conclude` reads.
        conclude: Judges the claims and makes tables and figures from artifacts, by stage label.
        threads: Threads of each stage; papers of many independent trainings leave it at 1.
    """

    name: str
    title: str
    reference: str
    dataset: str
    seeds: Mapping[Scale, int]
    options: Sequence[Option]
    stages: Callable[[Run], Sequence[Stage]] = field(repr=False)
    conclude: Callable[[Run, Artifacts], Outcome] = field(repr=False)
    threads: int = 1


def scaled_epoch(paper_epoch: int, paper_epochs: int, epochs: int) -> int:
    """The epoch of a shorter (or longer) training that stands for one of the paper's.

    The first stays the first, the last the last, others keep their place in proportion.

    Args:
        paper_epoch: The paper's epoch, 1-based.
        paper_epochs: How many the paper trains.
        epochs: How many are trained here.
    """
    if paper_epoch == 1:
        return 1
    return max(1, round(paper_epoch * epochs / paper_epochs))
