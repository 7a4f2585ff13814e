"""bhattacharya2020: the main results, one sentence each, with the numbers of the run."""

from __future__ import annotations

from imgcomp.papers.accounting import real_bytes
from imgcomp.papers.bhattacharya2020.claims import DENOISER_LOSS, LOSSES
from imgcomp.papers.bhattacharya2020.data import CODE_VALUES, shown_name
from imgcomp.papers.bhattacharya2020.experiment import KINDS, latent_channels, noises
from imgcomp.papers.bhattacharya2020.numbers import Numbers, mean
from imgcomp.papers.bhattacharya2020.tables import sent
from imgcomp.papers.bhattacharya2020.tables_beyond import (
    counted,
    dead_counts,
    epoch_deaths,
    noise_title,
)


def findings(numbers: Numbers) -> list[str]:
    """What the report begins with."""
    return [
        *(_autoencoder(numbers, name) for name in numbers.names),
        _accounting(numbers),
        *(_dead(numbers, name) for name in counted(numbers)),
        _collapse(numbers),
        _denoising(numbers),
        *_noise(numbers),
        *_latent(numbers),
    ]


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def _percent(value: float) -> str:
    return f"{value:.1f} %"


def _autoencoder(numbers: Numbers, name: str) -> str:
    label = f"autoencoder-{name}"
    loss, validation = (mean(numbers.final(label, key)) for key in ("loss", "val_loss"))
    epochs = len(numbers.history(f"{label}/seed{numbers.seeds[0]}", "loss"))
    paper = f" (paper: {LOSSES[name]:g} after 20)" if name in LOSSES else ""
    quality = [mean(numbers.judged(label, what)) for what in ("psnr", "ssim", "accuracy")]
    pca = [numbers.rival(name, "pca-49", what) for what in ("psnr", "ssim", "accuracy")]
    return (
        f"{shown_name(name)}: after {_epochs(epochs)} the training loss is {loss:.4f}{paper}, the "
        f"validation loss {validation:.4f}. Test images come back with {quality[0]:.2f} dB and "
        f"SSIM {quality[1]:.3f}; a classifier judges {_percent(quality[2])} of them right, and "
        f"{_percent(numbers.rival(name, 'originals', 'accuracy'))} of the originals. PCA with as "
        f"many values, 49: {pca[0]:.2f} dB, {pca[1]:.3f}, {_percent(pca[2])}."
    )


def _accounting(numbers: Numbers) -> str:
    return (
        "The compression factor of 0.0625 counts values; the network computes them as floats, a "
        f"quarter of the image’s bytes. {real_bytes(sent(numbers))}"
    )


def _dead(numbers: Numbers, name: str) -> str:
    counts = dead_counts(numbers, name)
    begun, first, later = epoch_deaths(numbers, name)
    text = (
        f"{shown_name(name)}: of {counts['drawn']} networks as they are drawn, "
        f"{counts['before']} have a dead code"
    )
    if counts["trained"]:
        text += f"; of {counts['trained']} trained for {counts['steps']} steps, {counts['after']}"
    return (
        f"{text}. Trainings begun for the losses above: {begun}, of which {first} had a dead code "
        f"after the first epoch and {later} later, and were given up for other weights."
    )


def _collapse(numbers: Numbers) -> str:
    name, seeds = numbers.main, numbers.denoiser_seeds
    loss, validation = (
        mean(numbers.final("dead-denoiser", key, seeds)) for key in ("loss", "val_loss")
    )
    constant = numbers.variance(name, "test", "constant")
    file = numbers.variance(name, "file", "constant")
    died = [
        one["val_loss"]
        for label, data in numbers.tries().items()
        for one in data["tries"]
        if one["dead"] == "training" and label.split("/")[0] in (f"autoencoder-{name}",)
    ]
    text = (
        f"The loss of a constant output is the variance of the pixels: {constant:.4f} on the test "
        f"images of {shown_name(name)}, {file:.4f} on the training file. The denoising instance "
        f"with a code that is zero from the start ends with {loss:.4f} in training and "
        f"{validation:.4f} in validation; the paper states {DENOISER_LOSS:g}"
    )
    if max(abs(value - DENOISER_LOSS) for value in (constant, validation)) < 1e-3:
        text += ", so that its instance has collapsed to one grey"
    text += "."
    if died:
        text += (
            f" Where a code died in training, the decoder had learnt by then: its loss falls "
            f"below that, to {min(died):.4f} after one epoch or more; the mean image has "
            f"{numbers.variance(name, 'validation', 'mean'):.4f}."
        )
    return text


def _denoising(numbers: Numbers) -> str:
    seeds = numbers.denoiser_seeds
    label = numbers.denoiser()
    loss, validation = (mean(numbers.final(label, key, seeds)) for key in ("loss", "val_loss"))
    before = [mean(numbers.input_losses(part)) for part in ("train", "validation")]

    def change(part: str, what: str) -> str:
        was, now = (
            mean(numbers.judged(f"denoiser-{part}", what, seeds, image))
            for image in ("inputs", "images")
        )
        digits = {"psnr": ".2f", "ssim": ".4f", "accuracy": ".1f"}[what]
        return f"{was:{digits}} → {now:{digits}}"

    told = {
        part: f"PSNR {change(part, 'psnr')} dB, SSIM {change(part, 'ssim')}, accuracy "
        f"{change(part, 'accuracy')} %"
        for part in ("test", "train")
    }
    return (
        f"Trained well for {_epochs(numbers.denoiser_epochs)}, the denoising instance takes the "
        f"loss of its input from {before[0]:.5f} to {loss:.5f} on training images and from "
        f"{before[1]:.5f} to {validation:.5f} on validation images. On the test images: "
        f"{told['test']}; on images that it was trained on: {told['train']}."
    )


def _noise(numbers: Numbers) -> list[str]:
    found = []
    for kind, network in KINDS.items():
        parts = []
        for each, level in noises(numbers.run):
            if each != kind:
                continue
            psnr = {
                name: numbers.noise(kind, level, name, "psnr")
                for name in ("noisy", "median", network)
            }
            parts.append(
                f"{psnr['noisy']:.1f} → {psnr[network]:.1f} dB (median filter "
                f"{psnr['median']:.1f}) at {noise_title(kind, level)}"
            )
        if parts:
            found.append(f"Noise, by the network trained with its kind: {'; '.join(parts)}.")
    return found


def _latent(numbers: Numbers) -> list[str]:
    channels = latent_channels(numbers.run)
    if not channels:
        return []
    seed, name = numbers.seeds[:1], numbers.main
    parts = []
    for each in channels:
        values = CODE_VALUES * each
        ours = numbers.judged(f"latent{each}-{name}", "psnr", seed)[0]
        pca = numbers.rival(name, f"pca-{values}", "psnr")
        parts.append(f"{ours:.2f} beside {pca:.2f} dB ({values} values)")
    epochs = numbers.run.settings.integer("latent_epochs")
    return [f"Larger codes beside PCA, after {_epochs(epochs)}: {', '.join(parts)}."]
