"""Networks of the papers as rivals: what ``imgcomp reproduce`` trained, made codecs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from imgcomp.codec import Codec, from_model
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.models import Autoencoder
from imgcomp.papers.code_bytes import BITS, fitted_on
from imgcomp.papers.common import model_from
from imgcomp.stages import Artifact, Context, is_stage_file, read_artifact, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

_RUN, _STAGES = "run.json", "stages"
_TRAINED = re.compile(r"(?:train-)?(?P<label>.+?)(?:-seed(?P<seed>\d+))?\.[0-9a-f]{12}")
"""The stem of a stage's file."""


@dataclass(frozen=True)
class TrainedNetwork:
    """An autoencoder of a reproduction, as the input of a stage.

    Attributes:
        paper: its name; empty where a file lies outside a run.
        label: what the training is called there.
        model: itself, with the weights at the end of its training.
        fingerprint: the key of its training's stage.
    """

    paper: str
    label: str
    model: Autoencoder = field(repr=False)
    fingerprint: str

    @property
    def name(self) -> str:
        """Of its line."""
        return f"{self.paper}-{self.label}" if self.paper else self.label

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.paper}: {self.label}" if self.paper else self.label

    @property
    def iterations(self) -> int:
        """Of a recurrent one; 0 of others."""
        return self.model.code_shape[0] if "recurrence" in self.model.spec else 0

    @property
    def settings(self) -> tuple[int, ...]:
        """What is turned: iterations, or bits of a value of the code."""
        return tuple(range(1, self.iterations + 1)) or BITS


def is_run(path: Path) -> bool:
    """Whether a path is one that :func:`trained_networks` is for."""
    if path.exists():
        return path.is_dir() or is_stage_file(path)
    return (path.parent / _STAGES).is_dir()


def trained_networks(path: Path, shape: tuple[int, int, int]) -> list[TrainedNetwork]:
    """The networks of a run.

    Args:
        path: the folder of a run: those of its first seed that did not diverge and take such
            images; that folder and, behind a slash, what one of these is called; or a stage's file.
        shape: (C, H, W) of the images.

    Raises:
        UsageError: there are none, or not that one; says which there are.
        CheckpointError: a file is damaged.
    """
    sizes = f"images of {sizes_text(shape)} (channels×height×width)"
    if path.is_file():
        network = _read(path)
        if network is None:
            raise UsageError(f"{path}: holds no trained autoencoder")
        own = network.model.input_shape
        if own != shape:
            raise UsageError(f"{path}: takes images of {sizes_text(own)}, expected one of {sizes}")
        return [network]
    folder, label = (path, None) if path.is_dir() else (path.parent, path.name)
    found = [_read(each) for each in _of_first_seed(folder)]
    fitting = [each for each in found if each is not None and each.model.input_shape == shape]
    if not fitting:
        raise UsageError(
            f"{folder}: expected the folder of a run of 'imgcomp reproduce' with {_STAGES}/ and, "
            f"in it, an autoencoder of {sizes}; found none"
        )
    chosen = [each for each in fitting if label in (None, each.label)]
    if not chosen:
        known = ", ".join(each.label for each in fitting)
        raise UsageError(f"{folder}: there is no network {label!r} of {sizes}; there are {known}")
    return chosen


def sizes_text(shape: tuple[int, ...]) -> str:
    """A shape for people, such as 3×32×32."""
    return "×".join(map(str, shape))


def _of_first_seed(folder: Path) -> list[Path]:
    """Files of trainings, by name."""
    trained: dict[int, list[Path]] = {}
    for path in sorted((folder / _STAGES).glob("train-*.safetensors")):
        match = _TRAINED.fullmatch(path.stem)
        if match is not None and match["seed"] is not None:
            trained.setdefault(int(match["seed"]), []).append(path)
    return trained[min(trained)] if trained else []


def _read(path: Path) -> TrainedNetwork | None:
    """A training's network; None of another stage's file, a diverged one, or a classifier."""
    try:
        key, artifact = read_artifact(path)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    spec = artifact.data.get("spec")
    if not isinstance(spec, dict) or artifact.data.get("diverged"):
        return None
    if spec.get("task") != "autoencoder":
        return None
    match = _TRAINED.fullmatch(path.stem)
    label = path.stem if match is None else match["label"]
    return TrainedNetwork(_paper(path.parent.parent / _RUN), label, model_from(artifact), key)


def _paper(run: Path) -> str:
    try:
        return str(json.loads(run.read_text("utf-8"))["paper"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@stage(version="1")
def network_codec(context: Context, network: TrainedNetwork, train: Split) -> Artifact:
    """Make a codec of a network.

    Config: ``bits`` of a value of the code; not looked at where the network sends bits.

    Args:
        context: Of the stage.
        network: Trained.
        train: What levels and tables are fitted to, the first images.

    Returns:
        Tensor ``file``, uint8: the codec as it is written to a file.
    """
    model = network.model
    codec = from_model(
        model, fitted_on(model, train), bits=context.config["bits"], name=network.name
    )
    return Artifact({"file": torch.frombuffer(bytearray(codec.to_bytes()), dtype=torch.uint8)})


def codec_of(artifact: Artifact) -> Codec:
    """The codec that :func:`network_codec` made."""
    return Codec.from_bytes(artifact["file"].numpy().tobytes())
