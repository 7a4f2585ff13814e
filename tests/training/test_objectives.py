"""Losses that are sums of several terms, and structural similarity as a loss."""

import pytest
import torch
from reference_networks import random_images, refused
from training_runs import convolutional, fit

import imgcomp
from imgcomp import FitConfig, metrics, models
from imgcomp.errors import UsageError
from imgcomp.models import layers

IMAGE = (2, 16, 12)


def network():
    return convolutional(IMAGE)


def losses(model, images):
    """Each term by itself, on the scale of the data range."""
    x = images.float() / 255 * 2 - 1
    y = model(x)
    return {
        "mse": (x - y).square().mean(),
        "l1": (x - y).abs().mean(),
        "ms_ssim": 1 - metrics.ms_ssim(y, x, data_range=2.0).mean().float(),
    }


@pytest.mark.parametrize(
    ("objective", "factors"),
    [
        ("ms_ssim", {"ms_ssim": 1}),
        ("0.84*ms_ssim+0.16*l1", {"ms_ssim": 0.84, "l1": 0.16}),
        ("mse+1e-2*l1+2*mse", {"mse": 3, "l1": 0.01}),
    ],
)
def test_a_sum_of_terms(objective, factors):
    model, images = network(), random_images(6, IMAGE)
    terms = losses(model, images)
    expected = sum(factor * terms[name] for name, factor in factors.items())
    wanted = torch.autograd.grad(expected, model.parameters())
    assert imgcomp.evaluate(model, images, objective=objective)["loss"] == pytest.approx(
        float(expected.detach()), rel=1e-5
    )
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fit(model, images, objective=objective, optimizer="sgd", lr=0.5, epochs=1, batch_size=6)
    for (name, after), gradient in zip(model.state_dict().items(), wanted, strict=True):
        torch.testing.assert_close(before[name] - after, 0.5 * gradient, rtol=1e-3, atol=1e-6)


def test_similarity_as_a_column():
    model, images = network(), random_images(8, IMAGE)
    history = fit(
        model, images, validation=images, metrics=("ms_ssim",), epochs=1, batch_size=8, lr=0.0
    )
    assert history["loss"][0] == pytest.approx(float(losses(model, images)["mse"].detach()))
    similarity = 1 - float(losses(model, images)["ms_ssim"].detach())
    assert history["ms_ssim"][0] == pytest.approx(similarity, abs=1e-5)
    assert history["val_ms_ssim"][0] == pytest.approx(similarity, abs=1e-5)


def test_of_several_iterations_the_mean():
    spec = models.autoencoder_spec(
        IMAGE, [layers.conv_gru(4, 3)], [layers.conv2d(2, 1)], iterations=3
    )
    model, images = models.from_spec(spec, seed=2), random_images(5, IMAGE)
    x = images.float() / 255
    expected = sum((x - y).abs().mean() for y in model.reconstructions(x)) / 3
    found = imgcomp.evaluate(model, images, objective="l1")
    assert found["loss"] == pytest.approx(float(expected.detach()), rel=1e-5)


@pytest.mark.parametrize(
    "objective",
    ["ssim", "l1+", "+l1", "2l1", "0*l1", "-1*l1", "nan*l1", "l1*2", "1,5*l1", "l1 + mse",
     "l1+cross_entropy"],
)  # fmt: skip
def test_what_is_no_objective(objective):
    with refused(UsageError, "0.84*ms_ssim+0.16*l1", repr(objective)):
        FitConfig(objective=objective)


def test_what_does_not_fit_the_network():
    classifier = models.from_spec(
        models.classifier_spec(IMAGE, [layers.flatten(), layers.dense(2)])
    )
    data = (random_images(4, IMAGE), torch.tensor([0, 1, 0, 1]))
    with refused(UsageError, "ms_ssim", "classifier"):
        fit(classifier, data, objective="ms_ssim")
    with refused(UsageError, "'precision'", "ms_ssim"):
        fit(network(), data[0], metrics=("precision",))
    small = models.autoencoder_spec((1, 4, 4), [layers.conv2d(1, 1)], [layers.conv2d(1, 1)])
    images = random_images(4, (1, 4, 4))
    with refused(UsageError, "bce", "sigmoid"):
        fit(models.from_spec(small), images, objective="0.5*bce+mse")
