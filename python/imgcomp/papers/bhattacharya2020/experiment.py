"""bhattacharya2020: its stages; the trainings that decide claims begin first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imgcomp.datasets import Dataset
from imgcomp.papers.bhattacharya2020.data import (
    CODE_VALUES,
    Splits,
    dataset_names,
    fit_config,
    load,
    network_config,
    splits,
)
from imgcomp.papers.bhattacharya2020.stages import (
    denoise,
    pixel_variances,
    train_dead_instance,
    train_denoising_instance,
)
from imgcomp.papers.code_bytes import BITS, code_bytes, image_bytes
from imgcomp.papers.common import reconstruct, trivial_rivals
from imgcomp.papers.dead_codes import count_dead, train_alive
from imgcomp.papers.experiment import Run
from imgcomp.papers.judges import judge, judge_config
from imgcomp.papers.noise import noisy_inputs, train_denoiser
from imgcomp.papers.per_class import judge_by_class
from imgcomp.stages import Stage

SMOOTHING = (0.5, 0.7, 1.0)
"""Deviations in pixels of the Gaussian filters that noise is removed with."""
KINDS = {"gaussian": "gaussian-denoiser", "salt and pepper": "salt-denoiser"}
"""Kind of noise → the network trained with it."""
SHOWN = 24
"""Images kept of each noise."""


@dataclass(frozen=True)
class Material:
    """What the stages of one data set share."""

    name: str
    dataset: Dataset
    splits: Splits
    judge: Stage
    rivals: Stage


def latent_channels(run: Run) -> list[int]:
    """Channels of the codes that are compared; none where this is left out."""
    if not run.settings.integer("latent_epochs"):
        return []
    return sorted(int(channels) for channels in run.settings.numbers("latent_sizes"))


def components(run: Run) -> list[int]:
    """Numbers of principal components: as many as each code has values."""
    return sorted({CODE_VALUES, *(CODE_VALUES * channels for channels in latent_channels(run))})


def denoiser_parts(run: Run) -> list[int]:
    """The epochs up to which each part of the denoising instance's training goes, ascending."""
    epochs, part = run.settings.integer("denoiser_epochs"), run.settings.integer("denoiser_part")
    return [*range(part, epochs, part), epochs]


def denoiser_seeds(run: Run) -> tuple[int, ...]:
    """The seeds of the denoising instance."""
    return run.seeds[: run.settings.integer("denoiser_seeds")]


def annealed_seeds(run: Run) -> tuple[int, ...]:
    """The seeds that are also trained with a rate that falls."""
    return run.seeds[: run.settings.integer("annealed")]


def noises(run: Run) -> list[tuple[str, float]]:
    """(kind, level) of every noise, no noise first; none where this is left out."""
    s = run.settings
    if not s.integer("noise_epochs"):
        return []
    return [
        ("none", 0.0),
        *(("gaussian", level) for level in sorted(s.numbers("noise_levels"))),
        *(("salt and pepper", level) for level in sorted(s.numbers("noise_shares"))),
    ]


def sweep_points(run: Run) -> dict[str, dict[str, Any]]:
    """What the sweep changes, one thing at a time: label → arguments of `network_config`."""
    s = run.settings
    if not s.integer("sweep_epochs"):
        return {}
    rates = [rate for rate in sorted(s.numbers("sweep_rates")) if rate != s.number("lr")]
    batches = [int(size) for size in sorted(s.numbers("sweep_batches"))]
    found: dict[str, dict[str, Any]] = {f"lr{rate:g}": {"lr": rate} for rate in rates}
    for size in batches:
        if size != s.integer("batch"):
            found[f"batch{size}"] = {"batch_size": size}
    other = "pytorch" if s.word("initialization") == "keras" else "keras"
    found[other] = {"initialization": other}
    return found


