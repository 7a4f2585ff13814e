"""Figures: pixels where they belong, the same bytes twice, nothing left behind in matplotlib."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from imgcomp.plots import (
    Bar,
    Panel,
    Series,
    draw_bars,
    draw_curves,
    draw_panels,
    new_figure,
    render,
    style,
    tile,
)


def test_tile_lays_images_out_row_by_row_on_white() -> None:
    images = torch.arange(3, dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 1, 2, 2) * 10
    picture = tile(images, columns=2, gap=1)
    assert picture.tolist() == [
        [0, 0, 255, 10, 10],
        [0, 0, 255, 10, 10],
        [255, 255, 255, 255, 255],
        [20, 20, 255, 255, 255],
        [20, 20, 255, 255, 255],
    ]


def test_tile_keeps_colours() -> None:
    image = torch.tensor([1, 2, 3], dtype=torch.uint8).reshape(1, 3, 1, 1)
    assert tile(image).shape == (1, 8 * 3 - 2, 3)
    assert tile(image)[0, 0].tolist() == [1, 2, 3]


def curves() -> Figure:
    figure, (axes,) = new_figure(4, 3)
    draw_curves(
        axes,
        [
            Series("one", [1, 2, 3], [[3.0, 2.0, 1.0], [5.0, 4.0, 3.0]]),
            Series("two", [1, 2, 3], [1.0, np.nan, 2.0], look=1, marker="s"),
        ],
        title="Loss",
        x_label="epoch",
        y_label="loss",
        y_scale="log",
        levels=[("floor", 0.5)],
    )
    return figure


def test_curves_show_mean_range_names_and_levels() -> None:
    (axes,) = curves().axes
    assert axes.get_lines()[0].get_ydata().tolist() == [4.0, 3.0, 2.0]
    (band,) = axes.collections
    assert band.get_datalim(axes.transData).bounds == (1.0, 1.0, 2.0, 4.0)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]
    assert "floor" in [text.get_text() for text in axes.texts]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("epoch", "loss", "log")


def bars() -> Figure:
    figure, (axes,) = new_figure(4, 2)
    draw_bars(
        axes,
        [Bar("a", 80.0, std=1.0, paper=81.0, group="x"), Bar("b", 70.0, group="y")],
        title="Accuracy",
        label="%",
    )
    return figure


def test_bars_have_their_lengths_and_numbers() -> None:
    (axes,) = bars().axes
    widths = [patch.get_width() for patch in axes.patches]  # type: ignore[attr-defined]
    assert widths == [80.0, 70.0]
    assert [text.get_text() for text in axes.texts] == ["80.0", "70.0"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]


def test_bars_with_dots_have_room_for_them() -> None:
    figure, (axes,) = new_figure(4, 2)
    draw_bars(axes, [Bar("a", 2.0, points=(1.0, 3.0))], title="Areas", label="bits")
    (dots,) = axes.lines
    assert list(dots.get_xdata()) == [1.0, 3.0]
    assert axes.get_xlim()[1] > 3.0
    assert figure is not None


def panels() -> Figure:
    images = torch.zeros(4, 1, 5, 5, dtype=torch.uint8)
    return draw_panels(
        [[Panel(images, "note"), None], [Panel(images), Panel(images)]],
        row_names=["r1", "r2"],
        column_names=["c1", "c2"],
        columns=2,
    )


@pytest.mark.parametrize("make", [curves, bars, panels])
@pytest.mark.parametrize("form", ["svg", "png"])
def test_files_are_the_same_each_time(make: object, form: str) -> None:
    def once() -> bytes:
        with style():
            return render(make(), form, name="figure")  # type: ignore[operator]

    first = once()
    assert first == once()
    if form == "svg":
        assert b"<svg" in first
        assert b"dc:date" not in first
    else:
        assert min(Image.open(io.BytesIO(first)).size) > 100


def test_style_ends_with_its_block() -> None:
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["axes.spines.top"] is False
    assert dict(mpl.rcParams) == before
