"""Small training runs and the plain PyTorch loop that they are compared with."""

import torch
from reference_networks import random_images
from torch.nn import functional

import imgcomp
from imgcomp import models
from imgcomp.models import layers

IMAGE = (1, 4, 4)
IMAGES = random_images(12, IMAGE)
LABELS = torch.arange(12) % 3


def tiny(seed=0, *, last=None, hidden=3):
    """An autoencoder of 16 pixels that trains in next to no time."""
    return models.from_spec(
        models.autoencoder_spec(
            IMAGE,
            [layers.flatten(), layers.dense(hidden, name="code"), layers.tanh()],
            [layers.dense(16, name="out"), last or layers.sigmoid(), layers.reshape(IMAGE)],
        ),
        seed,
    )


def convolutional(image, seed=1):
    """An autoencoder of convolutions, for images (2, H, W) in −1 … 1."""
    spec = models.autoencoder_spec(
        image,
        [layers.conv2d(4, 3, padding=1), layers.tanh()],
        [layers.conv2d(2, 3, padding=1)],
        data_range=(-1.0, 1.0),
    )
    return models.from_spec(spec, seed)


def tiny_classifier(seed=0, dropout=0.0):
    return models.from_spec(
        models.classifier_spec(
            IMAGE,
            [
                layers.flatten(),
                layers.dense(8, name="hidden"),
                layers.relu(),
                layers.dropout(dropout),
                layers.dense(3, name="logits"),
            ],
        ),
        seed,
    )


def fit(model, data=IMAGES, **settings):
    """imgcomp.fit, quiet and on one thread."""
    settings = {"progress": False, "threads": 1, "epochs": 2, "batch_size": 4, **settings}
    return imgcomp.fit(model, data, **settings)


def weights(model):
    """The weights as they are now."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same_weights(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert list(first) == list(second)
    for name in first:
        assert torch.equal(first[name], second[name]), name


def assert_same_history(first, second):
    """Equal to the bit but for the clock."""
    assert list(first) == list(second)
    for name in first:
        if not name.endswith("seconds"):
            assert first[name].tolist() == second[name].tolist(), name
    assert first.best_epoch == second.best_epoch
    assert {k: v.tolist() for k, v in first.batches.items()} == {
        k: v.tolist() for k, v in second.batches.items()
    }


def train_in_torch(module, data, optimizer, *, loss=None, batch_size=8, epochs=1, clip=None,
                   scheduler=None):  # fmt: skip
    """The plain loop, in order and in float32; returns the loss of every batch."""
    images, labels = data if isinstance(data, tuple) else (data, None)
    loss = loss or (functional.mse_loss if labels is None else functional.cross_entropy)
    module.train()
    losses = []
    for _ in range(epochs):
        for begin in range(0, len(images), batch_size):
            x = images[begin : begin + batch_size].float() / 255
            y = x if labels is None else labels[begin : begin + batch_size]
            optimizer.zero_grad()
            value = loss(module(x), y)
            value.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(module.parameters(), clip)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            losses.append(value.item())
    return losses


def psnr_of_batch(output, images):
    """The mean over images of the PSNR on the 8-bit scale."""
    as_bytes = output.detach().mul(255).round().clamp(0, 255).double()
    mse = (as_bytes - images.double()).square().flatten(1).mean(1)
    return (10 * torch.log10(255**2 / mse)).mean().item()
