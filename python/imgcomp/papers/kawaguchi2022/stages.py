"""Stages of kawaguchi2022: trainings that restart where a channel is dead, and what explains them.

A ReLU that is negative for every image gives 0 for every image, has no gradient and stays so. In
model 1 that happens to channels of the code and of the output, often before the first step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from imgcomp.errors import CheckpointError, TrainingDivergedError
from imgcomp.papers.common import fitted, trained_artifact
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from pathlib import Path

    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder
    from imgcomp.training import EpochEnd

PROBE = 256
"""Training images that a channel has to tell apart somewhere, or it counts as dead."""


def scaled(images: torch.Tensor, data_range: Sequence[float]) -> torch.Tensor:
    """8-bit images as float32 in a data range."""
    low, high = data_range
    return low + images.to(torch.float32) * ((high - low) / 255.0)


def dead_channels(model: Autoencoder, images: torch.Tensor) -> dict[str, list[int]]:
    """The channels that are the same for every image, at every place.

    Args:
        model: An autoencoder whose code has channels.
        images: uint8, (N, C, H, W); at least two different ones.

    Returns:
        ``code`` and ``output`` → the dead channels' numbers, ascending.
    """
    with torch.no_grad():
        inputs = scaled(images, model.data_range).to(model.device)
        code = model.encode(inputs)
        found = {"code": code, "output": model.decode(code)}
    return {
        name: torch.nonzero((values - values[:1]).abs().amax(dim=(0, 2, 3)) <= 1e-7)[:, 0].tolist()
        for name, values in found.items()
    }


def lost(model: Autoencoder, images: torch.Tensor) -> str:
    """Whether so many channels are dead that it is no longer the network that was meant.

    That is any channel of the output, or at least half of those of the code.

    Returns:
        What is dead, as ``output 0 2``, ``code 1 of 2`` or both; empty where it is still alive.
    """
    return _lost(dead_channels(model, images), model.code_shape[0])


def _lost(dead: Mapping[str, Sequence[int]], code_channels: int) -> str:
    found = []
    if 2 * len(dead["code"]) >= code_channels:
        found.append(f"code {len(dead['code'])} of {code_channels}")
    if dead["output"]:
        found.append(f"output {' '.join(str(channel) for channel in dead['output'])}")
    return ", ".join(found)


def _last_state(path: Path) -> tuple[Autoencoder, int] | None:
    """The network as a checkpoint left it (not the best one) and its epoch; None without one."""
    from imgcomp import models
    from imgcomp.training.checkpoint import read_model_file

    try:
        content = read_model_file(path)
    except (CheckpointError, FileNotFoundError):
        return None  # `fitted` warns of a damaged one, and begins anew
    model = cast("Autoencoder", models.from_spec(content.spec))
    model.load_state_dict(content.last or content.weights)
    return model, int((content.training or {}).get("epoch", 0))


@stage(version="1")
def train_alive(context: Context, train: Split, validation: Split) -> Artifact:
    """Train an autoencoder, from other initial weights where channels are or become dead.

    The rule: an initialisation is given up when it has `lost` channels, which are the same for each
    of the first `PROBE` training images, before the training or after any of its epochs. The next
    one has the seed that is higher by ``seed_step``. The last one is trained as it is.

    Config: as `imgcomp.papers.common.fitted` reads it; ``seed_step``; ``attempts``: how many
    initialisations at most; ``trainings``: how many of them are trained at most; ``may_diverge``:
    a loss that is not finite is a result and no error.

    Returns:
        As `imgcomp.papers.common.train`. Data also: ``seed`` of the initialisation that was
        trained to the end; ``dead``: what it has lost, empty but for the last attempt;
        ``given_up``: list of ``seed``, ``epoch`` (0: before training), ``dead``; ``best_epoch`` of
        the validation loss.
    """
    config = context.config
    probe = train.images[:PROBE]
    given_up: list[dict[str, Any]] = []
    for attempt in range(config["attempts"]):
        trained = sum(one["epoch"] > 0 for one in given_up)
        last = attempt == config["attempts"] - 1
        seed = config["seed"] + attempt * config["seed_step"]
        dead = "" if last else _dead_at_start(config["spec"], seed, probe)
        if dead:
            given_up.append({"seed": seed, "epoch": 0, "dead": dead})
            continue
        last = last or trained == config["trainings"] - 1
        found = _attempt(context, seed, train, validation, probe, last)
        if isinstance(found, Artifact):
            return Artifact(found.tensors, {**found.data, "seed": seed, "given_up": given_up})
        given_up.append({"seed": seed, **found})
        if context.stop.is_set():
            raise StageStopped
    raise AssertionError("the last attempt always returns")


def _dead_at_start(spec: dict[str, Any], seed: int, probe: torch.Tensor) -> str:
    from imgcomp import models

    return lost(cast("Autoencoder", models.from_spec(spec, seed=seed)), probe)


def _attempt(
    context: Context, seed: int, train: Split, validation: Split, probe: torch.Tensor, last: bool
) -> Artifact | dict[str, Any]:
    """The training from one initialisation, or ``epoch`` and ``dead`` where it was given up."""
    path = context.checkpoint.with_name(
        f"{context.checkpoint.stem}.init-{seed}{context.checkpoint.suffix}"
    )
    if not last and (left := _last_state(path)) is not None and left[1] > 0:
        # An earlier run may have been stopped between giving up and what came next.
        dead = lost(left[0], probe)
        if dead:
            return {"epoch": left[1], "dead": dead}
    died: dict[str, Any] = {}

    def watch(event: EpochEnd) -> bool:
        dead = lost(cast("Autoencoder", event.model), probe)
        if dead:
            died.update(epoch=event.epoch, dead=dead)
        return last or not dead

    own = dataclasses.replace(context, config={**context.config, "seed": seed}, checkpoint=path)
    try:
        model, history, kept = fitted(own, train, validation=validation, callbacks=[watch])
    except TrainingDivergedError as error:
        if not context.config.get("may_diverge"):
            raise
        data = {"spec": context.config["spec"], "diverged": str(error), "history": {}}
        return Artifact({}, {**data, "dead": "", "best_epoch": None})
    if died and not last:
        return died
    found = trained_artifact(model, history, kept)
    left_dead = lost(cast("Autoencoder", model), probe)
    return Artifact(
        found.tensors, {**found.data, "dead": left_dead, "best_epoch": history.best_epoch}
    )


@stage(version="1")
def floors(context: Context, train: Split, validation: Split) -> Artifact:
    """What a network without negative outputs cannot get below, with images in [-1, 1].

    Returns:
        Data: ``train`` and ``validation`` → ``floor``: the mean of min(x, 0)² over all values, the
        loss of the image with every negative value answered by 0 and every other one right;
        ``energy``: the mean of x², the loss of an output of 0; ``channels``: per colour plane,
        ``floor`` and ``energy``; ``clipped``: share of negative values; ``floor_8bit`` and
        ``psnr``: the same answer's MSE on the scale [0, 1] and mean PSNR after rounding to bytes.
    """
    from imgcomp.papers.common import image_errors

    found: dict[str, Any] = {}
    for name, split in (("train", train), ("validation", validation)):
        counts = torch.stack(
            [
                torch.bincount(plane.flatten().to(torch.int64), minlength=256)
                for plane in split.images.unbind(1)
            ]
        ).to(torch.float64)
        values = torch.arange(256, dtype=torch.float64) / 127.5 - 1.0
        shares = counts / counts.sum(dim=1, keepdim=True)
        floor, energy = shares @ values.clamp(max=0).square(), shares @ values.square()
        answer = split.images.clamp(min=128)
        errors = image_errors(split.images, answer)
        found[name] = {
            "floor": float(floor.mean()),
            "energy": float(energy.mean()),
            "channels": {"floor": floor.tolist(), "energy": energy.tolist()},
            "clipped": float(shares[:, :128].sum(dim=1).mean()),
            "floor_8bit": errors["mse"],
            "psnr": errors["psnr"],
        }
    return Artifact({}, found)


@stage(version="1")
def initialisations(context: Context, images: Split) -> Artifact:
    """How many initialisations have dead channels before the first step.

    Config: ``spec``; ``seeds``: list; ``probe``: images looked at.

    Returns:
        Data: ``seeds`` → list of ``seed``; ``code``, ``output``: numbers of dead channels;
        ``lost``: whether `train_alive` would give it up; ``channels`` of the output.
    """
    from imgcomp import models

    probe = images.images[: context.config["probe"]]
    rows = []
    for seed in context.config["seeds"]:
        if context.stop.is_set():
            raise StageStopped
        model = cast("Autoencoder", models.from_spec(context.config["spec"], seed=seed))
        dead = dead_channels(model, probe)
        rows.append(
            {
                "seed": seed,
                **{name: len(which) for name, which in dead.items()},
                "lost": bool(_lost(dead, model.code_shape[0])),
                "channels": model.input_shape[0],
            }
        )
    return Artifact({}, {"seeds": rows})
