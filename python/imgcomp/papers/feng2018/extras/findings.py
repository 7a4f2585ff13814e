"""feng2018's extras in sentences, each made of this run's numbers."""

from __future__ import annotations

from imgcomp.papers.feng2018.extras.experiment import compressions, noises
from imgcomp.papers.feng2018.extras.numbers import Extras
from imgcomp.papers.feng2018.extras.tables import FILTER_NAMES, compression_name


def extra_findings(extras: Extras) -> list[str]:
    """The extras' part of the report's findings."""
    return [*_noise(extras), _deep(extras), _compressed(extras)]


def _noise(extras: Extras) -> list[str]:
    own = extras.run.settings.number("denoiser_noise")
    levels = [level for kind, level in noises(extras.run) if kind == "gaussian"]
    level = min(levels, key=lambda each: abs(each - own))

    def show(name: str) -> str:
        psnr, accuracy = (
            extras.noise("gaussian", level, name, what) for what in ("psnr", "accuracy")
        )
        return f"{psnr:.1f} dB and {accuracy:.1f} %"

    before = extras.noise("gaussian", level, "noisy", "psnr")
    filtering = [
        name
        for name in ("cnn-well", "ann-well", "cnn-denoiser", "ann-denoiser")
        if extras.noise("gaussian", level, name, "psnr") > before
    ]
    names = {
        "cnn-well": "the CNN",
        "ann-well": "the ANN",
        "cnn-denoiser": "the CNN trained as a denoiser",
        "ann-denoiser": "the ANN trained as a denoiser",
    }
    verdict = ", ".join(names[name] for name in filtering) or "none of the networks"
    best = max(
        (name for name in FILTER_NAMES if name != "noisy"),
        key=lambda name: extras.noise("gaussian", level, name, "psnr"),
    )
    return [
        f"Noisy inputs (future work): Gaussian noise of σ {level:g} leaves the test images at "
        f"{show('noisy')} (PSNR, classifier’s accuracy). The well-trained networks make of it "
        f"{show('cnn-well')} (CNN), {show('ann-well')} (ANN); trained as denoisers, "
        f"{show('cnn-denoiser')} (CNN), {show('ann-denoiser')} (ANN). Trivial rivals: "
        f"{show('median')} (median of 3×3), {show('pca-40')} (PCA, 40 values), "
        f"{show('pca-400')} (400).",
        f"So nearer to the clean images than the noisy ones are, at that noise: {verdict}; "
        f"nearest is {names.get(best, FILTER_NAMES[best])}.",
    ]


def _deep(extras: Extras) -> str:
    parts = []
    for values, deep, other, name in (
        (40, "deep-40", "cnn-well", "CNN"),
        (400, "deep-400", "ann-well", "ANN"),
    ):
        errors = [extras.quality(each, "mse") for each in (deep, other, f"pca-{values}")]
        accuracies = [extras.quality(each, "accuracy") for each in (deep, other, f"pca-{values}")]
        parts.append(
            f"with {values} values test MSE {errors[0]:.4f} and {accuracies[0]:.1f} % "
            f"({name}: {errors[1]:.4f}, {accuracies[1]:.1f} %; PCA: {errors[2]:.4f}, "
            f"{accuracies[2]:.1f} %)"
        )
    return f"The deep autoencoder (future work) reaches {parts[0]}, and {parts[1]}."


def _compressed(extras: Extras) -> str:
    """For each way, its smallest file that costs at most a point of accuracy."""
    whole = extras.compressed("whole", "plain", "bytes") or 1.0
    reference = extras.compressed("whole", "plain", "accuracy") or 0.0

    def smallest(method: str, state: str) -> str:
        found = []
        for label, config in compressions(extras.run).items():
            accuracy = extras.compressed(label, state, "accuracy")
            if config["method"] == method and accuracy is not None:
                size = extras.compressed(label, "plain", "bytes") or 0.0
                found.append((size, accuracy, compression_name(config)))
        fitting = [entry for entry in found if entry[1] >= reference - 1]
        if not fitting:
            return f"none (at best {max(entry[1] for entry in found):.1f} %)" if found else ""
        size, accuracy, name = min(fitting)
        return f"{size / 1e3:.0f} kB, {100 * size / whole:.0f} % ({name}; {accuracy:.1f} %)"

    parts = []
    for method, name in (
        ("prune", "pruning"),
        ("product", "product quantisation"),
        ("uniform", "uniform quantisation, the trivial rival"),
    ):
        plain, tuned = smallest(method, "plain"), smallest(method, "tuned")
        parts.append(f"by {name} {plain}" + (f", with fine-tuning {tuned}" if tuned else ""))
    more = extras.compressed("whole", "tuned", "accuracy")
    also = "" if more is None else f" ({more:.1f} % after as much fine-tuning as the others had)"
    return (
        f"The well-trained ANN takes {whole / 1e6:.2f} MB and gives {reference:.1f} % accuracy"
        f"{also}. "
        "Smaller layers (future work) at a cost of at most 1 point: " + "; ".join(parts) + "."
    )
