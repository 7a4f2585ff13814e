"""bhattacharya2020: stages of its own: the denoising instance, the dead one, constants."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import torch

from imgcomp._files import write_bytes_atomically
from imgcomp.papers.common import fitted, image_errors, model_from, trained_artifact
from imgcomp.papers.dead_codes import fitted_alive, tries_data, zero_shares
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder, Model

CODE_BIAS = "encoder.code.bias"
_FAR_BELOW = -1e3


def _pairs(
    inputs: Artifact, train: Split, validation_inputs: Artifact, validation: Split
) -> tuple[torch.Tensor, dict[str, Any]]:
    """What a denoising instance is trained on: inputs, and the further arguments of fit."""
    return inputs["images"], {
        "targets": train.images,
        "validation": validation_inputs["images"],
        "validation_targets": validation.images,
    }


@stage(version="1")
def train_denoising_instance(
    context: Context,
    inputs: Artifact,
    train: Split,
    validation_inputs: Artifact,
    validation: Split,
    before: Artifact | None = None,
) -> Artifact:
    """Train the paper's network anew to make originals of reconstructions, or go on with that.

    Config: as `imgcomp.papers.dead_codes.fitted_alive` reads it, and ``probe``; the epochs count
    from the beginning, also where it goes on.

    Args:
        context: Of the stage.
        inputs: ``images``: reconstructions of `train`.
        train: The originals.
        validation_inputs: ``images``: reconstructions of `validation`.
        validation: The originals.
        before: The same training with fewer epochs.

    Returns:
        As `imgcomp.papers.dead_codes.train_alive`; tensor ``checkpoint``, uint8: the file to go on
        from.
    """
    config = context.config
    images, arguments = _pairs(inputs, train, validation_inputs, validation)
    probe = images[: config["probe"]]
    if before is None:
        model, history, _, tries = fitted_alive(context, images, probe, **arguments)
        path = context.checkpoint
        path = path.with_name(f"{path.stem}.try{len(tries)}{path.suffix}")
    else:
        path = context.checkpoint
        if not path.exists():
            write_bytes_atomically(path, before["checkpoint"].numpy().tobytes())
        own = {**config, "seed": before.data["weight_seed"]}
        # Where `before` comes from another processor, some pixels of what was reconstructed anew
        # differ by rounding.
        model, history, _ = fitted(
            dataclasses.replace(context, config=own), images, other_data=True, **arguments
        )
        tries = before.data["tries"]
    trained = trained_artifact(model, history)
    content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    return Artifact(
        {**trained.tensors, "checkpoint": content},
        {
            **trained.data,
            **tries_data(config["seed"], tries),
            "zeros": zero_shares(cast("Autoencoder", model), probe),
        },
    )


@stage(version="1")
def train_dead_instance(
    context: Context,
    inputs: Artifact,
    train: Split,
    validation_inputs: Artifact,
    validation: Split,
) -> Artifact:
    """Train a denoising instance whose code is zero for every image from the start.

    The bias of the code layer is set far below zero. With biases of zero everywhere else, all that
    the decoder computes is zero then, and no gradient reaches anything but the output's bias.

    Config: as `imgcomp.papers.common.fitted` reads it, and ``probe``.

    Args:
        context: Of the stage.
        inputs: As for `train_denoising_instance`, and the others too.
        train: Likewise.
        validation_inputs: Likewise.
        validation: Likewise.

    Returns:
        As `imgcomp.papers.common.train`. Data also: ``zeros``: `zero_shares` at the end.
    """

    def kill(model: Model) -> None:
        model.state_dict()[CODE_BIAS].fill_(_FAR_BELOW)

    images, arguments = _pairs(inputs, train, validation_inputs, validation)
    model, history, _ = fitted(context, images, prepare=kill, **arguments)
    trained = trained_artifact(model, history)
    zeros = zero_shares(cast("Autoencoder", model), images[: context.config["probe"]])
    return Artifact(trained.tensors, {**trained.data, "zeros": zeros})


@stage(version="1")
def denoise(context: Context, model: Artifact, inputs: Artifact, originals: Split) -> Artifact:
    """Send reconstructions through a denoising instance and back to 8 bits.

    Args:
        context: Of the stage.
        model: The instance.
        inputs: ``images``: reconstructions; only as many are taken as there are originals.
        originals: What they are reconstructions of.

    Returns:
        Tensors ``inputs`` and ``images``. Data: ``before`` and ``after``: `image_errors` against
        the originals; ``loss``: mean squared error of the output before it is rounded.
    """
    import imgcomp

    network = model_from(model)
    before = inputs["images"][: len(originals)]
    after = network.reconstruct(before)
    found = imgcomp.evaluate(network, before, targets=originals.images)
    return Artifact(
        {"inputs": before, "images": after},
        {
            "before": image_errors(originals.images, before),
            "after": image_errors(originals.images, after),
            "loss": float(found["loss"]),
        },
    )


@stage(version="1")
def pixel_variances(
    context: Context, train: Split, validation: Split, test: Split, file: Split
) -> Artifact:
    """The losses of outputs that do not depend on the input, on the scale [0, 1].

    Returns:
        Data: ``train``, ``validation``, ``test``, ``file`` (the whole training file), each with
        ``constant``: variance of all pixels, the loss of the best constant; ``mean``: mean of each
        pixel's own variance, the loss of the best picture.
    """
    data = {}
    for name, images in (
        ("train", train.images),
        ("validation", validation.images),
        ("test", test.images),
        ("file", file.images),
    ):
        pixels = images.flatten(1).to(torch.float64) / 255.0
        data[name] = {
            "constant": float(pixels.var(correction=0)),
            "mean": float(pixels.var(dim=0, correction=0).mean()),
        }
    return Artifact({}, data)
