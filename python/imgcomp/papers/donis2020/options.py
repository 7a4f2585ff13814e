"""donis2020: its settings, at every scale."""

from __future__ import annotations

from imgcomp.papers.recurrent import INITIALIZATION
from imgcomp.papers.settings import Option

PAPER_EPOCHS = 15
PAPER_IMAGES = 100_000
PAPER_TEST = 20_000

OPTIONS: tuple[Option, ...] = (
    Option(
        "both",
        "join CIFAR-100 to CIFAR-10, as the paper does; other data sets stay alone",
        True,
    ),
    Option(
        "images",
        "training images of the whole set; the set sizes are half of it, all of it, and twice as "
        "many with rotations by 90 degrees",
        PAPER_IMAGES,
        quick=2560,
        smoke=256,
        least=16,
        most=PAPER_IMAGES,
    ),
    Option(
        "test_images",
        "test images that all is measured on",
        PAPER_TEST,
        quick=600,
        smoke=96,
        least=8,
        most=PAPER_TEST,
    ),
    Option(
        "measured_train",
        "training images, chosen at random, that are measured after each epoch",
        5000,
        quick=300,
        smoke=64,
        chosen="the paper records the training images as they are trained on, with weights that "
        "change meanwhile; here a part of them goes through the network as it is after the epoch",
        least=8,
        most=PAPER_IMAGES,
    ),
    Option("epochs", "epochs of every training", PAPER_EPOCHS, quick=5, smoke=2, least=1),
    Option(
        "batches",
        "batch sizes, with the whole set of images",
        (32.0, 64.0, 128.0, 512.0, 1024.0),
        quick=(4.0, 8.0, 16.0, 64.0, 128.0),
        smoke=(8.0, 32.0, 128.0),
        least=1,
    ),
    Option(
        "batch",
        "batch size of the set sizes and of everything else",
        128,
        quick=16,
        smoke=32,
        chosen="not printed; the middle one of the paper’s",
        least=1,
    ),
    Option(
        "lr",
        "Adam’s rate",
        1e-3,
        chosen="“learning rates between 0.01 and 0.001”; the lower one, the other is shown",
        least=0,
    ),
    Option(
        "high_lr",
        "the other rate that is shown",
        1e-2,
        least=0,
    ),
    Option(
        "cell",
        "the recurrent layers",
        "lstm",
        words=("lstm", "gru"),
    ),
    INITIALIZATION,
    Option(
        "mixture",
        "share of MS-SSIM in the objective that is meant to keep colour; the rest is L1",
        0.84,
        chosen="not in the paper; the mixture of Zhao et al. (2017)",
        least=0.01,
        most=0.99,
    ),
    Option(
        "bound_images",
        "training images whose mean and covariance the bound and PCA know",
        PAPER_IMAGES,
        quick=12_000,
        smoke=1000,
        chosen="not in the paper",
        least=16,
        most=PAPER_IMAGES,
    ),
    Option(
        "code_bits",
        "bits that the rate–distortion function is computed at; those of the code are added",
        (16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0),
        smoke=(64.0, 128.0, 512.0),
        chosen="not in the paper",
        least=1,
    ),
    Option(
        "gradient_images",
        "training images of which the gradients of each layer are computed",
        512,
        quick=256,
        smoke=64,
        chosen="not in the paper",
        least=2,
    ),
)
