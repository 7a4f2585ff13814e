"""bhattacharya2020: what goes beyond the paper as tables."""

from __future__ import annotations

from imgcomp.papers.bhattacharya2020.claims import LOSSES
from imgcomp.papers.bhattacharya2020.data import CODE_VALUES, shown_name
from imgcomp.papers.bhattacharya2020.experiment import latent_channels, noises, sweep_points
from imgcomp.papers.bhattacharya2020.numbers import Numbers
from imgcomp.papers.dead_codes import DEAD_FROM
from imgcomp.report import Column, Table
from imgcomp.report.results import Cell

_FILTERS = {
    "noisy": "as it is",
    "median": "median 3×3",
    "pca-49": "PCA, 49 values",
    "autoencoder": "autoencoder, never saw noise",
    "gaussian-denoiser": "trained with Gaussian noise",
    "salt-denoiser": "trained with salt and pepper",
}


def filter_name(name: str) -> str:
    """A filter's or network's name for people."""
    if name in _FILTERS:
        return _FILTERS[name]
    return f"Gaussian filter, σ {name.removeprefix('gaussian-')}"


def noise_title(kind: str, level: float) -> str:
    """A noise for people."""
    if kind == "none":
        return "none"
    if kind == "gaussian":
        return f"Gaussian, σ {level:g}"
    return f"salt and pepper, {100 * level:g} %"


def beyond_tables(numbers: Numbers) -> list[Table]:
    """The tables of what the run has of it."""
    found = []
    if counted(numbers):
        found.append(_dead(numbers))
    if noises(numbers.run):
        found += [_noise(numbers, "psnr"), _noise(numbers, "accuracy")]
    if latent_channels(numbers.run):
        found.append(_latent(numbers))
    if sweep_points(numbers.run) or numbers.annealed_seeds:
        found.append(_sweep(numbers))
    return found


def counted(numbers: Numbers) -> list[str]:
    """The data sets on which dead codes were counted."""
    return [name for name in numbers.names if numbers.has(f"count/dead-{name}/all")]


def dead_counts(numbers: Numbers, name: str) -> dict[str, int]:
    """How many of the networks that were drawn have a dead code.

    Returns:
        ``drawn`` and how many of these are dead ``before`` training; ``trained`` for so many
        ``steps`` and how many of these are dead ``after``.
    """
    data = numbers.data(f"count/dead-{name}/all")

    def dead(rows: list[dict[str, float]]) -> int:
        return sum(row["images"] >= DEAD_FROM for row in rows)

    return {
        "drawn": len(data["before"]),
        "before": dead(data["before"]),
        "trained": len(data["after"]),
        "after": dead(data["after"]),
        "steps": data["steps"],
    }


def epoch_deaths(numbers: Numbers, name: str) -> tuple[int, int, int]:
    """Of the trainings with the run's settings on a data set: tries that began, died, later ones.

    Returns:
        Tries that were trained; those whose code was dead after the first epoch; those whose code
        died later.
    """
    begun = first = later = 0
    for label, data in numbers.tries().items():
        if not label.startswith(f"autoencoder-{name}/"):
            continue
        for one in data["tries"]:
            if one["dead"] == "before":
                continue
            begun += 1
            first += one["dead"] == "training" and one["epoch"] == 1
            later += one["dead"] == "training" and one["epoch"] > 1
    return begun, first, later


