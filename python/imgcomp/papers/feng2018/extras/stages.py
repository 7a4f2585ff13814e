"""The stage of feng2018's extras that is their own: compressed layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imgcomp.papers.common import model_from
from imgcomp.papers.noise import compared
from imgcomp.stages import Artifact, Context, StageStopped, stage

if TYPE_CHECKING:
    from imgcomp.datasets import Split
    from imgcomp.models import Autoencoder


@stage(version="1")
def compress_layers(
    context: Context, model: Artifact, classifier: Artifact, train: Split, test: Split
) -> Artifact:
    """Make an autoencoder's dense layers smaller, with and without training what is left.

    Config: ``method``: ``none``, ``prune`` (``share``), ``product`` (``length``, ``codewords``),
    ``uniform`` (``bits``); ``seed``; ``tune_epochs`` (0 or missing: no fine-tuning), ``tune_lr``,
    ``tune_batch``.

    Returns:
        Data: ``bytes`` of the network's file and ``packed`` by LZMA; ``plain``: `image_errors` and
        ``accuracy`` of its reconstructions; ``tuned``: the same after fine-tuning, and its
        ``packed``; None where there is nothing to tune.
    """
    from imgcomp.models.compress import (
        CompressedModel,
        fine_tune,
        product_quantize,
        prune,
        uniform_quantize,
    )

    config = context.config
    network, judge = model_from(model), model_from(classifier)

    def verdict(compressed: CompressedModel) -> dict[str, float]:
        output = cast("Autoencoder", compressed.model).reconstruct(test.images)
        return compared(judge, test, output)

    small = CompressedModel(network)
    if config["method"] == "prune":
        small = prune(network, config["share"])
    elif config["method"] == "product":
        small = product_quantize(
            network, config["length"], config["codewords"], seed=config["seed"]
        )
    elif config["method"] == "uniform":
        small = uniform_quantize(network, config["bits"])
    data: dict[str, Any] = {
        "bytes": small.num_bytes,
        "packed": small.packed_bytes(),
        "plain": verdict(small),
        "tuned": None,
    }
    if config.get("tune_epochs"):
        if context.stop.is_set():
            raise StageStopped
        tuned = fine_tune(
            small,
            train,
            epochs=config["tune_epochs"],
            lr=config["tune_lr"],
            batch_size=config["tune_batch"],
            seed=config["seed"],
        )
        data["tuned"] = {**verdict(tuned), "packed": tuned.packed_bytes()}
    return Artifact({}, data)
