"""donis2020: stages that look into the network: gradients of each layer, parameters counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from imgcomp.models.pixels import scaled
from imgcomp.papers.common import model_from
from imgcomp.stages import Artifact, Context, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split

_BATCH = 64


def layer_gradients(model: Any, images: torch.Tensor) -> dict[str, dict[str, float]]:
    """How strongly 1 − MS-SSIM pulls at each layer's weights.

    Args:
        model: An autoencoder.
        images: uint8, (N, C, H, W); the gradient is the mean over all of them.

    Returns:
        Layer (``encoder.conv``, …, in the network's order) → ``gradient``: Euclidean norm of the
        gradient of its weights; ``relative``: that over the weights' norm. Biases and the weights
        of states, which are zero in a single iteration, are left out.
    """
    from imgcomp import metrics

    low, high = model.data_range
    parameters = dict(zip(model.state_dict(), model.parameters(), strict=True))
    names = [
        name for name in parameters if name.endswith(".weight") and parameters[name].requires_grad
    ]
    sums = {name: torch.zeros_like(parameters[name]) for name in names}
    for at in range(0, len(images), _BATCH):
        part = images[at : at + _BATCH]
        inputs = scaled(part, model.data_range)
        scores = metrics.ms_ssim(inputs, model(inputs), data_range=high - low)
        found = torch.autograd.grad((1.0 - scores).sum(), [parameters[name] for name in names])
        for name, gradient in zip(names, found, strict=True):
            sums[name] += gradient.detach() / len(images)
    result = {}
    for name in names:
        norm = float(sums[name].to(torch.float64).norm())
        weight = float(parameters[name].detach().to(torch.float64).norm())
        layer = name.removesuffix(".weight")
        result[layer] = {"gradient": norm, "relative": norm / max(weight, 1e-300)}
    return result


@stage(version="1")
def gradients(context: Context, images: Split, model: Artifact) -> Artifact:
    """Gradients of each layer before the training, after its first epoch and at its end.

    Config: ``seed``: of the weights before the training.

    Args:
        context: Of the stage.
        images: Training images.
        model: A `train_epochs`.

    Returns:
        Data: ``start``, ``first`` and ``end`` → `layer_gradients`.
    """
    from imgcomp import models

    first = "epoch-0001" if len(model.data["history"]["loss"]) > 1 else "final"
    networks = {
        "start": models.from_spec(dict(model.data["spec"]), seed=context.config["seed"]),
        "first": model_from(model, first),
        "end": model_from(model),
    }
    return Artifact(
        {}, {name: layer_gradients(network, images.images) for name, network in networks.items()}
    )


@stage(version="1")
def drawn_gradients(context: Context, images: Split) -> Artifact:
    """Gradients of each layer before any training, by how the weights are drawn.

    Config: ``cell``; ``seed``; ``initializations``: as `imgcomp.models.donis2020` takes them.

    Returns:
        Data: initialisation → `layer_gradients` of the network with leaky ReLU.
    """
    from imgcomp import models

    cell, seed = context.config["cell"], context.config["seed"]
    return Artifact(
        {},
        {
            name: layer_gradients(
                models.donis2020(cell, initialization=name, seed=seed), images.images
            )
            for name in context.config["initializations"]
        },
    )


@stage(version="1")
def count_parameters(context: Context) -> Artifact:
    """Parameters of the paper's network and of the one that it comes from, by iterations.

    Config: ``cell``; ``iterations``: list.

    Returns:
        Data: ``networks``: list of ``network`` (``donis2020`` or ``toderici2017``),
        ``iterations``, ``parameters``, and ``unrolled``: as if every iteration had its own.
    """
    from imgcomp import models

    cell = context.config["cell"]
    rows = []
    for name, make in (("donis2020", models.donis2020), ("toderici2017", models.toderici2017)):
        for count in context.config["iterations"]:
            parameters = make(cell=cell, iterations=count).num_parameters
            rows.append(
                {
                    "network": name,
                    "iterations": count,
                    "parameters": parameters,
                    "unrolled": parameters * count,
                }
            )
    return Artifact({}, {"networks": rows})
