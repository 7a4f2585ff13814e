"""Divergence and collapse, and what fit leaves alone."""

import re
import warnings

import pytest
import torch
from reference_networks import random_images, refused
from training_runs import (
    IMAGE,
    IMAGES,
    LABELS,
    assert_same_weights,
    fit,
    tiny,
    tiny_classifier,
)

import imgcomp
from imgcomp.errors import CollapsedOutputWarning, TrainingDivergedError
from imgcomp.models import layers


def test_divergence_names_epoch_and_step():
    # A rate this high throws the weights to infinity within a few steps.
    model = tiny(last=layers.leaky_relu(1.0))
    with pytest.raises(TrainingDivergedError) as caught:
        fit(model, optimizer="sgd", lr=1e20, epochs=5, log_batches=True)
    assert re.search(r"epoch 1, step [23] of 3", str(caught.value))
    assert isinstance(caught.value, ArithmeticError)


def test_divergence_in_a_later_epoch():
    def spoil(event):
        if event.epoch == 2:
            event.model.state_dict()["decoder.out.bias"].fill_(torch.nan)

    with refused(TrainingDivergedError, "no longer finite in epoch 3, step 1 of 3"):
        fit(tiny(), epochs=5, callbacks=[spoil])


def test_divergence_in_the_last_step_of_an_epoch_is_found(checkpoint):
    # One step to infinity: no loss is computed from the weights that it leaves.
    model = tiny(last=layers.leaky_relu(1.0))
    x = torch.full((4, *IMAGE), 1e10)
    with refused(TrainingDivergedError, "the weights are no longer finite", "epoch 1, step 1"):
        fit(model, x, optimizer="sgd", lr=1e38, epochs=1, checkpoint=checkpoint)
    # The checkpoint is that of the start.
    assert_same_weights(imgcomp.load(checkpoint), tiny(last=layers.leaky_relu(1.0)))


def test_divergence_seen_by_the_validation_alone():
    x = IMAGES.float() / 255
    x[0, 0, 0, 0] = torch.nan
    with refused(TrainingDivergedError, "the validation loss is no longer finite after epoch 1"):
        fit(tiny(), IMAGES, validation=x)


def constant(model):
    state = model.state_dict()
    for name in ("encoder.code.weight", "decoder.out.weight"):
        state[name].zero_()
    return model


def test_collapse_is_reported():
    with pytest.warns(CollapsedOutputWarning, match="same output for every input"):
        history = fit(constant(tiny()), lr=0)
    assert history.collapsed
    assert history["collapsed"].tolist() == [1, 1]
    with pytest.warns(CollapsedOutputWarning):
        assert fit(constant(tiny()), lr=0, validation=IMAGES[:5]).collapsed


def test_collapse_of_a_classifier_is_reported():
    model = tiny_classifier()
    for name, tensor in model.state_dict().items():
        if name.endswith("weight"):
            tensor.zero_()
    with pytest.warns(CollapsedOutputWarning):
        assert fit(model, (IMAGES, LABELS), lr=0).collapsed


def test_no_collapse_where_there_is_none():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not fit(tiny(hidden=16), random_images(40, IMAGE), epochs=60, lr=0.01).collapsed
        # An output that should be constant is no collapse, nor is one class if there is one only.
        assert not fit(constant(tiny()), IMAGES[:1].expand(8, -1, -1, -1), lr=0).collapsed
        one_class = (IMAGES, torch.ones(12, dtype=torch.int64))
        assert not fit(tiny_classifier(), one_class, epochs=30, lr=0.1).collapsed


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_fit_works_in_every_grad_mode(mode):
    first, second = tiny(), tiny()
    with mode():
        images = IMAGES.float() / 255
        fit(first, images)
        made_here = tiny()
    fit(second, IMAGES.float() / 255)
    fit(made_here, images)
    assert_same_weights(first, second)
    assert_same_weights(made_here, second)


def test_fit_leaves_gradients_and_generators_alone():
    model = tiny()
    state = torch.get_rng_state()
    fit(model, epochs=2)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled()
