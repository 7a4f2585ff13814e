"""Figures of a comparison."""

from __future__ import annotations

from matplotlib import pyplot as plt
from rd_tools import made_up

from imgcomp.plots import style
from imgcomp.rd.figures import drawings, looks
from imgcomp.rd.results import line_record


def results(names):
    qualities = {name: [20.0, 30.0, 40.0] for name in ("psnr", "mse")}
    qualities |= {"ssim": [0.7, 0.8, 0.9], "ms_ssim": [0.8, 0.9, 0.95]}
    lines = [line_record(made_up(name, [1.0, 2.0, 3.0], qualities)) for name in names]
    data = {"image_shape": [1, 2, 4]}
    return {"lines": lines, "originals_accuracy": None, "ms_ssim": "adaptive", "data": data}


def line(name, family, *, ours=False):
    return {"name": name, "family": family, "ours": ours}


def test_lines_are_told_apart():
    lines = [line("house", "house", ours=True), line("house-x", "house-x", ours=True),
             line("jpeg-444", "jpeg"), line("jpeg-420", "jpeg"), line("webp", "webp"),
             line("feng2018-cnn", "feng2018"), line("donis2020-fast", "donis2020")]  # fmt: skip
    found = looks(lines)
    styles = [tuple(look.values()) for look in found.values()]
    assert len(set(styles)) == len(lines)
    assert found["jpeg-444"]["color"] == found["jpeg-420"]["color"] != found["webp"]["color"]
    assert found["jpeg-444"]["marker"] == found["jpeg-420"]["marker"] != found["webp"]["marker"]
    assert found["house"]["color"] == found["house-x"]["color"] == "#0072B2"
    assert found["house"]["marker"] != found["house-x"]["marker"]
    assert found["feng2018-cnn"]["color"] == found["donis2020-fast"]["color"] == "#000000"


def test_rates_end_where_the_images_do():
    many = results(["x"])
    many["lines"][0]["points"][-1]["bpp"] = dict.fromkeys(("file", "payload", "mosaic"), 100.0)
    (drawing,) = [each for each in drawings(many) if each.id == "rate-psnr"]
    with style():
        figure = drawing.draw()
    assert [place.get_xlim()[1] for place in figure.axes] == [8.0] * 3
    plt.close(figure)


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
