"""Codes that say nothing: found, and the training begun again from other weights.

A code behind ReLU is zero for every image where all its inputs fall below zero. No gradient reaches
the encoder then, and the network gives one picture for all images.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch

from imgcomp.errors import CheckpointError
from imgcomp.models.pixels import scaled
from imgcomp.papers.common import fitted, trained_artifact
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder, Model
    from imgcomp.training import EpochEnd, History
    from imgcomp.training.data import FitData

DEAD_FROM = 0.99
"""Share of the images whose code is all zero, from which on a code counts as dead."""
FindDead: TypeAlias = "Callable[[Autoencoder, torch.Tensor], str]"
"""Says what is dead in a network that is shown 8-bit images; empty where nothing is."""
_STEP = 1000
"""Between one try's seed of the weights and the next one's, so that repeats do not share them."""


def weight_seeds(seed: int, tries: int) -> list[int]:
    """The seeds of the weights that are tried one after the other, 1000 apart from `seed` on."""
    return [seed + _STEP * number for number in range(tries)]


def zero_shares(model: Autoencoder, images: torch.Tensor) -> dict[str, float]:
    """How much of the code is zero.

    Args:
        model: An autoencoder.
        images: uint8, (N, C, H, W).

    Returns:
        ``images``: share of the images whose code is zero everywhere; ``values``: share of all
        values of the codes that are zero.
    """
    with torch.no_grad():
        code = model.encode(scaled(images, model.data_range)).cpu()
    zero = code.flatten(1) == 0
    return {
        "images": float(zero.all(dim=1).to(torch.float64).mean()),
        "values": float(zero.to(torch.float64).mean()),
    }


def is_dead(model: Autoencoder, images: torch.Tensor) -> bool:
    """Whether the code is zero for (nearly) all of the images; see `DEAD_FROM`."""
    return zero_shares(model, images)["images"] >= DEAD_FROM


def _dead_code(model: Autoencoder, images: torch.Tensor) -> str:
    return "code" if is_dead(model, images) else ""


def fitted_alive(
    context: Context,
    train: FitData,
    probe: torch.Tensor,
    find_dead: FindDead = _dead_code,
    **arguments: Any,
) -> tuple[Model, History, dict[str, torch.Tensor], list[dict[str, Any]]]:
    """Train a stage's autoencoder, again from other weights where its code is dead.

    The code is looked at before the training and after every epoch. Where it is dead, the try ends
    and the next one of `weight_seeds` begins; the last one is trained to its end as it is.

    Config: as `imgcomp.papers.common.fitted` reads it; ``tries``: at most so many; ``trainings``:
    how many of these get beyond their first weights at most, by default all.

    Args:
        context: Of the stage.
        train: As `imgcomp.fit` takes it.
        probe: Images that the code is looked at with, uint8 (N, C, H, W).
        find_dead: Says what is dead, given the network and the probe; empty where nothing is. By
            default it is the code as `is_dead` judges it.
        **arguments: Further ones of `fitted`, such as ``validation``.

    Returns:
        As `fitted`, and the tries in their order: ``seed``; ``dead``: ``""``, ``"before"`` or
        ``"training"``; ``what`` was dead, as `find_dead` says it; ``epoch`` after which it was
        found so (0: before); ``loss`` and ``val_loss`` of that epoch (None: before).
    """
    from imgcomp import models

    spec = context.config["spec"]
    tries: list[dict[str, Any]] = []

    def note(seed: int, what: str, history: Mapping[str, Any] | None = None) -> None:
        dead = "" if not what else "before" if history is None else "training"
        found: dict[str, Any] = {"seed": seed, "dead": dead, "what": what, "epoch": 0}
        for name in ("loss", "val_loss"):
            values = [] if history is None else history.get(name, ())
            found[name] = float(values[-1]) if len(values) else None
        if history is not None:
            found["epoch"] = len(history["loss"])
        tries.append(found)

    seeds = weight_seeds(context.config["seed"], context.config["tries"])
    left = context.config.get("trainings", len(seeds))
    for number, seed in enumerate(seeds, start=1):
        last = number == len(seeds)
        if context.stop.is_set():
            raise StageStopped
        what = find_dead(cast("Autoencoder", models.from_spec(spec, seed=seed)), probe)
        if what and not last:
            note(seed, what)
            continue
        left -= 1
        last = last or left == 0
        path = context.checkpoint
        own = dataclasses.replace(
            context,
            config={**context.config, "seed": seed},
            checkpoint=path.with_name(f"{path.stem}.try{number}{path.suffix}"),
        )
        ended = None if last else _last_state(own)
        if ended is not None and (what := find_dead(ended[0], probe)):
            note(seed, what, ended[1])
            continue
        watch = _Watch(find_dead, probe)
        model, history, kept = fitted(own, train, () if last else (watch,), **arguments)
        # With ``keep_best`` the network given back may be of an epoch before it died.
        what = watch.found or find_dead(cast("Autoencoder", model), probe)
        note(seed, what, history)
        if not what or last:
            return model, history, kept, tries
    raise AssertionError("the last try always returns")


class _Watch:
    """A callback that ends a training where something is dead, and remembers what."""

    def __init__(self, find_dead: FindDead, probe: torch.Tensor) -> None:
        self.found = ""
        self._find_dead = find_dead
        self._probe = probe

    def __call__(self, event: EpochEnd) -> bool:
        self.found = self._find_dead(cast("Autoencoder", event.model), self._probe)
        return not self.found


def _last_state(context: Context) -> tuple[Autoencoder, Mapping[str, Any]] | None:
    """A try's network and history as an interrupted run left them; None where it has no epoch."""
    from imgcomp.models import from_spec
    from imgcomp.training import History
    from imgcomp.training.checkpoint import read_model_file

    try:
        content = read_model_file(context.checkpoint)
        model = from_spec(content.spec)
        model.load_state_dict(content.last or content.weights)
        record = content.training
    except (CheckpointError, FileNotFoundError):
        return None
    if not record or not record["epoch"]:
        return None
    return cast("Autoencoder", model), History.from_dict(record["history"])


