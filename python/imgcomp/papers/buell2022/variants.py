"""buell2022: what was run beyond the paper, each run beside the one that it varies."""

from __future__ import annotations

from dataclasses import dataclass

from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.experiment import (
    EXTRA_DATA,
    chosen_cases,
    chosen_orders,
    other_fit_on,
)
from imgcomp.papers.buell2022.numbers import Numbers
from imgcomp.papers.statistics import Paired


@dataclass(frozen=True)
class Variant:
    """A training and the one that differs from it in one thing, over the same seeds.

    Attributes:
        group: ``order``, ``scaling`` or ``stored``.
        text: What differs.
        case: Name of the case.
        name: Of the training.
        scores: Its F1 on the test images, shares.
        reference: Those of the unchanged training.
        paired: The differences, in points of F1.
    """

    group: str
    text: str
    case: str
    name: str
    scores: list[float]
    reference: list[float]
    paired: Paired


def variants(numbers: Numbers) -> list[Variant]:
    """Orders of the spline, the other scaling, and pooled images rounded to bytes."""
    run = numbers.run
    wanted: list[tuple[str, str, str, str]] = [
        ("order", f"spline of order {order}", case, f"order{order}-{case}")
        for case in chosen_cases(run, "order_cases")
        for order in chosen_orders(run)
    ]
    images = {"train": "the training images alone", "all": "all images"}[other_fit_on(run)]
    wanted += [
        ("scaling", f"scaling computed from {images}", case, f"scaling-{case}") for case in CASES
    ]
    wanted += [
        ("stored", "pooled images rounded to bytes", case, f"stored-{case}") for case in POOLED
    ]
    found = []
    for group, text, case, name in wanted:
        seeds = numbers.repeats(f"{group}_repeats")
        if seeds:
            found.append(
                Variant(
                    group,
                    text,
                    case,
                    name,
                    numbers.scores(name, seeds=seeds),
                    numbers.scores(case, seeds=seeds),
                    numbers.against_baseline(name, case, seeds),
                )
            )
    return found


@dataclass(frozen=True)
class DataRow:
    """A case on a data set.

    Attributes:
        dataset: For people.
        case: Name of the case.
        scores: F1 on the test images, shares.
        accuracy: Share of the test images judged right, one number per repeat.
        paired: Differences from the same data set's baseline in points of F1; None for itself.
    """

    dataset: str
    case: str
    scores: list[float]
    accuracy: list[float]
    paired: Paired | None


def data_rows(numbers: Numbers) -> list[DataRow]:
    """Every case on the run's own data set and on the others; empty where no other was run."""
    seeds = numbers.repeats("data_repeats")
    if not seeds or not numbers.extra_data:
        return []
    own = numbers.run.dataset.name
    names = {"mnist": "MNIST", **EXTRA_DATA}
    found = []
    for dataset in (own, *numbers.extra_data):
        prefix = "" if dataset == own else f"{dataset}-"
        for case in CASES:
            gaps = None
            if case != "baseline":
                gaps = numbers.against_baseline(f"{prefix}{case}", f"{prefix}baseline", seeds)
            found.append(
                DataRow(
                    names.get(dataset, dataset),
                    case,
                    numbers.scores(f"{prefix}{case}", seeds=seeds),
                    numbers.scores(f"{prefix}{case}", "accuracy", seeds),
                    gaps,
                )
            )
    return found
