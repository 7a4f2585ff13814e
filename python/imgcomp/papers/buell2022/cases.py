"""buell2022: the baseline and the four cases, and what is done to the images in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One way to shrink the images.

    Attributes:
        name: For people.
        window: Side of the square that is averaged, in pixels; 0 where nothing is.
        step: From one square to the next, in pixels.
    """

    name: str
    window: int = 0
    step: int = 0

    @property
    def pools(self) -> bool:
        """Whether images are shrunk at all."""
        return self.window > 0

    @property
    def text(self) -> str:
        """The name with window and step."""
        return f"{self.name} ({self.window}/{self.step})" if self.pools else self.name

    def side(self, side: int) -> int:
        """What remains of a side of that many pixels."""
        return (side - self.window) // self.step + 1 if self.pools else side

    def exact_bits(self) -> int:
        """Bits that hold the mean of `window`² bytes without loss."""
        return (255 * max(1, self.window) ** 2).bit_length()


CASES: dict[str, Case] = {
    "baseline": Case("Baseline"),
    "cs1": Case("Case 1", 2, 1),
    "cs2": Case("Case 2", 2, 2),
    "cs3": Case("Case 3", 3, 1),
    "cs4": Case("Case 4", 3, 2),
}
POOLED = tuple(name for name, case in CASES.items() if case.pools)


def recipe(
    name: str,
    *,
    order: int = 1,
    fit_on: str = "all",
    stored: str = "float",
    scaling: str = "standard",
) -> dict[str, Any]:
    """What is done to a case's images, as JSON for a stage's configuration.

    Args:
        name: Of the case.
        order: Of the spline.
        fit_on: ``all`` or ``train``: the images that the scaling is computed from.
        stored: ``float``: scaled, pooled and interpolated without rounding, as in the paper;
            ``8bit``: pooled images are rounded to bytes first, as a file would hold them.
        scaling: ``standard``: every pixel to mean 0 and deviation 1; ``none``: 0 to 255 as it is.
    """
    case = CASES[name]
    scaled: dict[str, Any] = {"scaling": scaling}
    if scaling == "standard":
        scaled["fit_on"] = fit_on
    if not case.pools:
        return scaled
    return {
        **scaled,
        "window": case.window,
        "step": case.step,
        "order": order,
        "stored": stored,
    }
