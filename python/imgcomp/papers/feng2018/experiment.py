"""feng2018: its settings and its stages, one pipeline per seed and a sweep over SGD's rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imgcomp.datasets import Split, proportional
from imgcomp.errors import UsageError
from imgcomp.papers.code_bytes import BITS, code_bytes, image_bytes
from imgcomp.papers.common import classify, reconstruct, train, trivial_rivals
from imgcomp.papers.experiment import Run, scaled_epoch
from imgcomp.papers.settings import Option
from imgcomp.stages import Stage

METHODS = {"cnn": "CNN", "ann": "ANN", "shared": "ANN, shared weights"}
"""The paper's three, trained as it trains them."""
WELL = {
    "cnn-well": "CNN, well trained",
    "ann-well": "ANN, well trained",
    "shared-well": "ANN, shared weights, well trained",
}
"""The same networks with settings that train them to the end in as many epochs."""
COMPONENTS = (40, 400)
"""PCA at the code sizes of the CNN and of the ANNs."""
SHOWN = 64
"""Images in each panel of Figure 8."""
PAPER_EPOCHS = 200
PAPER_CLASSIFIER_EPOCHS = 20
MNIST_STATISTICS = (0.1307, 0.3081)
"""Mean and deviation of MNIST’s pixels, as the PyTorch MNIST example subtracts and divides."""
FIGURE_8 = (1, 100, 200)
RIVALS = ("constant", "mean", *(f"pca-{count}" for count in COMPONENTS))

OPTIONS: tuple[Option, ...] = (
    Option(
        "ae_train", "training images of the autoencoders", 5000, smoke=1000, least=1, most=60000
    ),
    Option("ae_test", "test images of the autoencoders", 2000, smoke=500, least=1, most=10000),
    Option("ae_epochs", "epochs of the autoencoders", 200, quick=30, smoke=10, least=1),
    Option(
        "ae_subset",
        "which images these are",
        "random",
        chosen="not said; drawn anew for each seed, classes in their shares, so that the spread "
        "over seeds covers the choice; “first” takes the first ones of each file",
        words=("random", "first"),
    ),
    Option(
        "cnn_lr",
        "learning rate of the CNN’s Adam",
        1e-3,
        chosen="not printed; Adam’s default",
        least=0,
    ),
    Option("cnn_batch", "batch size of the CNN", 128, chosen="not printed", least=1),
    Option(
        "ann_lr",
        "learning rate of the ANNs’ SGD",
        0.1,
        chosen="not printed; it decides the order of the methods, see the sweep",
        least=0,
    ),
    Option("ann_momentum", "momentum of the ANNs’ SGD", 0.0, chosen="not printed", least=0),
    Option("ann_batch", "batch size of the ANNs", 32, chosen="not printed", least=1),
    Option(
        "well_lr",
        "learning rate of the ANNs where they are well trained",
        10.0,
        chosen="not in the paper; the second regime, fixed before the run",
        least=0,
    ),
    Option(
        "well_momentum",
        "momentum of the ANNs where they are well trained",
        0.9,
        chosen="not in the paper; the second regime, fixed before the run",
        least=0,
    ),
    Option(
        "cnn_well_lr",
        "learning rate of the CNN’s Adam where it is well trained; falls to 0 along a cosine",
        4e-3,
        chosen="not in the paper; the second regime, found in a few trials on seed 0",
        least=0,
    ),
    Option(
        "cnn_well_batch",
        "batch size of the CNN where it is well trained",
        32,
        chosen="not in the paper; the second regime, found in a few trials on seed 0",
        least=1,
    ),
    Option(
        "cnn_well_initialization",
        "how the CNN’s weights are drawn where it is well trained",
        "keras",
        chosen="not in the paper; Glorot’s, which measured a lower loss than PyTorch’s default",
        words=("keras", "pytorch", "chainer"),
    ),
    Option(
        "clf_train", "training images of the classifier", 60000, smoke=12000, least=1, most=60000
    ),
    Option("clf_test", "test images of the classifier", 10000, smoke=2000, least=1, most=10000),
    Option("clf_epochs", "epochs of the classifier", 20, quick=4, smoke=3, least=1),
    Option(
        "clf_lr",
        "learning rate of the classifier’s SGD",
        0.01,
        chosen="not printed; as in the PyTorch MNIST example, whose network this is",
        least=0,
    ),
    Option(
        "clf_momentum",
        "momentum of the classifier’s SGD",
        0.5,
        chosen="not printed; as in the PyTorch MNIST example",
        least=0,
    ),
    Option(
        "clf_batch",
        "batch size of the classifier",
        64,
        chosen="not printed; as in the PyTorch MNIST example",
        least=1,
    ),
    Option(
        "clf_inputs",
        "how the classifier’s inputs are scaled",
        "standardised",
        chosen="not said; (x − 0.1307) / 0.3081 as in the PyTorch MNIST example, after which "
        "losses follow Table 2; “unit” leaves them in [0, 1] and learns more slowly",
        words=("standardised", "unit"),
    ),
    Option(
        "clf_dropout",
        "whether the classifier has dropout",
        True,
        chosen="not said; as in the PyTorch MNIST example",
    ),
    Option(
        "sweep_rates",
        "SGD rates of the sweep",
        (0.01, 0.1, 1.0, 10.0, 30.0),
        quick=(0.1, 1.0, 10.0),
        smoke=(0.1, 10.0),
        chosen="ours; it shows how the rate decides the outcome",
        least=0,
    ),
    Option(
        "sweep_momenta",
        "momenta of the sweep",
        (0.0, 0.9),
        chosen="ours; it shows how the rate decides the outcome",
        least=0,
    ),
)


