"""Figures of a comparison."""

from __future__ import annotations

from matplotlib import pyplot as plt
from rd_tools import made_up

from imgcomp.plots import style
from imgcomp.rd.figures import drawings
from imgcomp.rd.results import line_record


def results(names):
    qualities = {name: [20.0, 30.0, 40.0] for name in ("psnr", "mse")}
    qualities |= {"ssim": [0.7, 0.8, 0.9], "ms_ssim": [0.8, 0.9, 0.95]}
    lines = [line_record(made_up(name, [1.0, 2.0, 3.0], qualities)) for name in names]
    return {"lines": lines, "originals_accuracy": None, "ms_ssim": "adaptive"}


def drawn(names):
    """The figure of PSNR, and the columns of its legend."""
    (drawing,) = [each for each in drawings(results(names)) if each.id == "rate-psnr"]
    with style():
        figure = drawing.draw()
    figure.canvas.draw()
    return figure, figure.legends[0]


def test_the_legend_has_as_many_columns_as_fit():
    for names, columns in (
        (["one"], 1),
        ([f"rival {number}" for number in range(7)], 5),
        ([f"a network whose name is rather a long one {number}" for number in range(7)], 2),
        (["x" * 300, "y"], 1),
    ):
        figure, legend = drawn(names)
        assert legend._ncols == columns, names
        assert [text.get_text() for text in legend.get_texts()] == [n.upper() for n in names]
        if columns > 1:
            assert legend.get_window_extent().width <= figure.bbox.width
        plt.close(figure)