def stages(run: Run) -> list[Stage]:
    """Everything that the conclusions read; labels are ``STEP/METHOD/seedN``."""
    targets: list[Stage] = []
    materials = [_material(run, name) for name in dataset_names(run)]
    networks: dict[tuple[str, int], Stage] = {}
    for seed in run.seeds:
        for material in materials:
            networks[material.name, seed] = _training(run, material, "autoencoder", seed)
    targets += networks.values()
    for material in materials:
        targets += [material.judge, material.rivals, _judged(material, material.rivals, "rivals")]
        targets += _autoencoders(run, material, networks)
        targets += _counted(run, material)
        targets += _sweep(run, material)
        for seed in annealed_seeds(run):
            targets.append(_training(run, material, "annealed", seed, cost=0.6, schedule="cosine"))
    main = materials[0]
    for seed in denoiser_seeds(run):
        targets += _denoising(run, main, seed, networks[main.name, seed])
    targets += _latents(run, main)
    targets += _noise(run, main, networks[main.name, run.seeds[0]])
    return targets


def _material(run: Run, name: str) -> Material:
    dataset = load(run, name)
    parts = splits(run, dataset)
    source = dataset.train.subset(min(run.settings.integer("images"), len(dataset.train)))
    classifier = judge(
        f"train/judge-{name}/all",
        judge_config(
            dataset.image_shape,
            len(dataset.classes),
            epochs=run.settings.integer("judge_epochs"),
            precision=run.precision,
            device=run.device,
        ),
        cost=_cost(run, len(source), run.settings.integer("judge_epochs"), 0.1),
        train=source,
        validation=parts.test,
    )
    rivals = trivial_rivals(
        f"reconstruct/rivals-{name}/all",
        {"components": components(run)},
        train=parts.train,
        test=parts.test,
    )
    return Material(name, dataset, parts, classifier, rivals)


def _cost(run: Run, images: int, epochs: float, share: float = 1.0) -> float:
    """Rough seconds on one core; `share` also says how urgent it is."""
    return images * epochs * share / 750


def _training(
    run: Run, material: Material, name: str, seed: int, cost: float = 1.0, **changed: Any
) -> Stage:
    config = network_config(run, seed, **changed)
    images = material.splits
    return train_alive(
        f"train/{name}-{material.name}/seed{seed}",
        config,
        cost=_cost(run, len(images.train), config["fit"]["epochs"], cost),
        train=images.train,
        validation=images.validation,
    )


def _judged(material: Material, images: Stage, name: str, which: str = "all") -> Stage:
    names = sorted(["constant", "mean", *(f"pca-{count}" for count in images.config["components"])])
    return judge_by_class(
        f"judge/{name}-{material.name}/{which}",
        {"names": names},
        classifier=material.judge,
        images=images,
        test=material.splits.test,
    )


def _reconstructed(material: Material, model: Stage, name: str, seed: int) -> list[Stage]:
    """Test images through a network, and what is to be said of them."""
    images = reconstruct(
        f"reconstruct/{name}-{material.name}/seed{seed}", model=model, test=material.splits.test
    )
    verdict = judge_by_class(
        f"judge/{name}-{material.name}/seed{seed}",
        classifier=material.judge,
        images=images,
        test=material.splits.test,
    )
    return [images, verdict]


def _autoencoders(
    run: Run, material: Material, networks: dict[tuple[str, int], Stage]
) -> list[Stage]:
    found: list[Stage] = []
    parts = material.splits
    for seed in run.seeds:
        model = networks[material.name, seed]
        found += _reconstructed(material, model, "autoencoder", seed)
        found.append(
            code_bytes(
                f"bytes/autoencoder-{material.name}/seed{seed}",
                {"bits": list(BITS)},
                model=model,
                train=parts.train,
                test=parts.test,
            )
        )
    variances = pixel_variances(
        f"variances/{material.name}/all",
        train=parts.train,
        validation=parts.validation,
        test=parts.test,
        file=material.dataset.train,
    )
    plain = image_bytes(f"bytes/images-{material.name}/all", test=parts.test)
    return [*found, variances, plain]


def _counted(run: Run, material: Material) -> list[Stage]:
    s = run.settings
    if not s.integer("drawn"):
        return []
    images = material.splits.train
    images = images.take(min(s.integer("drawn_images"), len(images)))
    config = {
        "spec": network_config(run, 0)["spec"],
        "seeds": s.integer("drawn"),
        "trained": min(s.integer("drawn_trained"), s.integer("drawn")),
        "fit": {key: value for key, value in fit_config(run, 0, epochs=1).items() if key != "seed"},
        "probe": min(s.integer("probe"), len(images)),
    }
    cost = _cost(run, len(images), config["trained"], 0.1)
    return [count_dead(f"count/dead-{material.name}/all", config, cost=cost, train=images)]


