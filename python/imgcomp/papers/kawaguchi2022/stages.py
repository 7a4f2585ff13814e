"""Stages of kawaguchi2022: trainings that restart where a channel is dead, and what explains them.

A ReLU that is negative for every image gives 0 for every image, has no gradient and stays so. In
model 1 that happens to channels of the code and of the output, often before the first step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from imgcomp.errors import TrainingDivergedError
from imgcomp.models.pixels import scaled
from imgcomp.papers.common import trained_artifact
from imgcomp.papers.dead_codes import fitted_alive, tries_data
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder

PROBE = 256
"""Training images that a channel has to tell apart somewhere, or it counts as dead."""


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


@stage(version="1")
def train_living(context: Context, train: Split, validation: Split) -> Artifact:
    """Train an autoencoder, from other initial weights where it has `lost` channels.

    Config: as `imgcomp.papers.dead_codes.fitted_alive` reads it; ``may_diverge``: a loss that is
    not finite is a result and no error. The images looked at are the first `PROBE` for training.

    Returns:
        As `imgcomp.papers.common.train`. Data also: ``seed``, ``weight_seed`` and ``tries`` as in
        `imgcomp.papers.dead_codes`; ``best_epoch`` of the validation loss.
    """
    config = context.config
    try:
        model, history, kept, tries = fitted_alive(
            context, train, train.images[:PROBE], lost, validation=validation
        )
    except TrainingDivergedError as error:
        if not config.get("may_diverge"):
            raise
        data = {"spec": config["spec"], "diverged": str(error), "history": {}, "tries": []}
        return Artifact({}, data)
    found = trained_artifact(model, history, kept)
    data = {**tries_data(config["seed"], tries), "best_epoch": history.best_epoch}
    return Artifact(found.tensors, {**found.data, **data})


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
        ``lost``: whether `train_living` would give it up; ``channels`` of the output.
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
