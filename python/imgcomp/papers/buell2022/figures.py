"""buell2022: the report's figures with their captions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from imgcomp.papers.buell2022 import drawings, drawings_beyond
from imgcomp.papers.buell2022.cases import CASES, POOLED
from imgcomp.papers.buell2022.claims import TEST_MARGIN
from imgcomp.papers.buell2022.numbers import Numbers
from imgcomp.papers.buell2022.variants import data_rows, variants
from imgcomp.report import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

_DOTS = "Dots: single repeats; symbols: their means with 95 % intervals."


def figures(numbers: Numbers) -> list[Figure]:
    """The report's figures."""
    return [*_images(numbers), *_training(numbers), *_testing(numbers), *_beyond(numbers)]


def _images(numbers: Numbers) -> list[Figure]:
    return [
        Figure(
            f"figure{number}",
            f"{CASES[case].text}: original, pooled, interpolated (the paper’s Figure {number})",
            f"An image of each class, averaged over {CASES[case].window}×{CASES[case].window} "
            f"pixels every {CASES[case].step}, and interpolated back. Below: what the network "
            "gets, where every pixel was scaled first to mean 0 and deviation 1 over all images; "
            "−2 is shown black, +4 white.",
            partial(drawings.digits, numbers, case),
            inline="png",
        )
        for number, case in enumerate(POOLED, start=2)
    ]


def _training(numbers: Numbers) -> list[Figure]:
    repeats = len(numbers.seeds)
    lines = f"means over {repeats} repeats" if repeats > 1 else "one repeat"
    caption = (
        "What Keras shows after each batch of the first epoch: the mean since the epoch’s "
        f"beginning. Lines: {lines}. Circles: the published means of 10 runs, which trained on "
        "56,000 images. Right: each case minus the baseline, over the logarithm of the batch."
    )
    found = [
        Figure(
            f"figure{number}",
            f"{title} of all cases while training (the paper’s Figure {number})",
            f"{caption} Ours are scaled as the text says; the published runs were not."
            if numbers.unscaled
            else caption,
            partial(drawings.training_curve, numbers, curve),
        )
        for number, (curve, (title, _)) in enumerate(drawings.CURVES.items(), start=6)
    ]
    if numbers.unscaled:
        found += [
            Figure(
                f"unscaled_{curve}",
                f"{title} of all cases on unscaled bytes",
                f"{caption} Ours here are on unscaled bytes, as the published runs.",
                partial(drawings.training_curve, numbers, curve, "unscaled-"),
            )
            for curve, (title, _) in drawings.CURVES.items()
            if curve in ("loss", "f1")
        ]
    return found


def _testing(numbers: Numbers) -> list[Figure]:
    words = {"precision": "precision", "recall": "recall", "f1": "F1"}
    found = [
        Figure(
            f"figure{number}",
            f"Macro {words[score]} on the test images (the paper’s Figure {number})",
            f"Left, on the whole axis as in the paper: our means; diamonds: the published ones. "
            f"Right, magnified: {_DOTS[0].lower()}{_DOTS[1:]}",
            partial(drawings.test_bars, numbers, score),
        )
        for number, score in enumerate(words, start=10)
    ]
    return [
        *found,
        Figure(
            "distributions",
            "Our runs’ F1 and the published ones’ as distributions",
            "Share of the runs whose macro F1 is at most the value below; last: difference of "
            "the means with Welch’s 95 % interval.",
            partial(drawings.distributions, numbers),
        ),
        Figure(
            "paired",
            "Does a case differ from the baseline?",
            f"{_DOTS} Ours are paired by split and initial weights, the published runs by their "
            f"number. Grey: ±{TEST_MARGIN:g} points, what counts as little.",
            partial(drawings.against_baseline, numbers),
        ),
    ]


def _beyond(numbers: Numbers) -> list[Figure]:
    found = []

    def add(
        name: str,
        title: str,
        caption: str,
        draw: Callable[[Numbers], MatplotlibFigure],
        inline: str = "svg",
    ) -> None:
        found.append(Figure(name, title, caption, partial(draw, numbers), inline=inline))

    if numbers.long_runs():
        repeats = len(numbers.repeats("long_repeats"))
        spread = f"means over {repeats} repeats, bands their range" if repeats > 1 else "one repeat"
        add(
            "longer",
            "Longer training: where does the difference go?",
            f"Macro F1 on the test images after each epoch; {spread}.",
            drawings_beyond.longer,
        )
    add(
        "orders",
        "The orders of the spline",
        "Order 0 repeats the nearest value, 1 is the paper’s. Values outside of a byte’s range, "
        "which orders 3 and 5 make, are cut for show.",
        drawings_beyond.orders,
        "png",
    )
    if variants(numbers):
        add(
            "variants",
            "One thing changed",
            f"{_DOTS} Paired over the same splits and initial weights.",
            drawings_beyond.changed,
        )
    if data_rows(numbers):
        add(
            "data_sets",
            "Other data sets",
            f"The same experiment. {_DOTS} Right: paired over the same splits and weights.",
            drawings_beyond.data_sets,
        )
    return found