def _dead(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for name in counted(numbers):
        counts = dead_counts(numbers, name)
        begun, first, later = epoch_deaths(numbers, name)
        rows.append(
            [
                shown_name(name),
                *(counts[key] for key in ("drawn", "before", "trained", "steps", "after")),
                begun,
                first,
                later,
            ]
        )
    return Table(
        "dead_codes",
        "How often the code is dead",
        "Networks drawn with the seeds 0, 1, …; dead: the code is zero for at least 99 % of the "
        "probe images. Some of them were trained for a few steps with the paper’s settings. Last: "
        "the paper’s own trainings, with every try.",
        [
            Column("Data"),
            Column("Drawn", "d"),
            Column("dead", "d"),
            Column("Trained", "d"),
            Column("for steps", "d"),
            Column("dead then", "d"),
            Column("Trained by epochs", "d"),
            Column("dead after the first", "d"),
            Column("later", "d"),
        ],
        rows,
    )


def _noise(numbers: Numbers, measure: str) -> Table:
    names = numbers.noise_names()
    s = numbers.run.settings
    unit, digits = ("PSNR (dB)", ".2f") if measure == "psnr" else ("accuracy (%)", ".1f")
    return Table(
        f"noise_{measure}",
        f"Noisy test images of {shown_name(numbers.main)}: {unit}",
        "Against the images without noise, after each filter or network. Noise is added, clipped "
        "and rounded to 8 bits. The last two networks go on from the trained autoencoder for "
        f"{s.integer('noise_epochs')} epochs, with Gaussian noise of σ "
        f"{s.number('noise_trained'):g} and {100 * s.number('noise_trained_share'):g} % salt and "
        f"pepper, drawn anew each epoch. Seed {numbers.seeds[0]}.",
        [Column("Noise"), *(Column(filter_name(name), digits) for name in names)],
        [
            [
                noise_title(kind, level),
                *(numbers.noise(kind, level, name, measure) for name in names),
            ]
            for kind, level in noises(numbers.run)
        ],
    )


def _latent(numbers: Numbers) -> Table:
    name, seed = numbers.main, numbers.seeds[:1]
    rows: list[list[Cell]] = []
    for channels in latent_channels(numbers.run):
        label = f"latent{channels}-{name}"
        values = CODE_VALUES * channels
        mse = float(numbers.data(f"reconstruct/{label}/seed{seed[0]}")["mse"])
        rows.append(
            [
                f"7×7×{channels}",
                values,
                4 * values,
                mse,
                *(numbers.judged(label, what, seed)[0] for what in ("psnr", "ssim", "accuracy")),
                numbers.rival(name, f"pca-{values}", "loss"),
                *(
                    numbers.rival(name, f"pca-{values}", what)
                    for what in ("psnr", "ssim", "accuracy")
                ),
            ]
        )
    return Table(
        "latent",
        f"Larger codes beside PCA with as many values, {shown_name(name)}",
        f"After {numbers.run.settings.integer('latent_epochs')} epochs, fewer than the paper’s; "
        f"seed {seed[0]}, test images.",
        [
            Column("Code"),
            Column("Values", ",d"),
            Column("Bytes as floats", ",d"),
            Column("Test MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("Accuracy (%)", ".1f"),
            Column("PCA: MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("Accuracy (%)", ".1f"),
        ],
        rows,
    )


def _sweep(numbers: Numbers) -> Table:
    s = numbers.run.settings
    rows: list[list[Cell]] = []

    def row(name: str, what: str, label: str, epoch: int, changed: dict[str, object]) -> None:
        fit = {"lr": s.number("lr"), "batch_size": s.integer("batch"), **changed}
        losses, validation = (numbers.history(label, key) for key in ("loss", "val_loss"))
        data = numbers.data(f"train/{label}")
        rows.append(
            [
                shown_name(name),
                what,
                float(str(fit["lr"])),
                int(str(fit["batch_size"])),
                str(fit.get("initialization") or s.word("initialization")),
                epoch,
                losses[epoch - 1],
                validation[epoch - 1],
                LOSSES.get(name),
                len(data["tries"]) - 1,
            ]
        )

    for name in numbers.names:
        seed = numbers.seeds[0]
        own = f"autoencoder-{name}/seed{seed}"
        reached = len(numbers.history(own, "loss"))
        points = sweep_points(numbers.run)
        epochs = s.integer("sweep_epochs")
        if points and epochs <= reached:
            row(name, "as the run", own, epochs, {})
        for point, changed in points.items():
            row(name, "sweep", f"sweep-{point}-{name}/seed{seed}", epochs, changed)
        row(name, "as the run", own, reached, {})
        for each in numbers.annealed_seeds:
            row(name, "rate falls to 0", f"annealed-{name}/seed{each}", reached, {})
    return Table(
        "sweep",
        "Learning rate, batch size, initial weights",
        "One thing changed at a time, one seed; the paper’s losses belong to 20 epochs. Restarts: "
        "how many initial weights were given up because the code was dead.",
        [
            Column("Data"),
            Column("Training"),
            Column("Rate", "g"),
            Column("Batch", "d"),
            Column("Weights"),
            Column("Epochs", "d"),
            Column("Training loss", ".5f"),
            Column("Validation loss", ".5f"),
            Column("Paper", ".4f"),
            Column("Restarts", "d"),
        ],
        rows,
    )
