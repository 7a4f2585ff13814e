"""Figures for reports and notebooks in one style: curves, image grids, bars.

Matplotlib is imported when something is drawn, not before.
"""

from imgcomp.plots.bars import Bar, draw_bars
from imgcomp.plots.curves import Series, draw_curves, plot_history
from imgcomp.plots.grids import Panel, draw_panels, tile
from imgcomp.plots.style import COLORS, DPI, MARKERS, PALETTE, new_figure, render, style

__all__ = [
    "COLORS",
    "DPI",
    "MARKERS",
    "PALETTE",
    "Bar",
    "Panel",
    "Series",
    "draw_bars",
    "draw_curves",
    "draw_panels",
    "new_figure",
    "plot_history",
    "render",
    "style",
    "tile",
]
