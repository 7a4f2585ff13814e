"""Draws the README's picture from a finished run of feng2018, with nothing but what the run holds.

imgcomp reproduce feng2018 --scale paper --out runs/feng2018-paper
python docs/images/make.py runs/feng2018-paper [--data-dir DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from imgcomp import datasets, papers
from imgcomp._files import write_bytes_atomically
from imgcomp.papers.feng2018.experiment import autoencoder_splits
from imgcomp.papers.feng2018.numbers import Numbers
from imgcomp.papers.feng2018.tables import code_values
from imgcomp.papers.settings import resolve
from imgcomp.plots import new_figure, render, style, tile
from imgcomp.stages import Artifacts, ArtifactStore

TARGET = Path(__file__).with_name("feng2018.png")
ROWS = {
    "originals": "Originals",
    "cnn": "CNN",
    "ann": "ANN",
    "shared": "ANN, shared weights",
    "cnn-well": "CNN, trained well",
    "ann-well": "ANN, trained well",
}
"""Label in the run → name in the picture."""


def read_run(folder: Path, data_dir: Path | None) -> Numbers:
    """The numbers and images of a finished run, as its own cached stages hold them."""
    if not (folder / "results.json").is_file() or not any(folder.glob("stages/*.safetensors")):
        sys.exit(f"{folder}: expected a finished run with its stages/ folder")
    request: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    paper = papers.get(request["paper"])
    run = papers.Run(
        scale=request["scale"],
        seeds=tuple(request["seeds"]),
        settings=resolve(paper.options, request["scale"], request["settings"]),
        dataset=datasets.load(request["data"], data_dir),
        device=request["device"],
        precision=request["precision"],
        threads=paper.threads,
    )
    stages = paper.stages(run)
    store = ArtifactStore(folder / "stages")
    missing = [stage.label for stage in stages if store.load(stage.key) is None]
    if missing:
        sys.exit(f"{folder}: {missing[0]} is not as this imgcomp makes it; run the paper again")
    return Numbers(run, Artifacts(store, stages))


def one_of_each_class(labels: torch.Tensor) -> list[int]:
    """Positions of the first image of every class."""
    return [int(torch.nonzero(labels == label)[0]) for label in labels.unique()]


def draw(numbers: Numbers) -> bytes:
    """The picture as a PNG file."""
    test = autoencoder_splits(numbers.run, numbers.seeds[0])[1]
    chosen = one_of_each_class(test.labels)
    with style():
        figure, axes = new_figure(8.8, 0.56 * len(ROWS) + 0.1, len(ROWS), 1)
        for place, (label, name) in zip(axes, ROWS.items(), strict=True):
            images = numbers.images(label, len(test))[chosen]
            place.imshow(tile(images, len(chosen)), cmap="gray", vmin=0, vmax=255)
            place.set_axis_off()
            accuracies = numbers.judged(label, "accuracy")
            is_original = label == "originals"
            size = "784 bytes" if is_original else f"{code_values(numbers, label)} values"
            seen = f"{sum(accuracies) / len(accuracies):.0f} % recognised"
            for x, side, text in ((-0.02, "right", f"{name}\n{size}"), (1.02, "left", seen)):
                place.text(x, 0.5, text, ha=side, va="center", transform=place.transAxes)
        run = numbers.run
        seeds = f"{len(run.seeds)} seeds" if len(run.seeds) > 1 else f"seed {run.seeds[0]}"
        figure.supxlabel(
            f"{run.dataset.name}, {len(test):,} test images; autoencoders trained for "
            f"{run.settings.integer('ae_epochs')} epochs; {seeds}",
            fontsize=7.5,
            color="#555555",
        )
        return render(figure, "png", name="readme")


def main() -> None:
    """Write the picture beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run of feng2018")
    parser.add_argument("--data-dir", type=Path, help="folder that holds the data sets")
    arguments = parser.parse_args()
    write_bytes_atomically(TARGET, draw(read_run(arguments.run, arguments.data_dir)))
    print(TARGET)


if __name__ == "__main__":
    main()
