"""bhattacharya2020: the report's figures with their captions."""

from __future__ import annotations

from functools import partial

from imgcomp.papers.bhattacharya2020 import drawings, drawings_beyond
from imgcomp.papers.bhattacharya2020.data import shown_name
from imgcomp.papers.bhattacharya2020.experiment import latent_channels, noises
from imgcomp.papers.bhattacharya2020.numbers import Numbers
from imgcomp.papers.bhattacharya2020.tables_beyond import counted
from imgcomp.report import Figure

_PAPERS = {"mnist": (6, 7), "fashion-mnist": (8, 9)}
"""Data set → the paper's figures of reconstructions and of losses."""


def figures(numbers: Numbers) -> list[Figure]:
    """The report's figures."""
    return [*_autoencoders(numbers), *_denoising(numbers), *_beyond(numbers)]


def _of_paper(name: str, which: int) -> str:
    return f" (the paper’s Figure {_PAPERS[name][which]})" if name in _PAPERS else ""


def _autoencoders(numbers: Numbers) -> list[Figure]:
    seeds = len(numbers.seeds)
    spread = f" Lines: means over {seeds} seeds, bands their range." if seeds > 1 else ""
    found = []
    for name in sorted(numbers.names, reverse=True):
        key = name.replace("-", "_")
        found += [
            Figure(
                f"reconstructions_{key}",
                f"Test images of {shown_name(name)} and their reconstructions" + _of_paper(name, 0),
                f"Pictures of seed {numbers.seeds[0]}; below each its mean PSNR and SSIM on all "
                "test images, and what a classifier that was trained on originals judges right.",
                partial(drawings.reconstructions, numbers, name),
                inline="png",
            ),
            Figure(
                f"loss_{key}",
                f"Training and validation loss, {shown_name(name)}" + _of_paper(name, 1),
                "Training: mean over the batches of an epoch; validation: after it. Dotted: the "
                f"paper’s loss after 20 epochs, and PCA’s on the test images.{spread}",
                partial(drawings.loss_curves, numbers, name),
            ),
        ]
    return found


def _denoising(numbers: Numbers) -> list[Figure]:
    epochs = numbers.denoiser_epochs
    dead = numbers.run.settings.integer("collapsed_epochs")
    return [
        Figure(
            "denoised",
            "Input and target of the denoising instance (the paper’s Figure 10), and its output",
            f"Test images of {shown_name(numbers.main)}. Below: the same network with a code that "
            "is zero from the start, and the constant that has the least error on the training "
            f"images. Trained for {epochs} and {dead} epochs; seed {numbers.denoiser_seeds[0]}.",
            partial(drawings.denoiser_pictures, numbers),
            inline="png",
        ),
        Figure(
            "denoiser_loss",
            "Loss of the denoising instance: trained well, and with a dead code",
            "Dotted: the paper’s loss after 100 epochs, which is that of a constant; the loss of "
            "the mean image; and that of the reconstructions as they are, which denoising has to "
            "go below.",
            partial(drawings.denoiser_curves, numbers),
        ),
    ]


def _beyond(numbers: Numbers) -> list[Figure]:
    found = []
    s = numbers.run.settings
    if counted(numbers):
        found.append(
            Figure(
                "zeros",
                "Zeros in the code of networks as they are drawn, and after a few steps",
                "Share of the code’s values that are zero, one point for each network. At 100 % "
                "the code is dead: the same picture for every image.",
                partial(drawings.zeros, numbers),
            )
        )
    if noises(numbers.run):
        trained = (
            f"Trained for {s.integer('noise_epochs')} epochs, from the autoencoder on, with "
            f"Gaussian noise of σ {s.number('noise_trained'):g} and with "
            f"{100 * s.number('noise_trained_share'):g} % salt and pepper."
        )
        found += [
            Figure(
                "noise",
                "Does the network remove real noise?",
                "PSNR against the images without noise, and what a classifier judges right. "
                f"{trained} The Gaussian filter is the best one of those tried at each level.",
                partial(drawings_beyond.noise_curves, numbers),
            ),
            Figure(
                "noise_images",
                "Noisy test images and what comes out",
                f"PSNR and accuracy on all test images. {trained}",
                partial(drawings_beyond.noise_pictures, numbers),
                inline="png",
            ),
        ]
    if latent_channels(numbers.run):
        found.append(
            Figure(
                "latent",
                "Larger codes beside PCA",
                f"The code has 1 to {latent_channels(numbers.run)[-1]} channels of 7×7 values; "
                f"{s.integer('latent_epochs')} epochs, seed {numbers.seeds[0]}, test images of "
                f"{shown_name(numbers.main)}.",
                partial(drawings_beyond.latent_curves, numbers),
            )
        )
    return found
