"""The papers' networks written by hand in plain PyTorch, and what tests of networks share.

Parameters come in the order of imgcomp's, so that weights can be copied one by one.
"""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from imgcomp import models


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 25, 3, stride=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(25, 10, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, stride=1),
        nn.ConvTranspose2d(10, 25, 3, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(25, 10, 5, stride=3, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(10, 1, 2, stride=2, padding=1),
        nn.Sigmoid(),
    )


def ann(hidden=400):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, hidden),
        nn.Sigmoid(),
        nn.Linear(hidden, 784),
        nn.Sigmoid(),
        nn.Unflatten(1, (1, 28, 28)),
    )


class Shared(nn.Module):
    def __init__(self, hidden=400):
        super().__init__()
        self.dense = nn.Linear(784, hidden)
        bound = hidden**-0.5
        self.bias = nn.Parameter(torch.empty(784).uniform_(-bound, bound))

    def parameters(self, recurse=True):
        return iter([self.dense.weight, self.dense.bias, self.bias])

    def forward(self, x):
        code = torch.sigmoid(self.dense(x.flatten(1)))
        output = torch.sigmoid(code @ self.dense.weight + self.bias)
        return output.reshape(-1, 1, 28, 28)


def classifier():
    return nn.Sequential(
        nn.Conv2d(1, 10, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(10, 20, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(320, 50),
        nn.ReLU(),
        nn.Linear(50, 10),
    )


def buell():
    def convolution(channels):
        return [nn.Conv2d(channels, 32, 3), nn.ReLU()]

    def dense(inputs, outputs):
        return [nn.Linear(inputs, outputs), nn.ReLU()]

    return nn.Sequential(
        *convolution(1), *convolution(32), nn.MaxPool2d(2),
        *convolution(32), *convolution(32), nn.MaxPool2d(2),
        nn.Flatten(), *dense(512, 64), *dense(64, 64), *dense(64, 32), *dense(32, 32),
        nn.Linear(32, 10),
    )  # fmt: skip


# name: (ours, plain PyTorch), small enough for quick tests
PAIRS = {
    "cnn": (lambda seed=0: models.feng2018_cnn(seed), cnn),
    "ann": (lambda seed=0: models.feng2018_ann(40, seed), lambda: ann(40)),
    "shared": (lambda seed=0: models.feng2018_shared(40, seed), lambda: Shared(40)),
    "classifier": (
        lambda seed=0: models.feng2018_classifier(dropout=False, seed=seed),
        classifier,
    ),
}


# With those whose weights are drawn in another way than PyTorch's.
ALL_PAIRS = {**PAIRS, "buell2022": (lambda seed=0: models.buell2022(seed=seed), buell)}


def copy_weights(model, module):
    """Gives a hand-written module the weights of an imgcomp model."""
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), module.parameters(), strict=True):
            theirs.copy_(ours)
    return module


def random_images(count, shape=(1, 28, 28), seed=0):
    """uint8 (count, *shape)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)


@contextmanager
def refused(kind, *fragments):
    """Expects a clean exception whose message has all the fragments."""
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    for fragment in fragments:
        assert fragment in message, message
    assert type(caught.value) is kind
    # Neither ATen's backtrace nor pybind11's listing of overloads.
    assert "Exception raised from" not in message
    assert "incompatible function arguments" not in message
