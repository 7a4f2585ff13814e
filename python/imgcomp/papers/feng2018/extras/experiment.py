"""feng2018's extras: their settings, and which stages they add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imgcomp.papers.common import classify, reconstruct, train
from imgcomp.papers.experiment import Run
from imgcomp.papers.feng2018.experiment import (
    COMPONENTS,
    ann_config,
    autoencoder_splits,
    cnn_config,
    fit_fields,
)
from imgcomp.papers.feng2018.extras.stages import compress_layers
from imgcomp.papers.noise import noisy_inputs, train_denoiser
from imgcomp.papers.settings import Option
from imgcomp.stages import Stage

DEEP: dict[str, tuple[int, tuple[int, ...]]] = {
    "deep-40": (40, (400, 100)),
    "deep-400": (400, (600,)),
}
"""The deep autoencoders: values in the code, widths of the layers before it."""
FILTERS = ("cnn-well", "ann-well", "cnn-denoiser", "ann-denoiser")
"""The networks that noisy images are sent through."""
SHOWN = 18
"""Images kept of each noise."""

_OURS = "not in the paper, which names it as future work; "

EXTRA_OPTIONS: tuple[Option, ...] = (
    Option(
        "extras",
        "whether the paper’s future work is run too: noisy inputs, deep autoencoders, pruned and "
        "quantised layers",
        True,
        chosen=_OURS + "nothing of it decides a claim",
    ),
    Option(
        "extras_seeds",
        "how many of the seeds the extras are run for, the first ones",
        3,
        quick=1,
        smoke=1,
        least=1,
    ),
    Option(
        "extras_epochs",
        "epochs of the extras’ networks",
        200,
        quick=10,
        smoke=3,
        chosen=_OURS + "as many as the paper’s networks have",
        least=1,
    ),
    Option(
        "noise_levels",
        "standard deviations of the Gaussian noise on the test images, scale [0, 1]",
        (0.05, 0.1, 0.2, 0.3, 0.5),
        quick=(0.1, 0.2, 0.4),
        smoke=(0.2,),
        chosen=_OURS + "from barely visible to where shapes dissolve",
        least=0,
    ),
    Option(
        "noise_shares",
        "shares of the pixels that salt and pepper turns black or white",
        (0.02, 0.05, 0.1, 0.2, 0.4),
        quick=(0.05, 0.2),
        smoke=(0.1,),
        chosen=_OURS + "from barely visible to where shapes dissolve",
        least=0,
        most=1,
    ),
    Option(
        "denoiser_noise",
        "standard deviation of the Gaussian noise that the denoisers are trained with",
        0.2,
        chosen=_OURS + "the middle of the levels tested",
        least=0,
    ),
    Option(
        "deep_lr",
        "learning rate of the deep autoencoders’ Adam; falls to 0 along a cosine",
        1e-3,
        chosen=_OURS + "Adam’s default",
        least=0,
    ),
    Option("deep_batch", "batch size of the deep autoencoders", 32, chosen=_OURS + "as the ANNs’"),
    Option(
        "prune_shares",
        "shares of the weights that pruning takes away from the well-trained ANN’s layers",
        (0.5, 0.7, 0.8, 0.9, 0.95, 0.98),
        quick=(0.5, 0.8, 0.95),
        smoke=(0.8,),
        chosen=_OURS + "up to where nothing is left of the images",
        least=0,
        most=0.9999,
    ),
    Option(
        "product_lengths",
        "weights that one codeword of the product quantiser stands for",
        (2.0, 4.0, 8.0),
        quick=(4.0,),
        smoke=(8.0,),
        chosen=_OURS + "divisors of 784 and 400",
        least=1,
        most=16,
    ),
    Option(
        "product_codewords",
        "codewords of each group of the product quantiser",
        (16.0, 64.0),
        quick=(16.0,),
        smoke=(4.0,),
        chosen=_OURS + "4 and 6 bits; with more, the codebooks outgrow what they save",
        least=1,
        most=400,
    ),
    Option(
        "uniform_bits",
        "bits of each weight where the ANN’s layers are quantised uniformly, the trivial rival",
        (2.0, 3.0, 4.0, 6.0, 8.0),
        quick=(4.0, 8.0),
        smoke=(8.0,),
        chosen=_OURS + "from hardly anything to no visible loss",
        least=1,
        most=16,
    ),
    Option(
        "tune_epochs",
        "epochs of fine-tuning after pruning or quantising, 0 for none",
        10,
        quick=1,
        smoke=1,
        chosen=_OURS + "enough for most of what fine-tuning gives back",
        least=0,
    ),
    Option(
        "tune_lr",
        "learning rate of Adam in fine-tuning; falls to 0 along a cosine",
        3e-3,
        chosen=_OURS + "the better of 0.001 and 0.003 in a trial",
        least=0,
    ),
)


def extra_seeds(run: Run) -> tuple[int, ...]:
    """The seeds that the extras are run for."""
    return run.seeds[: run.settings.integer("extras_seeds")]


def noises(run: Run) -> list[tuple[str, float]]:
    """(kind, level) of every noise, no noise first."""
    return [
        ("none", 0.0),
        *(("gaussian", level) for level in sorted(run.settings.numbers("noise_levels"))),
        *(("salt and pepper", level) for level in sorted(run.settings.numbers("noise_shares"))),
    ]


def compressions(run: Run) -> dict[str, dict[str, Any]]:
    """Label → configuration of every way to make the layers smaller, the whole network first."""
    s = run.settings
    found: dict[str, dict[str, Any]] = {"whole": {"method": "none"}}
    for share in sorted(s.numbers("prune_shares")):
        found[f"prune-{share:g}"] = {"method": "prune", "share": share}
    for length in sorted(s.numbers("product_lengths")):
        for codewords in sorted(s.numbers("product_codewords")):
            found[f"product-{length:g}-{codewords:g}"] = {
                "method": "product",
                "length": int(length),
                "codewords": int(codewords),
            }
    for bits in sorted(s.numbers("uniform_bits")):
        found[f"uniform-{bits:g}"] = {"method": "uniform", "bits": int(bits)}
    return found


def extra_stages(run: Run, stages: Sequence[Stage]) -> list[Stage]:
    """The extras' stages; labels are ``STEP/METHOD/seedN``.

    Args:
        run: The run.
        stages: Those of the paper's own experiment, which the extras build on.
    """
    if not run.settings.flag("extras"):
        return []
    known = {node.label: node for node in stages}
    return [node for seed in extra_seeds(run) for node in _pipeline(run, seed, known)]


def _pipeline(run: Run, seed: int, known: dict[str, Stage]) -> list[Stage]:
    s = run.settings
    splits = dict(zip(("train", "test"), autoencoder_splits(run, seed), strict=True))
    trained = {"train": splits["train"], "validation": splits["test"]}
    classifier = known[f"train/classifier/seed{seed}"]
    # Rough durations on one core, so that the longest trainings start first.
    cost = len(splits["train"]) * s.integer("extras_epochs") / 8_000
    targets: list[Stage] = []

    networks = {name: known[f"train/{name}/seed{seed}"] for name in FILTERS[:2]}
    for name, config in (
        ("cnn-denoiser", cnn_config(run, seed, well=True)),
        (
            "ann-denoiser",
            ann_config(run, "ann", seed, s.number("well_lr"), s.number("well_momentum")),
        ),
    ):
        fit = {key: value for key, value in config["fit"].items() if key != "keep_epochs"}
        networks[name] = train_denoiser(
            f"train/{name}/seed{seed}",
            {
                "spec": config["spec"],
                "seed": seed,
                "fit": {**fit, "epochs": s.integer("extras_epochs")},
                "device": run.device,
                "std": s.number("denoiser_noise"),
            },
            cost=cost,
            **trained,
        )
    targets.append(
        noisy_inputs(
            f"noise/all/seed{seed}",
            {
                "noises": [list(noise) for noise in noises(run)],
                "seed": seed,
                "components": list(COMPONENTS),
                "shown": SHOWN,
            },
            cost=len(noises(run)) / 4,
            classifier=classifier,
            **splits,
            **networks,
        )
    )
    for name in DEEP:
        model = train(
            f"train/{name}/seed{seed}", _deep_config(run, name, seed), cost=cost, **trained
        )
        images = reconstruct(f"reconstruct/{name}/seed{seed}", model=model, test=splits["test"])
        verdict = classify(
            f"judge/{name}/seed{seed}", classifier=classifier, images=images, test=splits["test"]
        )
        targets += [model, images, verdict]
    tuning = {
        "tune_epochs": s.integer("tune_epochs"),
        "tune_lr": s.number("tune_lr"),
        "tune_batch": s.integer("ann_batch"),
    }
    for name, config in compressions(run).items():
        targets.append(
            compress_layers(
                f"compress/{name}/seed{seed}",
                # The whole network too: what more training alone would give.
                {**config, "seed": seed, **tuning},
                cost=1.0 + len(splits["train"]) * s.integer("tune_epochs") / 5_000,
                model=networks["ann-well"],
                classifier=classifier,
                **splits,
            )
        )
    return [*networks.values(), *targets]


def _deep_config(run: Run, name: str, seed: int) -> dict[str, Any]:
    from imgcomp import models

    s = run.settings
    code, hidden = DEEP[name]
    fit = fit_fields(
        run,
        seed,
        objective="mse",
        optimizer="adam",
        schedule="cosine",
        lr=s.number("deep_lr"),
        batch_size=s.integer("deep_batch"),
        epochs=s.integer("extras_epochs"),
    )
    spec = models.feng2018_deep(code, hidden).spec
    return {"spec": spec, "seed": seed, "fit": fit, "device": run.device}