def figure_8_epochs(epochs: int) -> list[int]:
    """The epochs whose reconstructions are shown, ascending, each once."""
    return sorted({scaled_epoch(epoch, PAPER_EPOCHS, epochs) for epoch in FIGURE_8})


def autoencoder_splits(run: Run, seed: int) -> tuple[Split, Split]:
    """The autoencoders' training and test images of a seed."""
    found = []
    for source, key, full in (
        (run.dataset.train, "ae_train", 60000),
        (run.dataset.test, "ae_test", 10000),
    ):
        count = proportional(run.settings.integer(key), full, len(source))
        first = run.settings.word("ae_subset") == "first"
        found.append(source.take(count) if first else source.subset(count, seed))
    return found[0], found[1]


def classifier_splits(run: Run) -> tuple[Split, Split]:
    """The classifier's training and test images, the same for all seeds."""
    return (
        run.dataset.train.subset(
            proportional(run.settings.integer("clf_train"), 60000, len(run.dataset.train))
        ),
        run.dataset.test.subset(
            proportional(run.settings.integer("clf_test"), 10000, len(run.dataset.test))
        ),
    )


def regimes(run: Run) -> list[tuple[str, float, float]]:
    """(suffix of the labels, rate, momentum) of the ANNs' two ways to be trained."""
    s = run.settings
    return [
        ("", s.number("ann_lr"), s.number("ann_momentum")),
        ("-well", s.number("well_lr"), s.number("well_momentum")),
    ]


def sweep_points(run: Run) -> list[tuple[str, float, float]]:
    """(method, momentum, rate) of every training in the sweep."""
    return [
        (method, momentum, rate)
        for method in ("ann", "shared")
        for momentum in run.settings.numbers("sweep_momenta")
        for rate in run.settings.numbers("sweep_rates")
    ]


def sweep_label(method: str, momentum: float, rate: float) -> str:
    """The part of a label that names a point of the sweep."""
    return f"sweep-{method}-m{momentum:g}-lr{rate:g}"


def stages(run: Run) -> list[Stage]:
    """Everything that the conclusions read; labels are ``STEP/METHOD/seedN``.

    Raises:
        UsageError: the data set's images are not 28×28 gray.
    """
    if tuple(run.dataset.image_shape) != (1, 28, 28):
        shape = "×".join(str(size) for size in run.dataset.image_shape)
        raise UsageError(
            f"feng2018 needs images of 1×28×28 values, those of {run.dataset.name} have {shape}"
        )
    classified = classifier_splits(run)
    targets: list[Stage] = []
    for seed in run.seeds:
        targets += _pipeline(run, seed, classified, sweep=seed == run.seeds[0])
    return targets


