"""toderici2017: its settings, at every scale."""

from __future__ import annotations

from imgcomp.papers.recurrent import INITIALIZATION
from imgcomp.papers.settings import Option

CELLS = {"lstm": "LSTM", "gru": "GRU", "associative_lstm": "associative LSTM"}
RECONSTRUCTIONS = {
    "one_shot": "one-shot",
    "additive": "additive",
    "residual_scaling": "residual scaling",
}

OPTIONS: tuple[Option, ...] = (
    Option(
        "cells",
        "the recurrent layers that are compared",
        "lstm+gru",
        words=("lstm+gru", "lstm+gru+associative_lstm", *CELLS),
    ),
    Option(
        "width",
        "factor of all channels but those of the bits and of the image; 1 in the paper",
        0.125,
        chosen="the paper’s network does not train in reasonable time on a few processor cores; "
        "0.125 leaves cells of 32 and 64 channels in the encoder",
        least=0.01,
    ),
    Option(
        "iterations",
        "iterations in training and in use; each sends 32 bits for 16×16 pixels",
        16,
        quick=8,
        smoke=4,
        least=2,
        most=16,
    ),
    Option(
        "images",
        "training images of 32×32 pixels",
        4000,
        quick=800,
        smoke=64,
        chosen="the paper trains on 32×32 tiles of photographs, among them those that PNG "
        "compresses worst; these are images of CIFAR-10, which are scaled down and smoother",
        least=1,
    ),
    Option(
        "validation_images",
        "training images kept apart, measured after each epoch",
        256,
        quick=64,
        smoke=16,
        chosen="not in the paper",
        least=1,
    ),
    Option("epochs", "epochs of every training", 6, quick=5, smoke=2, chosen="see images", least=1),
    Option(
        "batch",
        "images of a step",
        8,
        chosen="small: with so few images, more steps get further than larger ones",
        least=1,
    ),
    Option(
        "lr",
        "Adam’s rate at the beginning; it falls to nothing along half a cosine",
        2e-3,
        chosen="one rate for all networks, so that they differ in nothing else; lower ones were "
        "tried on short trainings of both cells, one-shot, and were slower",
        least=0,
    ),
    INITIALIZATION,
    Option(
        "grad_clip",
        "largest norm of the gradient of all weights",
        1.0,
        chosen="not in the paper; a guard, since gradients go back through all iterations",
        least=1e-6,
    ),
    Option(
        "test_images",
        "test images that all is measured on",
        2000,
        quick=300,
        smoke=48,
        chosen="as many as leave time for three seeds of every network",
        least=1,
    ),
    Option(
        "photographs",
        "photographs that all is measured on: kodak; auto (Kodak’s where they are found); none; "
        "or the path of a folder of one’s own",
        "kodak",
        smoke="auto",
    ),
    Option(
        "photograph_count",
        "how many of the photographs, the first ones",
        8,
        quick=2,
        smoke=1,
        chosen="the paper measures on all 24 of Kodak’s",
        least=1,
    ),
    Option(
        "peer_images",
        "test images that go through JPEG and WebP",
        500,
        quick=100,
        smoke=12,
        chosen="not in the paper",
        least=1,
    ),
    Option(
        "qualities",
        "qualities of JPEG and WebP",
        (0.0, 1.0, 3.0, 5.0, 8.0, 12.0, 18.0, 25.0, 35.0, 50.0, 65.0, 80.0, 90.0),
        quick=(0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 70.0),
        smoke=(1.0, 5.0, 20.0, 60.0),
        chosen="not in the paper",
        least=0,
        most=95,
    ),
)
