"""toderici2017: progressive decoding: one column for each number of iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgcomp.papers.toderici2017.experiment import CROPPED, Variant
from imgcomp.papers.toderici2017.numbers import Numbers
from imgcomp.papers.toderici2017.stages import shown_iterations
from imgcomp.plots import Panel, draw_panels
from imgcomp.report import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


def pictures(numbers: Numbers) -> list[Figure]:
    """The figures of progressive decoding, of the first seed."""
    best = numbers.best("images", "ms_ssim")
    seed = f"seed {numbers.first}"
    found = [
        Figure(
            "progressive_images",
            "Progressive decoding of test images",
            f"The first test images, {best.text} (the network with the largest area under "
            f"MS-SSIM), {seed}.",
            lambda: _images(numbers, best),
            inline="png",
        ),
        Figure(
            "progressive_networks",
            "Progressive decoding by every network",
            f"The same test images in all rows, {seed}.",
            lambda: _networks(numbers),
            inline="png",
        ),
    ]
    if numbers.with_photographs:
        best_there = numbers.best("photographs", "ms_ssim")
        found.append(
            Figure(
                "progressive_photographs",
                "Progressive decoding of photographs",
                f"Parts around the centre of the first photographs, {best_there.text} (the network "
                f"with the largest area under MS-SSIM), {seed}: put together from tiles of 32×32, "
                "and below as they come back from the photograph as a whole, in as many bits.",
                lambda: _photographs(numbers, best_there),
                inline="png",
            )
        )
    return found


def _columns(numbers: Numbers) -> list[str]:
    rates = numbers.rates()
    heads = []
    for iteration in shown_iterations(len(rates)):
        plural = "s" if iteration > 1 else ""
        heads.append(f"{iteration} iteration{plural}\n{rates[iteration - 1]:g} bit/pixel")
    return ["original\n24 bit/pixel", *heads]


def _names(numbers: Numbers) -> list[str]:
    places = shown_iterations(numbers.iterations())
    return ["original", *(f"iteration-{iteration:02d}" for iteration in places)]


def _images(numbers: Numbers, variant: Variant) -> MatplotlibFigure:
    columns = [numbers.pictures(variant, name) for name in _names(numbers)]
    rows = [[Panel(images[at : at + 1]) for images in columns] for at in range(len(columns[0]))]
    return draw_panels(
        rows,
        row_names=[""] * len(rows),
        column_names=_columns(numbers),
        columns=1,
        size=1.1,
    )


def _networks(numbers: Numbers) -> MatplotlibFigure:
    rows = [
        [Panel(numbers.pictures(one, name)[:4]) for name in _names(numbers)]
        for one in numbers.variants
    ]
    return draw_panels(
        rows,
        row_names=[one.text.replace(", ", ",\n") for one in numbers.variants],
        column_names=_columns(numbers),
        columns=2,
        size=1.2,
    )


def _photographs(numbers: Numbers, variant: Variant) -> MatplotlibFigure:
    data = numbers.data("photographs", variant)
    rows, names = [], []
    for place in range(min(CROPPED, len(data["pixels"]))):
        original = numbers.pictures(variant, f"original-{place}", "photographs")
        for kind in ("tiles", "whole"):
            parts = numbers.pictures(variant, f"{kind}-{place}", "photographs")
            rows.append(
                [Panel(original[None]), *(Panel(parts[at : at + 1]) for at in range(len(parts)))]
            )
            names.append({"tiles": "in tiles", "whole": "as a whole"}[kind])
    return draw_panels(rows, row_names=names, column_names=_columns(numbers), columns=1, size=1.9)
