"""kawaguchi2022: what is run beyond the paper: variants, the sweep, other code sizes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imgcomp.datasets import Split, proportional
from imgcomp.papers.common import train
from imgcomp.papers.experiment import Run
from imgcomp.papers.kawaguchi2022.experiment import (
    SMALL,
    config_1,
    config_2,
    cost_1,
    short_epochs,
    splits_1,
    splits_2,
)
from imgcomp.papers.kawaguchi2022.stages import train_living
from imgcomp.papers.settings import Option
from imgcomp.stages import Stage

_OURS = "not in the paper; "

BEYOND_OPTIONS: tuple[Option, ...] = (
    Option(
        "variants",
        "whether model 1’s variants are trained, as long as its shorter training",
        True,
        chosen=_OURS + "they show why its loss stays where it is",
    ),
    Option(
        "adam_lr",
        "learning rate of Adam where model 1 is trained by it",
        1e-3,
        chosen=_OURS + "Adam’s default, and model 2’s",
        least=0,
    ),
    Option(
        "adam_batch",
        "batch size where model 1 is trained by Adam",
        20,
        chosen=_OURS + "gradients of 4 images are too noisy for it",
        least=1,
    ),
    Option(
        "well_lr",
        "learning rate of model 1’s Adam where it is trained well; falls to 0 along a cosine",
        2e-3,
        chosen=_OURS + "fixed before the run",
        least=0,
    ),
    Option(
        "sweep_images",
        "images of the sweep’s trainings",
        12500,
        quick=1250,
        smoke=100,
        chosen=_OURS + "a quarter of the paper’s",
        least=50,
        most=50000,
    ),
    Option(
        "sweep_epochs",
        "epochs of the sweep’s trainings",
        6,
        quick=4,
        smoke=1,
        chosen=_OURS + "as many images in all as one and a half epochs of the paper’s",
        least=1,
    ),
    Option(
        "sweep_trainings",
        "trainings of a point of the sweep at most, until one keeps its channels alive",
        3,
        smoke=1,
        chosen=_OURS + "a point that needs more is shown as it ends",
        least=1,
    ),
    Option(
        "sweep_rates",
        "SGD rates of the sweep",
        (0.003, 0.01, 0.03, 0.1, 0.3),
        quick=(0.01, 0.1),
        smoke=(0.01, 0.1),
        chosen=_OURS + "around the paper’s 0.01",
        least=0,
    ),
    Option(
        "sweep_momenta",
        "momenta of the sweep",
        (0.0, 0.9),
        smoke=(0.9,),
        chosen=_OURS + "none, as in the paper, and the usual one",
        least=0,
        most=0.999,
    ),
    Option(
        "sweep_batches",
        "batch sizes of the sweep, at the paper’s rate",
        (4.0, 20.0, 100.0),
        smoke=(20.0,),
        chosen=_OURS + "those of tutorials, and a usual one",
        least=1,
    ),
    Option(
        "code_sizes",
        "channels of the 16×16 codes that are compared at equal numbers of bits; model 1 is "
        "trained with those of the paper’s two only",
        (2.0, 8.0, 64.0),
        quick=(2.0, 8.0),
        smoke=(2.0,),
        chosen=_OURS + "the two codes of the paper, and one between them",
        least=1,
    ),
)


@dataclass(frozen=True)
class Variant:
    """Model 1 with something changed.

    Attributes:
        name: As in labels: ``train/NAME/seedN``.
        short: For a figure's rows.
        text: For people.
        network: Arguments of `networks.model_1`.
        fit: Changed fields of `imgcomp.FitConfig`; those that the run's settings decide are added
            by `_fit`.
    """

    name: str
    short: str
    text: str
    network: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)


_UNIT = {"data_range": (0.0, 1.0)}
_OPEN = {"final_relu": False}
_ADAM = {"optimizer": "adam"}

VARIANTS: tuple[Variant, ...] = (
    Variant("model1-open", "no ReLU", "without the last ReLU", _OPEN),
    Variant("model1-unit", "[0, 1]", "images in [0, 1]", _UNIT),
    Variant("model1-adam", "Adam", "Adam", fit=_ADAM),
    Variant("model1-adam-open", "Adam,\nno ReLU", "Adam, without the last ReLU", _OPEN, _ADAM),
    Variant("model1-adam-unit", "Adam,\n[0, 1]", "Adam, images in [0, 1]", _UNIT, _ADAM),
)
"""One thing changed, and two; all as long as the shorter training."""

OPEN = "model1-adam-open"
"""Model 1 with what holds it back repaired, where codes are compared."""
WELL = Variant(
    "model1-well",
    "well",
    "trained well (Adam along a cosine, Glorot’s weights)",
    {"initialization": "keras"},
    {**_ADAM, "schedule": "cosine"},
)
"""The paper's network on the paper's images, as far as it gets in the longer training."""
BATCH_20 = Variant("model1-batch20", "batch 20", "batches of 20", fit={"batch_size": 20})
"""The other batch size that tutorials have, as long as the longer training."""
LONG = (WELL, BATCH_20)
WIDE = Variant(
    "model1-well-wide",
    "well,\n64 channels",
    "trained well, with a code of 64 channels",
    {"initialization": "keras", "code_channels": 64},
    {**_ADAM, "schedule": "cosine"},
)
"""Whether it is the code that keeps the well-trained network above its floor."""


def variants(run: Run) -> tuple[Variant, ...]:
    """Those that this run trains."""
    return (*LONG, *VARIANTS, WIDE) if run.settings.flag("variants") else ()


def rate_sizes(run: Run) -> list[tuple[str, int]]:
    """(network, channels of its code) of everything whose code is quantised."""
    s = run.settings
    channels = sorted(int(size) for size in s.numbers("code_sizes"))
    own = [size for size in channels if size in (2, 64)]
    found = [("model1", 2), ("model2", 64), ("model2", 2)]
    found += [(name, size) for size in own for name in ("model1", OPEN)]
    found += [("model2", size) for size in channels]
    return list(dict.fromkeys(found))


def size_label(model: str, channels: int) -> str:
    """The part of a label that names a network with a code of so many channels.

    Args:
        model: ``model1``, ``model1-adam-open`` or ``model2``.
        channels: Of the code; the paper's own sizes are the paper's own networks.
    """
    own = 64 if model == "model2" else 2
    return model if channels == own else f"{model}-code{channels}"


@dataclass(frozen=True)
class Point:
    """A training of the sweep."""

    lr: float
    momentum: float
    batch: int
    initialization: str = "pytorch"

    @property
    def label(self) -> str:
        """The part of a label that names it."""
        return f"sweep-lr{self.lr:g}-m{self.momentum:g}-b{self.batch}-{self.initialization}"


def sweep_points(run: Run) -> list[Point]:
    """Rates with momenta; batch sizes; ways to draw the weights. Each once."""
    s = run.settings
    lr, batch = s.number("m1_lr"), s.integer("m1_batch")
    rates, momenta = s.numbers("sweep_rates"), s.numbers("sweep_momenta")
    found = [Point(rate, momentum, batch) for momentum in momenta for rate in rates]
    found += [Point(lr, 0.0, int(size)) for size in s.numbers("sweep_batches")]
    # The ways to draw weights at the paper's rate, and where learning is fast.
    fast = (0.1, 0.9)
    for rate, momentum in ((lr, 0.0), fast):
        found += [Point(rate, momentum, batch, how) for how in ("keras", "chainer")]
    return list(dict.fromkeys(found))


def beyond_trainings(run: Run) -> list[Stage]:
    """Variants, code sizes and the sweep, all of the first seed."""
    seed = run.seeds[0]
    training, validation = splits_1(run, seed)
    found: dict[str, Stage] = {}

    def model_1(label: str, config: dict[str, Any], extra: float = 1.0) -> None:
        found[label] = train_living(
            f"train/{label}/seed{seed}",
            config,
            cost=extra * cost_1(len(training), config["fit"]["epochs"]),
            train=training,
            validation=validation,
        )

    for variant in variants(run):
        model_1(variant.name, variant_config(run, seed, variant), 1e3)
    for name, channels in rate_sizes(run):
        label = size_label(name, channels)
        if label in ("model1", "model2", SMALL, *found):
            continue
        if name != "model2":
            variant = next((one for one in VARIANTS if one.name == name), Variant(name, "", ""))
            model_1(label, variant_config(run, seed, variant, code_channels=channels), 10)
        else:
            images, test = splits_2(run, seed)
            found[label] = train(
                f"train/{label}/seed{seed}",
                config_2(run, seed, channels),
                cost=5 * cost_1(len(images), run.settings.integer("m2_epochs")),
                train=images,
                validation=test,
            )
    return [*found.values(), *_sweep(run)]


def variant_config(
    run: Run, seed: int, variant: Variant, *, code_channels: int = 2
) -> dict[str, Any]:
    """The configuration of a variant's training."""
    s = run.settings
    fit = dict(variant.fit)
    long = variant in LONG
    if fit.get("optimizer") == "adam":
        fit["lr"] = s.number("well_lr" if variant in (WELL, WIDE) else "adam_lr")
        fit["batch_size"] = s.integer("adam_batch")
    return config_1(
        run,
        seed,
        epochs=None if long else short_epochs(run),
        network={"code_channels": code_channels, **variant.network},
        **fit,
    )


def sweep_splits(run: Run) -> tuple[Split, Split]:
    """The sweep's training and validation images."""
    s, seed = run.settings, run.seeds[0]
    count = proportional(s.integer("sweep_images"), 50000, len(run.dataset.train))
    images = run.dataset.train.subset(count, seed)
    return images.split(1.0 - s.number("validation_share"), seed)


def _sweep(run: Run) -> list[Stage]:
    s, seed = run.settings, run.seeds[0]
    training, validation = sweep_splits(run)
    return [
        train_living(
            f"train/{point.label}/seed{seed}",
            config_1(
                run,
                seed,
                epochs=s.integer("sweep_epochs"),
                network={"initialization": point.initialization},
                trainings=s.integer("sweep_trainings"),
                may_diverge=True,
                lr=point.lr,
                momentum=point.momentum,
                batch_size=point.batch,
            ),
            cost=cost_1(len(training), s.integer("sweep_epochs")),
            train=training,
            validation=validation,
        )
        for point in sweep_points(run)
    ]