def _sweep(run: Run, material: Material) -> list[Stage]:
    seed = run.seeds[0]
    return [
        _training(
            run,
            material,
            f"sweep-{name}",
            seed,
            cost=0.2,
            **{"epochs": run.settings.integer("sweep_epochs"), **changed},
        )
        for name, changed in sweep_points(run).items()
    ]


def _denoising(run: Run, material: Material, seed: int, model: Stage) -> list[Stage]:
    s = run.settings
    name, parts = material.name, material.splits
    inputs = {
        part: reconstruct(f"reconstruct/{part}-{name}/seed{seed}", model=model, test=images)
        for part, images in (("train", parts.train), ("validation", parts.validation))
    }
    tests = reconstruct(f"reconstruct/autoencoder-{name}/seed{seed}", model=model, test=parts.test)
    pairs: dict[str, Any] = {
        "inputs": inputs["train"],
        "train": parts.train,
        "validation_inputs": inputs["validation"],
        "validation": parts.validation,
    }
    found: list[Stage] = []
    last: dict[str, Stage] = {}
    ends = denoiser_parts(run)
    for end in ends:
        found.append(
            train_denoising_instance(
                f"train/denoiser-to-{end:03d}/seed{seed}",
                network_config(run, seed, epochs=end),
                # Each waits for the one before: the longest chain of all.
                cost=_cost(run, len(parts.train), 2 * ends[-1]),
                **pairs,
                **last,
            )
        )
        last = {"before": found[-1]}
    dead = train_dead_instance(
        f"train/dead-denoiser/seed{seed}",
        network_config(run, seed, epochs=s.integer("collapsed_epochs")),
        cost=_cost(run, len(parts.train), s.integer("collapsed_epochs"), 0.5),
        **pairs,
    )
    found.append(dead)
    some = parts.train.take(min(len(parts.train), len(parts.test)))
    for instance, network in (("denoiser", last["before"]), ("dead-denoiser", dead)):
        for part, images, originals in (
            ("test", tests, parts.test),
            ("train", inputs["train"], some),
        ):
            output = denoise(
                f"denoise/{instance}-{part}/seed{seed}",
                model=network,
                inputs=images,
                originals=originals,
            )
            verdict = judge_by_class(
                f"judge/{instance}-{part}/seed{seed}",
                {"names": ["inputs", "images"]},
                classifier=material.judge,
                images=output,
                test=originals,
            )
            found += [output, verdict]
    return found


def _latents(run: Run, material: Material) -> list[Stage]:
    seed = run.seeds[0]
    found: list[Stage] = []
    for channels in latent_channels(run):
        epochs = run.settings.integer("latent_epochs")
        model = _training(
            run, material, f"latent{channels}", seed, cost=0.3, channels=channels, epochs=epochs
        )
        found += [model, *_reconstructed(material, model, f"latent{channels}", seed)]
    return found


def _noise(run: Run, material: Material, model: Stage) -> list[Stage]:
    s = run.settings
    listed = noises(run)
    if not listed:
        return []
    seed, parts = run.seeds[0], material.splits
    networks = {"autoencoder": model}
    for kind, level in (
        ("gaussian", s.number("noise_trained")),
        ("salt and pepper", s.number("noise_trained_share")),
    ):
        config = network_config(run, seed, epochs=s.integer("noise_epochs"))
        networks[KINDS[kind]] = train_denoiser(
            f"train/{KINDS[kind]}/seed{seed}",
            {
                **{key: config[key] for key in ("spec", "seed", "fit", "device")},
                "noise": [kind, level],
            },
            cost=_cost(run, len(parts.train), s.integer("noise_epochs"), 0.3),
            train=parts.train,
            validation=parts.validation,
            start=model,
        )
    filtered = noisy_inputs(
        f"noise/all/seed{seed}",
        {
            "noises": [list(noise) for noise in listed],
            "seed": seed,
            "components": [CODE_VALUES],
            "smoothing": list(SMOOTHING),
            "shown": SHOWN,
        },
        cost=_cost(run, len(parts.test), len(listed), 0.3),
        classifier=material.judge,
        train=parts.train,
        test=parts.test,
        **networks,
    )
    return [*networks.values(), filtered]
