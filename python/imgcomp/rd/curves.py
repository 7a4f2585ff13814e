"""The curves of all lines, and those of images that are drawn anew, each made once."""

from __future__ import annotations

from collections.abc import Sequence

from imgcomp.rd import bd
from imgcomp.rd.found import SIZES, WHOLE, Found
from imgcomp.rd.scales import SCALES

BOOTSTRAP = 200


class Curves:
    """Rate over quality for every line with a loss.

    Attributes:
        ours: those of the package.
        rivals: the others.
        sizes: ways of counting that some line has.
        measures: names of `SCALES` that some line has.
        repeats: draws of images.
    """

    def __init__(self, every: Sequence[Found], *, repeats: int = BOOTSTRAP, seed: int = 0) -> None:
        """Makes no curve yet.

        Args:
            every: all lines; those without loss are left out.
            repeats: how often images are drawn anew, for intervals.
            seed: of the draws.
        """
        lossy = [found for found in every if not found.line.lossless]
        self.ours = [found for found in lossy if found.line.ours]
        self.rivals = [found for found in lossy if not found.line.ours]
        self.sizes = [*SIZES, *([WHOLE] if any(found.whole for found in lossy) else [])]
        self.measures = [
            name for name in SCALES if any(found.knows(SIZES[0], name) for found in lossy)
        ]
        self.repeats = repeats
        self._seed = seed
        self._found: dict[tuple[str, str, str, int | None], bd.Curve] = {}
        self._drawn: dict[tuple[str, str, str, int | None], list[bd.Curve]] = {}
        self._draws: dict[int, bd.Values] = {}

    @property
    def lossy(self) -> list[Found]:
        """All lines, those of the package first."""
        return [*self.ours, *self.rivals]

    def known(self, some: Sequence[Found], size: str, measure: str) -> list[Found]:
        """Those lines that have such a curve."""
        return [found for found in some if found.knows(size, measure)]

    def of(self, found: Found, size: str, measure: str, shared_by: int | None = None) -> bd.Curve:
        """The curve of a line.

        Args:
            found: which.
            size: one of `sizes`.
            measure: one of `SCALES`.
            shared_by: as of `Found.rates`.
        """
        key = (found.line.name, size, measure, shared_by)
        if key not in self._found:
            qualities = found.qualities(size, measure).mean(1).numpy()
            self._found[key] = bd.Curve(
                found.rates(size, shared_by).mean(1).numpy(), SCALES[measure].scaled(qualities)
            )
        return self._found[key]

    def drawn(
        self, found: Found, size: str, measure: str, shared_by: int | None = None
    ) -> list[bd.Curve]:
        """The line's curve for each draw of images, the same images for all lines."""
        key = (found.line.name, size, measure, shared_by)
        if key not in self._drawn:
            rates = found.rates(size, shared_by).numpy()
            self._drawn[key] = bd.resampled(
                rates,
                found.qualities(size, measure).numpy(),
                self.draws(rates.shape[1]),
                SCALES[measure].scaled,
            )
        return self._drawn[key]

    def draws(self, count: int) -> bd.Values:
        """The draws of so many images, see `imgcomp.rd.bd.draws`."""
        if count not in self._draws:
            self._draws[count] = bd.draws(count, self.repeats, self._seed)
        return self._draws[count]
