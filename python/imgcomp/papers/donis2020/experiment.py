"""donis2020: its trainings and all that is measured on them; what decides claims begins first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imgcomp.datasets import Split
from imgcomp.papers.code_bytes import code_bytes, image_bytes
from imgcomp.papers.donis2020.bounds import gaussian_bound, principal_components, rivals
from imgcomp.papers.donis2020.data import CODE_BITS, Images, network_config
from imgcomp.papers.donis2020.inspection import count_parameters, drawn_gradients, gradients
from imgcomp.papers.donis2020.stages import look, measure_epochs, train_epochs
from imgcomp.papers.experiment import Run
from imgcomp.papers.recurrent import INITIALIZATIONS
from imgcomp.stages import Stage

SHOWN = 24
"""Images kept of each kind."""
ITERATIONS = 16


@dataclass(frozen=True)
class Training:
    """One of the trainings.

    Attributes:
        name: In labels.
        text: For people.
        size: Of the training set, in per cent of the whole one: 50, 100 or 200.
        activation: After the convolutions.
        fit: Changed fields of `imgcomp.FitConfig`.
    """

    name: str
    text: str
    size: int = 50
    activation: str = "leaky_relu"
    fit: dict[str, Any] = field(default_factory=dict)


def batch_label(size: int) -> str:
    """The label of a batch size's training."""
    return f"batch{size}"


def batch_sizes(run: Run) -> list[int]:
    """The batch sizes, ascending; that of the set sizes is among them."""
    s = run.settings
    return sorted({int(size) for size in s.numbers("batches")} | {s.integer("batch")})


def main_label(run: Run) -> str:
    """The training with the whole set and the batch size of all else."""
    return batch_label(run.settings.integer("batch"))


def size_labels(run: Run) -> dict[int, str]:
    """Set size in per cent → label of its training."""
    return {50: "size50", 100: main_label(run), 200: "size200"}


def trainings(run: Run) -> list[Training]:
    """All trainings, those that decide the most claims first.

    Those that change something else than batch and set size have half of the whole set, and are
    compared with ``size50``.
    """
    s = run.settings
    batches = batch_sizes(run)
    by_batch = [
        Training(batch_label(size), f"batches of {size}", 100, fit={"batch_size": size})
        for size in batches
    ]
    main = [one for one in by_batch if one.name == main_label(run)]
    share, high = s.number("mixture"), s.number("high_lr")
    rate = f"rate {high:g}"
    return [
        *main,
        Training("size200", "twice the images, rotated", 200),
        Training("size50", "half of the images", 50),
        Training("mae", "MAE", fit={"objective": "l1"}),
        Training("mae-fast", f"MAE, {rate}", fit={"objective": "l1", "lr": high}),
        Training(
            "mixed",
            f"{share:g} MS-SSIM + {1 - share:.3g} L1",
            fit={"objective": f"{share:g}*ms_ssim+{1 - share:.6g}*l1"},
        ),
        Training("relu", "ReLU", activation="relu"),
        *sorted(
            (one for one in by_batch if one not in main), key=lambda one: -one.fit["batch_size"]
        ),
        Training("fast", rate, fit={"lr": high}),
    ]


def bound_bits(run: Run) -> list[float]:
    """The rates of the bound, ascending; the code's is among them."""
    return sorted({*run.settings.numbers("code_bits"), float(CODE_BITS)})


def stages(run: Run) -> list[Stage]:
    """Everything that the conclusions read; labels are ``STEP/TRAINING/seedN``.

    The trainings are not among it: their files, with the weights of every epoch, are needed until
    the networks are measured.
    """
    images = Images(run)
    found: list[Stage] = []
    listed = trainings(run)
    for seed in run.seeds:
        for place, training in enumerate(listed):
            # Not how long they take: those first that decide claims.
            cost = 1e6 - 1e3 * seed - 10 * place
            found += _training(run, training, images, seed, cost)
    return [*found, *_without_training(run, images)]


def _training(run: Run, training: Training, images: Images, seed: int, cost: float) -> list[Stage]:
    name = training.name
    config = network_config(run, seed, activation=training.activation, **training.fit)
    model = train_epochs(
        f"train/{name}/seed{seed}", config, cost=cost, train=images.sets[training.size]
    )
    found = [
        measure_epochs(
            f"measure/{name}/seed{seed}",
            cost=cost + 2,
            model=model,
            train=images.measured(training.size),
            test=images.test,
        ),
        look(
            f"look/{name}/seed{seed}",
            {"shown": SHOWN},
            cost=cost + 1,
            model=model,
            test=images.test,
        ),
    ]
    found.append(
        code_bytes(
            f"bytes/{name}/seed{seed}",
            {"iterations": [1]},
            cost=cost + 1,
            model=model,
            train=images.sets[training.size],
            test=images.test,
        )
    )
    if name in ("size50", "relu"):
        found.append(
            gradients(
                f"gradients/{name}/seed{seed}",
                {"seed": seed},
                cost=cost + 1,
                images=_inspected(run, images),
                model=model,
            )
        )
    return found


def _inspected(run: Run, images: Images) -> Split:
    """The images of which gradients are computed."""
    return images.sets[50].take(min(run.settings.integer("gradient_images"), len(images.sets[50])))


def _without_training(run: Run, images: Images) -> list[Stage]:
    components = principal_components("components/all", cost=90, train=images.reference)
    return [
        image_bytes("bytes/images/all", cost=30, test=images.test),
        rivals(
            "rivals/all",
            {"bits": CODE_BITS, "shown": SHOWN},
            cost=60,
            components=components,
            train=images.reference,
            test=images.test,
        ),
        gaussian_bound(
            "bound/all",
            {"bits": bound_bits(run), "seed": 0, "shown": SHOWN},
            cost=120,
            components=components,
            test=images.test,
        ),
        drawn_gradients(
            "draws/all",
            {
                "cell": run.settings.word("cell"),
                "seed": run.seeds[0],
                "initializations": list(INITIALIZATIONS),
            },
            cost=30,
            images=_inspected(run, images),
        ),
        count_parameters(
            "parameters/all",
            {"cell": run.settings.word("cell"), "iterations": [1, ITERATIONS]},
        ),
    ]
