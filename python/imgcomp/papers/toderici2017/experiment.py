"""toderici2017: every network with every seed, and what is measured of it."""

from __future__ import annotations

from dataclasses import dataclass

from imgcomp.papers.code_bytes import code_bytes, image_bytes
from imgcomp.papers.common import train
from imgcomp.papers.experiment import Run
from imgcomp.papers.toderici2017.data import Images, network_config
from imgcomp.papers.toderici2017.options import CELLS, RECONSTRUCTIONS
from imgcomp.papers.toderici2017.peers import peers
from imgcomp.papers.toderici2017.stages import measure_images, measure_photographs, shown_iterations
from imgcomp.stages import Stage

SHOWN = 6
"""Test images kept of every network."""
CROP = 256
"""Pixels of a side of the part of a photograph that is kept."""
CROPPED = 2
"""Photographs of which a part is kept."""


@dataclass(frozen=True)
class Variant:
    """One of the networks that are compared.

    Attributes:
        cell: As `imgcomp.models.toderici2017` takes it.
        reconstruction: As `imgcomp.models.toderici2017` takes it.
    """

    cell: str
    reconstruction: str

    @property
    def label(self) -> str:
        """In stages' labels."""
        return f"{self.cell}-{self.reconstruction}"

    @property
    def text(self) -> str:
        """For people."""
        return f"{CELLS[self.cell]}, {RECONSTRUCTIONS[self.reconstruction]}"


def cells(run: Run) -> list[str]:
    """The cells that are compared, in the order of `CELLS`."""
    chosen = run.settings.word("cells").split("+")
    return [cell for cell in CELLS if cell in chosen]


def variants(run: Run) -> list[Variant]:
    """Every cell with every reconstruction."""
    return [Variant(cell, kind) for cell in cells(run) for kind in RECONSTRUCTIONS]


def stages(run: Run) -> list[Stage]:
    """Everything that the conclusions read; labels are ``STEP/NETWORK/seedN``."""
    images = Images(run)
    found: list[Stage] = []
    for seed in run.seeds:
        for place, variant in enumerate(variants(run)):
            # Whole seeds first: an interrupted run has then compared all networks.
            cost = 1e6 - 1e3 * seed - 10 * place
            found += _network(run, variant, images, seed, cost)
    qualities = [int(quality) for quality in run.settings.numbers("qualities")]
    config = {"qualities": qualities}
    count = min(run.settings.integer("peer_images"), len(images.test))
    found.append(image_bytes("bytes/images/all", cost=40, test=images.test))
    found.append(peers("peers/images", config, cost=50, images=images.test.take(count)))
    if images.photographs is not None:
        found.append(peers("peers/photographs", config, cost=60, images=images.photographs))
    return found


def _network(run: Run, variant: Variant, images: Images, seed: int, cost: float) -> list[Stage]:
    end = f"{variant.label}/seed{seed}"
    config = network_config(run, variant.cell, variant.reconstruction, seed)
    model = train(
        f"train/{end}", config, cost=cost, train=images.train, validation=images.validation
    )
    found = [
        model,
        measure_images(
            f"measure/{end}", {"shown": SHOWN}, cost=cost + 1, model=model, test=images.test
        ),
    ]
    iterations = shown_iterations(run.settings.integer("iterations"))
    found.append(
        code_bytes(
            f"bytes/{end}",
            {"iterations": iterations},
            cost=cost + 1,
            model=model,
            train=images.train,
            test=images.test,
        )
    )
    if images.photographs is not None:
        found.append(
            measure_photographs(
                f"photographs/{end}",
                {"crop": CROP, "shown": CROPPED},
                cost=cost + 1,
                model=model,
                photographs=images.photographs,
            )
        )
    return found
