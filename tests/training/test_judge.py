"""The objective judge: what a classifier makes of the images that come out."""

import pytest
import torch
from reference_networks import random_images
from torch.nn import functional
from training_runs import convolutional, fit

import imgcomp
from imgcomp import models
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.models import layers

IMAGE = (2, 8, 6)
IMAGES = random_images(6, IMAGE)


def network():
    return convolutional(IMAGE)


def classifier(seed=2, shape=IMAGE):
    """Another range of data than the network's."""
    spec = models.classifier_spec(
        shape,
        [layers.conv2d(3, 3), layers.relu(), layers.flatten(), layers.dense(4)],
        data_range=(0.0, 1.0),
    )
    return models.from_spec(spec, seed)


def divergence(model, judge, images):
    """Of each image, nats, with the graph; and what is decided before and after."""
    x = images.float() / 255
    y = ((model(2 * x - 1) + 1) / 2).clamp(0, 1)
    wanted, found = (functional.log_softmax(judge.to_torch()(each), 1) for each in (x, y))
    each = functional.kl_div(found, wanted.detach(), reduction="none", log_target=True).sum(1)
    return each, (wanted.argmax(1) == found.argmax(1)).float().mean()


def test_it_is_the_divergence_of_decisions_and_has_its_gradient():
    model, judge = network(), classifier()
    each, agreement = divergence(model, judge, IMAGES)
    measured = imgcomp.evaluate(model, IMAGES, objective="judge", judge=judge)
    assert measured["loss"] == pytest.approx(float(each.mean().detach()), rel=1e-4)
    assert measured["agreement"] == pytest.approx(float(agreement))
    wanted = torch.autograd.grad(3 * each.mean(), model.parameters())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    kept = {name: tensor.clone() for name, tensor in judge.state_dict().items()}
    step = {"optimizer": "sgd", "lr": 0.5, "epochs": 1, "batch_size": 6}
    history = fit(model, IMAGES, objective="3*judge", judge=judge, **step)
    assert history["agreement"][0] == pytest.approx(float(agreement))
    for (name, after), gradient in zip(model.state_dict().items(), wanted, strict=True):
        torch.testing.assert_close(before[name] - after, 0.5 * gradient, rtol=2e-3, atol=1e-6)
    # The judge is as it was, and can be trained again.
    assert all(torch.equal(kept[name], tensor) for name, tensor in judge.state_dict().items())
    assert all(tensor.requires_grad for tensor in judge.parameters())


def test_it_learns_what_the_judge_looks_at():
    images = random_images(64, IMAGE)
    model, judge = network(), classifier()
    before = imgcomp.evaluate(model, images, objective="judge", judge=judge)["loss"]
    history = fit(model, images, objective="judge", judge=judge, epochs=12, lr=1e-2, batch_size=16)
    assert history["loss"][-1] < 0.3 * before


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        (None, "needs a classifier that judges"),
        (network(), "judge must be a Classifier, not Autoencoder"),
        (classifier(shape=(2, 8, 7)), r"judge sees images of \(2, 8, 7\), not of \(2, 8, 6\)"),
    ],
)
def test_what_is_no_judge(judge, message):
    with pytest.raises(UsageError, match=message):
        fit(network(), IMAGES, objective="judge", judge=judge)
    with pytest.raises(UsageError, match=message):
        imgcomp.evaluate(network(), IMAGES, objective="judge", judge=judge)


def test_a_run_goes_on_with_its_judge_alone(tmp_path):
    settings = {"objective": "judge", "checkpoint": tmp_path / "run.safetensors"}
    once = fit(network(), IMAGES, judge=classifier(), epochs=3, objective="judge")
    model = network()
    fit(model, IMAGES, judge=classifier(), epochs=2, **settings)
    with pytest.raises(CheckpointError, match="other data"):
        fit(network(), IMAGES, judge=classifier(seed=5), epochs=3, resume=True, **settings)
    again = fit(network(), IMAGES, judge=classifier(), epochs=3, resume=True, **settings)
    assert again["loss"].tolist() == once["loss"].tolist()
