"""Recipes: files that say how a house codec is trained, and the training by them.

A recipe names its training images, the network of :func:`imgcomp.models.house.house_spec` and the
settings of :func:`imgcomp.fit`. With a seed, that is all that a codec follows from.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from imgcomp import _toml, datasets
from imgcomp.codec import registry
from imgcomp.codec.codec import Codec
from imgcomp.codec.fitting import from_model
from imgcomp.codec.recipe_checks import checked
from imgcomp.errors import UsageError
from imgcomp.models.house import house
from imgcomp.models.model import Autoencoder
from imgcomp.training.config import FitConfig, resolve_objective
from imgcomp.training.fit import StopToken, fit
from imgcomp.training.history import History
from imgcomp.training.judge import load_judge
from imgcomp.training.progress import Progress
from imgcomp.training.stored_weights import rounded

RECIPES = Path(__file__).parent / "recipes"
_SUFFIX = ".toml"


def names() -> list[str]:
    """The recipes of the package."""
    return sorted(path.stem for path in RECIPES.glob(f"*{_SUFFIX}"))


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        codec: of the trained network, its weights rounded to half precision.
        history: of all epochs, also those before it was resumed.
    """

    codec: Codec
    history: History


@dataclass(frozen=True)
class Recipe:
    """How a codec is trained; made by :meth:`load`, :meth:`from_toml` or :meth:`from_dict`.

    Attributes:
        name: of the codec and its files.
        kind: of images, in words for the card.
        seed: of weights, order and draws.
        training: how many training images of which data sets, the first ones, in this order.
        validation: places of the first and behind the last of further training images of these.
        tables: training images that the code's tables are counted on, drawn by the seed.
        network: settings of :func:`imgcomp.models.house.house_spec`.
        fit: of :func:`imgcomp.fit`.
        start: a codec with whose weights the training begins, by name or file; None for the
            untrained network.
        judge: file of the classifier of the objective ``"judge"``, or None. :meth:`load` also looks
            for it beside the recipe.
    """

    name: str
    kind: str
    seed: int
    training: Mapping[str, int]
    validation: Mapping[str, tuple[int, int]]
    tables: int
    network: Mapping[str, Any]
    fit: FitConfig
    start: str | None = None
    judge: str | None = None

    @classmethod
    def load(cls, name_or_path: str | Path, changes: Sequence[str] = ()) -> Recipe:
        """A recipe of the package by its name, or from a TOML file.

        Args:
            name_or_path: one of :func:`names`; anything with a slash or the ending ``.toml`` is a
                path.
            changes: assignments such as ``fit.epochs=2`` that come first.

        Raises:
            FileNotFoundError: there is no such file.
            UsageError: there is no such recipe, or it is wrong; names the key, what was expected
                and what came.
        """
        text = os.fspath(name_or_path)
        if isinstance(name_or_path, Path) or os.sep in text or text.endswith(_SUFFIX):
            path = Path(text).expanduser()
            if not path.is_file():
                raise FileNotFoundError(f"{path}: there is no such recipe")
        elif text in names():
            path = RECIPES / f"{text}{_SUFFIX}"
        else:
            raise UsageError(
                f"there is no recipe {text!r}; there are {', '.join(names())} (a path with the "
                f"ending {_SUFFIX} names a file of your own)"
            )
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UsageError(f"{path.name}: not TOML: not UTF-8") from None
        recipe = cls.from_toml(content, changes, where=path.name)
        beside = path.parent / (recipe.judge or "")
        # As in the file: relative to it, unless there is one where the command runs.
        if recipe.judge and beside.is_file() and not Path(recipe.judge).is_file():
            recipe = dataclasses.replace(recipe, judge=str(beside))
        return recipe

    @classmethod
    def from_toml(cls, text: str, changes: Sequence[str] = (), *, where: str = "recipe") -> Recipe:
        """A recipe from a file's text.

        Args:
            text: TOML.
            changes: as for :meth:`load`.
            where: how messages call it.

        Raises:
            UsageError: as for :meth:`load`.
        """
        document = _toml.parse(text, where)
        _toml.assign(document, changes)
        return cls.from_dict(document, where=where)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "recipe") -> Recipe:
        """A recipe from what :meth:`to_dict` gives, or a TOML file's content.

        Args:
            values: by key.
            where: how messages call it.

        Raises:
            UsageError: as for :meth:`load`.
        """
        return cls(**checked(values, where))

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able data; :meth:`from_dict` takes it."""
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in self.network.items()}
        fields = self.fit.to_dict()
        given = {"start": self.start, "judge": self.judge}
        return {
            "name": self.name,
            "kind": self.kind,
            "seed": self.seed,
            **{key: value for key, value in given.items() if value is not None},
            "data": {
                "training": dict(self.training),
                "validation": {name: list(span) for name, span in self.validation.items()},
                "tables": self.tables,
            },
            "network": listed,
            "fit": {k: v for k, v in fields.items() if v is not None and k != "seed"},
        }

    def images(
        self, root: str | Path | None = None, *, offline: bool | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The images to train on, and those to watch.

        Args:
            root: folder of the data sets, see :func:`imgcomp.datasets.load`.
            offline: never download; None: as IMGCOMP_OFFLINE says.

        Returns:
            uint8 (N, C, H, W) each; None where none are watched.

        Raises:
            UsageError: a data set has fewer images, or they are of several shapes.
            DatasetError: a data set cannot be had.
        """
        sets = {n: datasets.load(n, root, offline=offline).train.images for n in self.training}
        shapes = {name: tuple(images.shape[1:]) for name, images in sets.items()}
        if len(set(shapes.values())) != 1:
            raise UsageError(f"data.training: images must be of one shape, not {shapes}")
        spans = {f"data.training.{name}": (name, 0, count) for name, count in self.training.items()}
        spans |= {
            f"data.validation.{name}": (name, *span) for name, span in self.validation.items()
        }
        for key, (name, _, last) in spans.items():
            if last > len(sets[name]):
                raise UsageError(
                    f"{key}: there are {len(sets[name]):,} training images, not {last:,}"
                )
        training = torch.cat([sets[name][:count] for name, count in self.training.items()])
        watched = [sets[name][first:last] for name, (first, last) in self.validation.items()]
        return training, torch.cat(watched) if watched else None

    def model(self, images: torch.Tensor) -> Autoencoder:
        """The network before its training.

        Args:
            images: uint8 (N, C, H, W), those to train on.

        Raises:
            UsageError: the network does not fit them, or what it starts with does not fit it.
            FileNotFoundError: there is no such file to start with.
            CheckpointError: it is damaged.
        """
        model = house(images, seed=self.seed, **self.network)
        if self.start is not None:
            try:
                model.load_state_dict(registry.load(self.start).model.state_dict())
            except UsageError as error:
                raise UsageError(f"start: {error}") from None
        return model

    def train(
        self,
        root: str | Path | None = None,
        *,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | str | Progress = "auto",
        offline: bool | None = None,
        stop: StopToken | None = None,
    ) -> Trained:
        """Trains the codec.

        Args:
            root: folder of the data sets, see :func:`imgcomp.datasets.load`.
            checkpoint: a ``.safetensors`` file, written after each epoch.
            resume: go on from it where it exists, to the bit as if never interrupted.
            progress: as for :func:`imgcomp.fit`.
            offline: never download; None: as IMGCOMP_OFFLINE says.
            stop: ends the training from another thread.

        Raises:
            UsageError: data, network and settings do not fit together.
            DatasetError: a data set cannot be had.
            FileNotFoundError: there is no such file of a judge or to start with.
            CheckpointError: ``resume`` with a checkpoint that is damaged or of another training, or
                a damaged file.
            TrainingDivergedError: the loss became NaN or infinite.
            TrainingInterruptedError: ``stop`` was set.
            KeyboardInterrupt: after Ctrl-C; the checkpoint of the last finished epoch stands.
        """
        with _threads(self.fit.threads):
            images, watched = self.images(root, offline=offline)
            model = self.model(images)
            history = fit(
                model,
                images,
                self.fit,
                validation=watched,
                judge=None if self.judge is None else load_judge(self.judge),
                progress=progress,
                checkpoint=checkpoint,
                resume=resume,
                stop=stop,
            )
            return Trained(self.codec(model, images), history)

    def codec(self, model: Autoencoder, images: torch.Tensor) -> Codec:
        """The codec of a trained network, whose weights are rounded to half precision first.

        Args:
            model: of :meth:`model`, trained; it is left as it is.
            images: uint8 (N, C, H, W), those that it was trained on.
        """
        small = Autoencoder(model.spec)
        small.load_state_dict(rounded(model.spec, model.state_dict()))
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.randperm(len(images), generator=generator)[: self.tables]
        return from_model(
            small,
            images[drawn],
            objective=resolve_objective(self.fit.objective, model),
            name=self.name,
        )


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """As many threads of torch, so that sums come in the same order each time."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
