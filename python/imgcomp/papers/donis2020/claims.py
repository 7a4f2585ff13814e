"""donis2020: every claim of the paper and the rule that judges it, fixed before any run."""

from __future__ import annotations

from imgcomp.papers.donis2020.options import PAPER_EPOCHS
from imgcomp.papers.donis2020.stages import VARIANTS
from imgcomp.report import Claim, Holds, Near

ACCURACY = 0.95
"""The lower end of “95–98 %”."""
LOST = 0.5
"""Share of the chroma’s variance from which on colour counts as largely lost."""
CAUGHT_UP = 0.005
"""MS-SSIM by which large batches may be behind for us to say that they match the small ones."""
SAME = 0.01
"""Variation of the outputs, as a share of the inputs’, below which they are one and the same."""
VANISHED = 0.1
"""Share of leaky ReLU’s gradient below which ReLU’s counts as vanishing beside it."""
LARGE = 4
"""Batches of at least so many times the middle one are large: 512 beside the paper's 128."""
IMAGE_RATIO = 27e6


def _quality() -> list[Claim]:
    return [
        Claim(
            f"accuracy_{name}",
            "quality",
            "",
            ACCURACY,
            Holds("≥"),
            "Section IV.B: “within the range of 95–98% percent accuracy”",
            f"(a) {text} on the test images, the best training of the paper’s Figures 2 and 4",
            PAPER_EPOCHS,
        )
        for name, text in VARIANTS.items()
    ]


def _colour() -> list[Claim]:
    source = "Section IV.B: “a significant amount of color contrast is lost”"
    return [
        Claim(
            "chroma_lost",
            "colour",
            "",
            LOST,
            Holds("≥"),
            source,
            "(b) squared error of chroma over chroma’s variance: most of it is lost",
            PAPER_EPOCHS,
        ),
        Claim(
            "chroma_over_luma",
            "colour",
            "ratio",
            1.0,
            Holds(">"),
            source,
            "(b) that share over the same share of luma: colour suffers more than brightness",
            PAPER_EPOCHS,
        ),
        Claim(
            "chroma_kept",
            "colour",
            "",
            LOST,
            Holds("<"),
            "Section IV.B: “simplified to a near-grayscale color gamut”",
            "(b) mean Cb² + Cr² of the outputs over that of the originals",
            PAPER_EPOCHS,
        ),
    ]


def _sizes() -> list[Claim]:
    found = [
        Claim(
            f"size{size}_lead",
            "order",
            "MS-SSIM",
            0.0,
            Holds(">"),
            "Section III.B, Figure 4",
            f"(c) {size},000 images over 100,000: difference of adaptive MS-SSIM, test images",
            PAPER_EPOCHS,
        )
        for size in (50, 200)
    ]
    found.append(
        Claim(
            "size50_first_epoch_lead",
            "order",
            "MS-SSIM",
            0.0,
            Holds(">"),
            "Section IV.A: “for one epoch, the 50 thousand image set performed better”",
            "(d) 50,000 images over 200,000 after one epoch: difference of adaptive MS-SSIM, test "
            "images",
            1,
        )
    )
    return found


def _batches() -> list[Claim]:
    source = "Section III.B, Figure 2: “larger batch sizes have poor performance prior to …”"
    return [
        Claim(
            "large_batches_start",
            "order",
            "MS-SSIM",
            0.0,
            Holds("<"),
            source,
            "(e) batches of 512 and more over smaller ones after one epoch: difference of the "
            "means of adaptive MS-SSIM, test images",
            1,
        ),
        Claim(
            "large_batches_end",
            "order",
            "MS-SSIM",
            -CAUGHT_UP,
            Holds("≥"),
            source + " “but quickly match or even surpass”",
            "(e) the best of batches of 512 and more over the mean of the smaller ones at the "
            f"end; within {CAUGHT_UP:g} counts as matched",
            PAPER_EPOCHS,
        ),
    ]


def _one_image() -> list[Claim]:
    source = "Section II.B: MAE “outputted the exact same image for every input”"
    return [
        Claim(
            name,
            "collapse",
            "",
            SAME,
            Holds("<"),
            source,
            f"(f) MAE as objective, {text}: variance between the outputs over that between the "
            "inputs",
            PAPER_EPOCHS,
        )
        for name, text in (
            ("mae_variation", "the lower rate"),
            ("mae_fast_variation", "the higher rate"),
        )
    ]


def _gradients() -> list[Claim]:
    source = "Section II.B: “the depth of the network had introduced a vanishing gradient problem”"
    return [
        Claim(
            "relu_gradient",
            "gradient",
            "ratio",
            VANISHED,
            Holds("<"),
            source,
            "(g) gradient of the first layer’s weights before the training, ReLU over leaky ReLU",
        ),
        Claim(
            "leaky_lead",
            "order",
            "MS-SSIM",
            0.0,
            Holds(">"),
            source,
            "(g) leaky ReLU over ReLU at the end: difference of adaptive MS-SSIM, test images",
            PAPER_EPOCHS,
        ),
    ]


def _sums() -> list[Claim]:
    return [
        Claim(
            "parameters_16",
            "size",
            "",
            1e9,
            Near(1e8, None),
            "Section II.D: “16 iterations … just shy of one billion network parameters”",
            "(h) parameters of the network with 16 iterations",
        ),
        Claim(
            "image_ratio",
            "size",
            "ratio",
            IMAGE_RATIO,
            Near(1e6, None),
            "Section II.D: “27 million times the amount of images”",
            "tiles of 32×32 in six million images of 1280×720, over 200,000 images",
        ),
    ]


CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in [
        *_quality(),
        *_colour(),
        *_sizes(),
        *_batches(),
        *_one_image(),
        *_gradients(),
        *_sums(),
    ]
}
