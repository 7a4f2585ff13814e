"""bhattacharya2020: every claim of the paper and the rule that judges it, fixed before any run."""

from __future__ import annotations

from imgcomp.papers.bhattacharya2020.data import NAMES
from imgcomp.report import Claim, Holds, Near

LOSSES = {"mnist": 0.0022, "fashion-mnist": 0.0064}
"""Data set → training loss after 20 epochs."""
PARAMETERS = {"encoder": 98601, "decoder": 99689}
IN_LINE = 10.0
"""Per cent of the training loss by which a validation loss “in line” differs from it at most."""
DENOISER_LOSS = 0.124
PAPER_EPOCHS = 20
PAPER_DENOISER_EPOCHS = 100
SHORT = {"mnist": "mnist", "fashion-mnist": "fashion"}
"""Data set → how the claims’ identifiers begin."""


def _autoencoders() -> list[Claim]:
    found = []
    for name, loss in LOSSES.items():
        where = "Section 6.1, Figure 7" if name == "mnist" else "Section 6.2, Figure 9"
        found += [
            Claim(
                f"{SHORT[name]}_loss",
                "loss",
                "",
                loss,
                Near(1e-4, "lower"),
                where,
                f"{NAMES[name]}: training loss (mean squared error, scale [0, 1])",
                PAPER_EPOCHS,
            ),
            Claim(
                f"{SHORT[name]}_validation_gap",
                "loss",
                "%",
                IN_LINE,
                Holds("≤"),
                where,
                f"{NAMES[name]}: the validation loss is “in line”: how far it is from the training "
                "loss",
                PAPER_EPOCHS,
            ),
        ]
    return found


def _sizes() -> list[Claim]:
    return [
        *(
            Claim(
                f"{part}_parameters",
                "size",
                "",
                count,
                Holds("="),
                "Section 4",
                f"parameters of the {part}",
            )
            for part, count in PARAMETERS.items()
        ),
        Claim(
            "compression_factor",
            "size",
            "",
            0.0625,
            Holds("="),
            "Section 6.4",
            "“compression factor”: values of the code over those of the image",
        ),
    ]


def _denoising() -> list[Claim]:
    source = "Section 6.3"
    return [
        Claim(
            "denoiser_loss",
            "loss",
            "",
            DENOISER_LOSS,
            Near(1e-3, "lower"),
            source,
            "denoising instance, trained well: training loss",
            PAPER_DENOISER_EPOCHS,
        ),
        Claim(
            "dead_denoiser_loss",
            "loss",
            "",
            DENOISER_LOSS,
            Near(1e-3, None),
            source,
            "denoising instance whose code is zero from the start: validation loss",
        ),
        Claim(
            "constant_loss",
            "loss",
            "",
            0.1242,
            Near(1e-4, None),
            source,
            "a constant output: loss on the test images, the variance of their pixels",
        ),
        Claim(
            "denoiser_loss_ratio",
            "loss",
            "ratio",
            1.0,
            Holds("<"),
            source,
            "“successfully eliminating the noise”: validation loss over that of its input",
            PAPER_DENOISER_EPOCHS,
        ),
        Claim(
            "denoiser_gain",
            "quality",
            "dB",
            0.0,
            Holds(">"),
            source,
            "“successfully eliminating the noise”: PSNR gained on the test images, which were "
            "trained on by neither network",
            PAPER_DENOISER_EPOCHS,
        ),
    ]


CLAIMS: dict[str, Claim] = {
    claim.id: claim for claim in [*_autoencoders(), *_sizes(), *_denoising()]
}
