"""kawaguchi2022: every stage that the conclusions read, the main trainings first."""

from __future__ import annotations

from imgcomp.datasets import proportional
from imgcomp.papers.code_bytes import code_bytes, image_bytes
from imgcomp.papers.common import reconstruct, trivial_rivals
from imgcomp.papers.experiment import Run
from imgcomp.papers.judges import judge, judge_config
from imgcomp.papers.kawaguchi2022.beyond import (
    beyond_trainings,
    rate_sizes,
    size_label,
    sweep_splits,
    variants,
)
from imgcomp.papers.kawaguchi2022.experiment import (
    SHOWN,
    SMALL,
    config_1,
    main_trainings,
    short_epochs,
    splits_1,
    splits_2,
    test_images,
)
from imgcomp.papers.kawaguchi2022.rates import pca_rates
from imgcomp.papers.kawaguchi2022.stages import floors, initialisations
from imgcomp.papers.per_class import judge_by_class
from imgcomp.papers.settings import Option
from imgcomp.stages import Stage

MAIN = {"model1": "Model 1", "model2": "Model 2"}
"""The paper's networks, as the paper trains them: label → name for people."""

PIPELINE_OPTIONS: tuple[Option, ...] = (
    Option(
        "judge_epochs",
        "epochs of the classifier that judges reconstructions",
        25,
        quick=4,
        smoke=1,
        chosen="not in the paper, which judges by eye",
        least=1,
    ),
    Option(
        "judge_images",
        "training images of the classifier that judges reconstructions",
        50000,
        quick=10000,
        smoke=400,
        chosen="not in the paper, which judges by eye",
        least=1,
        most=50000,
    ),
    Option(
        "code_bits",
        "bits of a code’s value, uniformly quantised",
        (1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
        smoke=(2.0, 8.0),
        chosen="not in the paper, whose codes are 32-bit floats",
        least=1,
        most=12,
    ),
    Option(
        "rate_images",
        "test images of the comparison at equal numbers of bits, and of the real bytes",
        2000,
        smoke=100,
        chosen="not in the paper",
        least=10,
        most=10000,
    ),
    Option(
        "pca_values",
        "numbers of principal components",
        (32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 3072.0),
        smoke=(64.0, 512.0, 3072.0),
        chosen="not in the paper; 512 is the size of model 1’s code",
        least=1,
    ),
    Option(
        "initialisations",
        "initialisations of model 1 whose dead channels are counted before any training",
        1000,
        quick=200,
        smoke=20,
        chosen="not in the paper",
        least=1,
    ),
)


def pca_values(run: Run) -> list[int]:
    """Numbers of components, ascending, at most the values of an image and always 512."""
    channels, height, width = run.dataset.image_shape
    wanted = {int(count) for count in run.settings.numbers("pca_values")} | {512}
    return sorted({min(count, channels * height * width) for count in wanted})


def compared_values(run: Run) -> int:
    """Components of PCA that stand beside model 1: as many as its code has values."""
    return min(512, max(pca_values(run)))


def bits(run: Run) -> list[int]:
    """Bits of a value, ascending."""
    return sorted({int(count) for count in run.settings.numbers("code_bits")})


def shown_networks(run: Run) -> list[str]:
    """The labels of the networks whose reconstructions are judged class by class."""
    return [*MAIN, SMALL, *(one.name for one in variants(run))]


def rate_networks(run: Run) -> list[str]:
    """The labels of the networks whose codes are quantised; the paper's own first."""
    return [size_label(name, channels) for name, channels in rate_sizes(run)]


def stages(run: Run) -> list[Stage]:
    """All of it; labels are ``STEP/NAME/seedN``.

    Raises:
        UsageError: the data set's images do not fit.
    """
    main = main_trainings(run)
    trained = {node.label: node for node in [*main, *beyond_trainings(run)]}
    return [*trained.values(), *_pictures(run, trained), *_explanations(run), *_rates(run, trained)]


def _pictures(run: Run, trained: dict[str, Stage]) -> list[Stage]:
    """Reconstructions of the test images, and what the classifier makes of them."""
    s, test = run.settings, test_images(run)
    count = proportional(s.integer("judge_images"), 50000, len(run.dataset.train))
    images = run.dataset.train.subset(count)
    first = run.seeds[0]
    classifier = judge(
        f"train/judge/seed{first}",
        judge_config(
            run.dataset.image_shape,
            len(run.dataset.classes),
            epochs=s.integer("judge_epochs"),
            precision=run.precision,
            device=run.device,
        ),
        cost=1e5,
        train=images,
        validation=test,
    )
    found = [classifier]
    for seed in run.seeds:
        rivals = trivial_rivals(
            f"reconstruct/rivals/seed{seed}",
            {"components": [compared_values(run)]},
            train=splits_2(run, seed)[0],
            test=test,
        )
        names = ["constant", "mean", f"pca-{compared_values(run)}"]
        verdict = judge_by_class(
            f"judge/rivals/seed{seed}",
            {"names": names},
            classifier=classifier,
            images=rivals,
            test=test,
        )
        found += [rivals, verdict]
        for label in shown_networks(run) if seed == first else [*MAIN, SMALL]:
            config = {"epochs": [short_epochs(run)], "shown": SHOWN} if label == "model1" else {}
            output = reconstruct(
                f"reconstruct/{label}/seed{seed}",
                config,
                model=trained[f"train/{label}/seed{seed}"],
                test=test,
            )
            verdict = judge_by_class(
                f"judge/{label}/seed{seed}", classifier=classifier, images=output, test=test
            )
            found += [output, verdict]
    return found


def _explanations(run: Run) -> list[Stage]:
    """The floors of every seed's split, and how many initialisations have dead channels."""
    found = []
    for seed in run.seeds:
        training, validation = splits_1(run, seed)
        found.append(floors(f"floor/model1/seed{seed}", train=training, validation=validation))
    first = run.seeds[0]
    training, validation = sweep_splits(run)
    found.append(floors(f"floor/sweep/seed{first}", train=training, validation=validation))
    found.append(
        initialisations(
            f"initialisations/model1/seed{first}",
            {
                "spec": config_1(run, first)["spec"],
                "seeds": list(range(run.settings.integer("initialisations"))),
                "probe": 64,
            },
            cost=30,
            images=splits_1(run, first)[0],
        )
    )
    return found


def _rates(run: Run, trained: dict[str, Stage]) -> list[Stage]:
    """Codes in real bytes, and principal components with as many bits for each value."""
    seed = run.seeds[0]
    test, training = test_images(run), splits_2(run, seed)[0]
    count = proportional(run.settings.integer("rate_images"), 10000, len(run.dataset.test))
    some = test.take(min(count, len(test)))
    found = [
        code_bytes(
            f"bytes/{label}/seed{seed}",
            {"bits": bits(run)},
            cost=30,
            model=trained[f"train/{label}/seed{seed}"],
            train=training,
            test=some,
        )
        for label in rate_networks(run)
    ]
    found.append(image_bytes(f"bytes/images/seed{seed}", test=some))
    found.append(
        pca_rates(
            f"rates/pca/seed{seed}",
            {"bits": bits(run), "shown": SHOWN, "components": pca_values(run)},
            cost=60,
            train=training,
            test=some,
        )
    )
    return found