def _pipeline(run: Run, seed: int, classified: tuple[Split, Split], sweep: bool) -> list[Stage]:
    s = run.settings
    train_images, test_images = autoencoder_splits(run, seed)
    clf_train, clf_test = classified
    classifier = train(
        f"train/classifier/seed{seed}",
        _classifier_config(run, seed),
        # Rough durations on one core, so that the longest trainings start first.
        cost=len(clf_train) * s.integer("clf_epochs") / 10_000,
        train=clf_train,
        validation=clf_test,
    )
    targets = [classifier]

    def method(name: str, config: dict[str, Any], cost: float) -> None:
        model = train(
            f"train/{name}/seed{seed}",
            config,
            cost=cost * len(train_images) * s.integer("ae_epochs"),
            train=train_images,
            validation=test_images,
        )
        epochs = config["fit"].get("keep_epochs", [])
        images = reconstruct(
            f"reconstruct/{name}/seed{seed}",
            {"epochs": epochs, "shown": SHOWN} if epochs else {},
            model=model,
            test=test_images,
        )
        verdict = classify(
            f"judge/{name}/seed{seed}", classifier=classifier, images=images, test=test_images
        )
        targets.extend([model, images, verdict])
        if name in (*METHODS, *WELL):
            sent = code_bytes(
                f"bytes/{name}/seed{seed}",
                {"bits": list(BITS)},
                model=model,
                train=train_images,
                test=test_images,
            )
            targets.append(sent)

    method("cnn", cnn_config(run, seed), 1 / 12_000)
    method("cnn-well", cnn_config(run, seed, well=True), 1 / 8_000)
    for name in ("ann", "shared"):
        for regime, rate, momentum in regimes(run):
            method(name + regime, ann_config(run, name, seed, rate, momentum), 1 / 25_000)
    if sweep:
        for name, momentum, rate in sweep_points(run):
            config = ann_config(run, name, seed, rate, momentum)
            method(sweep_label(name, momentum, rate), config, 1 / 26_000)

    rivals = trivial_rivals(
        f"reconstruct/rivals/seed{seed}",
        {"components": list(COMPONENTS)},
        train=train_images,
        test=test_images,
    )
    verdict = classify(
        f"judge/rivals/seed{seed}",
        {"names": ["originals", *RIVALS]},
        classifier=classifier,
        images=rivals,
        test=test_images,
    )
    plain = image_bytes(f"bytes/images/seed{seed}", test=test_images)
    return [*targets, rivals, verdict, plain]


def fit_fields(run: Run, seed: int, **fields: Any) -> dict[str, Any]:
    """Fields of `imgcomp.FitConfig`, with those that all trainings share."""
    return {"seed": seed, "precision": run.precision, **fields}


def cnn_config(run: Run, seed: int, well: bool = False) -> dict[str, Any]:
    """The configuration of the CNN's training, in the paper's regime or the second one."""
    from imgcomp import models

    s = run.settings
    spec = models.feng2018_cnn().spec
    fit = fit_fields(
        run,
        seed,
        objective="mse",
        optimizer="adam",
        lr=s.number("cnn_well_lr" if well else "cnn_lr"),
        batch_size=s.integer("cnn_well_batch" if well else "cnn_batch"),
        epochs=s.integer("ae_epochs"),
        keep_epochs=figure_8_epochs(s.integer("ae_epochs")),
    )
    if well:
        spec["initialization"] = s.word("cnn_well_initialization")
        fit["schedule"] = "cosine"
    return {"spec": spec, "seed": seed, "fit": fit, "device": run.device}


def ann_config(run: Run, method: str, seed: int, rate: float, momentum: float) -> dict[str, Any]:
    """The configuration of a training of ``ann`` or ``shared`` by SGD."""
    from imgcomp import models

    s = run.settings
    network = models.feng2018_ann() if method == "ann" else models.feng2018_shared()
    fit = fit_fields(
        run,
        seed,
        objective="mse",
        optimizer="sgd",
        lr=rate,
        momentum=momentum,
        batch_size=s.integer("ann_batch"),
        epochs=s.integer("ae_epochs"),
    )
    # A point of the sweep that is one of the regimes has the same configuration: trained once.
    regime = (rate, momentum) in [(lr, m) for _, lr, m in regimes(run)]
    if regime:
        fit["keep_epochs"] = figure_8_epochs(s.integer("ae_epochs"))
    return {
        "spec": network.spec,
        "seed": seed,
        "fit": fit,
        "device": run.device,
        "may_diverge": not regime,
    }


def _classifier_config(run: Run, seed: int) -> dict[str, Any]:
    from imgcomp import models

    s = run.settings
    network = models.feng2018_classifier(
        dropout=s.flag("clf_dropout"), num_classes=len(run.dataset.classes)
    )
    spec = network.spec
    if s.word("clf_inputs") == "standardised":
        mean, deviation = MNIST_STATISTICS
        spec["data_range"] = [(value - mean) / deviation for value in (0.0, 1.0)]
    fit = fit_fields(
        run,
        seed,
        objective="cross_entropy",
        optimizer="sgd",
        lr=s.number("clf_lr"),
        momentum=s.number("clf_momentum"),
        batch_size=s.integer("clf_batch"),
        epochs=s.integer("clf_epochs"),
    )
    return {"spec": spec, "seed": seed, "fit": fit, "device": run.device}


def paper_epochs(run: Run, paper_epochs: Sequence[int]) -> list[int]:
    """The classifier's epochs of this run that stand for the paper's."""
    epochs = run.settings.integer("clf_epochs")
    return [scaled_epoch(epoch, PAPER_CLASSIFIER_EPOCHS, epochs) for epoch in paper_epochs]
