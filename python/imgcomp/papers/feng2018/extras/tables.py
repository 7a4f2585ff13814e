"""feng2018's extras as tables: noise, deep autoencoders, smaller layers."""

from __future__ import annotations

from imgcomp.papers.feng2018.extras.experiment import DEEP, compressions, noises
from imgcomp.papers.feng2018.extras.numbers import Extras
from imgcomp.report import Column, Table

FILTER_NAMES = {
    "noisy": "the noisy images",
    "median": "median of 3×3",
    "pca-40": "PCA, 40 values",
    "pca-400": "PCA, 400 values",
    "cnn-well": "CNN",
    "cnn-denoiser": "CNN, denoiser",
    "ann-well": "ANN",
    "ann-denoiser": "ANN, denoiser",
}
"""What noisy images are sent through, for people."""
_SHORT = {
    "noisy": "Noisy",
    "median": "Median",
    "pca-40": "PCA 40",
    "pca-400": "PCA 400",
    "cnn-well": "CNN",
    "cnn-denoiser": "CNN den.",
    "ann-well": "ANN",
    "ann-denoiser": "ANN den.",
}
DEEP_NAMES = {"deep-40": "Deep, 40 values", "deep-400": "Deep, 400 values"}

Row = list[float | int | str | None]


def over(extras: Extras) -> str:
    """Which seeds the numbers are means of."""
    seeds = ", ".join(str(seed) for seed in extras.seeds)
    return f"Means over seeds {seeds}." if len(extras.seeds) > 1 else f"Seed {seeds}."


def compression_name(config: dict[str, object]) -> str:
    """A way to make layers smaller, for people."""
    if config["method"] == "prune":
        return f"pruned, {100 * float(str(config['share'])):g} % away"
    if config["method"] == "product":
        return f"product, {config['length']} weights, {config['codewords']} words"
    if config["method"] == "uniform":
        return f"uniform, {config['bits']} bits"
    return "all weights, 32-bit floats"


def extra_tables(extras: Extras) -> list[Table]:
    """The extras' part of the report's tables."""
    return [
        _noise(
            extras,
            "noise_psnr",
            "Noisy inputs: PSNR",
            "psnr",
            "PSNR in dB against the images without noise, after noise and output were rounded to "
            "8 bits; 99 dB stands for no error.",
        ),
        _noise(
            extras,
            "noise_accuracy",
            "Noisy inputs: the classifier’s accuracy",
            "accuracy",
            "Share in % that the classifier, trained on images without noise, judges right.",
        ),
        _deep(extras),
        _compressed(extras),
    ]


def _noise(extras: Extras, id: str, title: str, what: str, caption: str) -> Table:
    rows: list[Row] = []
    for kind, level in noises(extras.run):
        name = {"none": "none", "gaussian": f"Gaussian, σ {level:g}"}.get(
            kind, f"salt and pepper, {100 * level:g} %"
        )
        rows.append([name, *(extras.noise(kind, level, each, what) for each in FILTER_NAMES)])
    s = extras.run.settings
    return Table(
        id,
        title,
        f"{caption} CNN and ANN: the well-trained networks, which saw no noise. Den.: the same "
        f"trained in {s.integer('extras_epochs')} epochs to give back clean images from such with "
        f"Gaussian noise of σ {s.number('denoiser_noise'):g}, drawn anew each epoch. PCA is that "
        f"of the clean training images. {over(extras)}",
        [Column("Noise"), *(Column(_SHORT[name], ".1f") for name in FILTER_NAMES)],
        rows,
    )


def _deep(extras: Extras) -> Table:
    rows: list[Row] = []
    for values, labels in (
        (40, ("deep-40", "cnn-well", "pca-40")),
        (400, ("deep-400", "ann-well", "pca-400")),
    ):
        for label in labels:
            network = not label.startswith("pca-")
            parameters, epochs, loss, seconds = (
                extras.training(label) if network else (None, None, None, None)
            )
            rows.append(
                [
                    {**FILTER_NAMES, **DEEP_NAMES}[label].removesuffix(f", {values} values"),
                    values,
                    parameters,
                    epochs,
                    loss,
                    extras.quality(label, "mse"),
                    extras.quality(label, "psnr"),
                    extras.quality(label, "accuracy"),
                    seconds,
                ]
            )
    layers = " and ".join(
        f"784–{'–'.join(str(width) for width in hidden)}–{code}" for code, hidden in DEEP.values()
    )
    return Table(
        "deep",
        "Deep autoencoders beside networks and PCA with as many values",
        f"{layers} and back, ReLU inside, trained by Adam from "
        f"{extras.run.settings.number('deep_lr'):g} along a cosine on the same images; CNN and "
        f"ANN in the second regime. {over(extras)}",
        [
            Column("Network"),
            Column("Values", ",d"),
            Column("Parameters", ",d"),
            Column("Epochs", "d"),
            Column("Training MSE", ".5f"),
            Column("Test MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
            Column("Accuracy (%)", ".1f"),
            Column("Training (s)", ".1f"),
        ],
        rows,
    )


def _compressed(extras: Extras) -> Table:
    epochs = extras.run.settings.integer("tune_epochs")
    whole = extras.compressed("whole", "plain", "bytes") or 1.0
    rows: list[Row] = []
    for label, config in compressions(extras.run).items():
        size = extras.compressed(label, "plain", "bytes") or 0.0
        packed = extras.compressed(label, "plain", "packed") or 0.0
        rows.append(
            [
                compression_name(config),
                round(size),
                100 * size / whole,
                round(packed),
                extras.compressed(label, "plain", "mse"),
                extras.compressed(label, "plain", "accuracy"),
                extras.compressed(label, "tuned", "mse"),
                extras.compressed(label, "tuned", "accuracy"),
            ]
        )
    return Table(
        "compressed",
        "The well-trained ANN with smaller layers",
        "Bytes of the whole network’s file: pruned layers as 32-bit values with their positions "
        "(a bit for each place, or a byte for each gap, whichever is less); product-quantised ones "
        "as 32-bit codebooks, one for each group of columns, and each row’s codeword numbers; "
        "uniformly quantised ones, the trivial rival, as so many bits a weight; biases and a "
        "header. LZMA: what that makes of the file. Tuned: after "
        f"{epochs} epoch{'s' if epochs != 1 else ''} of training what is left, at the "
        f"same size; of uniform layers these are the ends of the scale. MSE and accuracy "
        f"on the reconstructed test images. {over(extras)}",
        [
            Column("Layers"),
            Column("Bytes", ",d"),
            Column("Share (%)", ".1f"),
            Column("LZMA", ",d"),
            Column("MSE", ".5f"),
            Column("Acc. (%)", ".1f"),
            Column("MSE tuned", ".5f"),
            Column("Acc. tuned", ".1f"),
        ],
        rows,
    )
