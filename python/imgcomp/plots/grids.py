"""Grids of small images: one tile of many images, and rows and columns of such tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor


def tile(images: Tensor, columns: int = 8, gap: int = 2) -> NDArray[np.uint8]:
    """Lay images out as one picture on white.

    Args:
        images: uint8, (N, C, H, W) with C 1 or 3.
        columns: Images in a row.
        gap: Pixels between them.

    Returns:
        uint8, (height, width) or (height, width, 3).
    """
    array = np.asarray(images)
    count, channels, height, width = array.shape
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    canvas = np.full(shape, 255, dtype=np.uint8)
    for index, image in enumerate(array):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return canvas[..., 0] if channels == 1 else canvas


@dataclass(frozen=True)
class Panel:
    """One tile in a figure.

    Attributes:
        images: uint8, (N, C, H, W).
        note: Below it, such as a figure of merit; one or two lines.
    """

    images: Tensor
    note: str = ""


def draw_panels(
    panels: Sequence[Sequence[Panel | None]],
    *,
    row_names: Sequence[str],
    column_names: Sequence[str],
    columns: int = 8,
    size: float = 2.1,
) -> Figure:
    """A figure with rows and columns of tiles.

    Args:
        panels: Rows of panels; None leaves a place empty.
        row_names: At the left of each row.
        column_names: Above each column.
        columns: Images in a row of one tile.
        size: Width of one tile in inches.
    """
    from imgcomp.plots.style import new_figure

    first = next(panel for row in panels for panel in row if panel is not None)
    height, width = tile(first.images, columns).shape[:2]
    notes = [panel.note for row in panels for panel in row if panel is not None]
    lines = max(len(note.split("\n")) for note in notes)
    figure, axes = new_figure(
        0.3 + len(column_names) * (size + 0.1),
        0.25 + len(row_names) * (size * height / width + 0.15 + 0.13 * lines),
        len(row_names),
        len(column_names),
    )
    for index, place in enumerate(axes):
        row, column = divmod(index, len(column_names))
        panel = panels[row][column]
        place.set_axis_off()
        if row == 0:
            place.set_title(column_names[column], loc="center", fontsize=9)
        if column == 0:
            place.text(
                -0.04,
                0.5,
                row_names[row],
                transform=place.transAxes,
                rotation=90,
                ha="right",
                va="center",
                fontsize=9,
                fontweight="bold",
            )
        if panel is None:
            continue
        picture = tile(panel.images, columns)
        place.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        if panel.note:
            # In points, so that the distance is the same below tiles of any height.
            place.annotate(
                panel.note,
                (0.5, 0.0),
                xycoords="axes fraction",
                xytext=(0, -4),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=7.5,
                color="#333333",
            )
    return figure