def tries_data(seed: int, tries: list[dict[str, Any]]) -> dict[str, Any]:
    """What an artifact says of its tries: ``seed`` asked for, ``weight_seed`` it ended with."""
    return {"seed": seed, "weight_seed": tries[-1]["seed"], "tries": tries}


@stage(version="1")
def train_alive(context: Context, train: Split, validation: Split) -> Artifact:
    """Train an autoencoder, again from other weights where its code is dead.

    Config: as `fitted_alive` reads it; ``probe``: how many of the training images, from the first
    on, the code is looked at with.

    Returns:
        As `imgcomp.papers.common.train`. Data also: ``seed``, ``weight_seed`` that it ended with,
        ``tries`` as in `fitted_alive`, ``zeros``: `zero_shares` at the end.
    """
    probe = train.images[: context.config["probe"]]
    model, history, kept, tries = fitted_alive(context, train, probe, validation=validation)
    trained = trained_artifact(model, history, kept)
    return Artifact(
        trained.tensors,
        {
            **trained.data,
            **tries_data(context.config["seed"], tries),
            "zeros": zero_shares(cast("Autoencoder", model), probe),
        },
    )


@stage(version="1")
def count_dead(context: Context, train: Split) -> Artifact:
    """Draw a network many times and say how often its code is dead, before and after a few steps.

    Config: ``spec``; ``seeds``: how many are drawn, from 0 on; ``trained``: how many of these are
    also trained, the first ones; ``fit``: of these, fields of `imgcomp.FitConfig` but the seed;
    ``probe``: how many images the code is looked at with.

    Args:
        context: Of the stage.
        train: All that is trained on; the probe is its first images.

    Returns:
        Data: ``before``: for each seed `zero_shares`; ``after``: for each that was trained,
        `zero_shares` and the last epoch's ``loss``; ``steps``: so many, and ``images``.
    """
    import imgcomp
    from imgcomp import FitConfig, models

    config = context.config
    probe = train.images[: config["probe"]]
    before, after = [], []
    settings = FitConfig.create(config["fit"])
    for seed in range(config["seeds"]):
        if context.stop.is_set():
            raise StageStopped
        model = cast("Autoencoder", models.from_spec(config["spec"], seed=seed))
        before.append(zero_shares(model, probe))
        if seed >= config["trained"]:
            continue
        history = imgcomp.fit(
            model,
            train,
            settings,
            seed=seed,
            threads=context.threads,
            progress=False,
            stop=cast(Any, context.stop),
        )
        after.append({**zero_shares(model, probe), "loss": float(history["loss"][-1])})
        context.progress(seed + 1, config["trained"], {"loss": after[-1]["loss"]})
    steps = settings.epochs * -(-len(train) // settings.batch_size)
    return Artifact({}, {"before": before, "after": after, "steps": steps, "images": len(probe)})
