"""What may be trained on, in all its forms, and what is refused."""

import numpy as np
import pytest
import torch
from reference_networks import random_images, refused
from torch.nn import functional
from training_runs import (
    IMAGE,
    IMAGES,
    LABELS,
    assert_same_weights,
    fit,
    psnr_of_batch,
    tiny,
    tiny_classifier,
    weights,
)

import imgcomp
from imgcomp import models
from imgcomp.errors import UsageError
from imgcomp.models import layers


def test_targets():
    denoised = tiny(seed=1)
    noisy = random_images(12, IMAGE, seed=7)
    history = fit(denoised, noisy, targets=IMAGES, lr=0, epochs=1, validation=noisy[:5],
                  validation_targets=IMAGES[:5])  # fmt: skip
    output = denoised(noisy.float() / 255).detach()
    clean = IMAGES.float() / 255
    assert history["loss"][0] == pytest.approx(functional.mse_loss(output, clean).item())
    assert history["psnr"][0] == pytest.approx(psnr_of_batch(output, IMAGES))
    val = functional.mse_loss(output[:5], clean[:5]).item()
    assert history["val_loss"][0] == pytest.approx(val)


def test_targets_are_shuffled_with_their_images():
    # Each image's target is its negative: only the right pairing can be learnt this well.
    model = tiny(hidden=16)
    images = random_images(40, IMAGE)
    history = fit(model, images, targets=255 - images, epochs=150, batch_size=8, lr=0.01)
    assert history["loss"][-1] < 0.2 * history["loss"][0]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_all_forms_of_the_same_images_train_alike(memory_format):
    spec = models.autoencoder_spec(
        (2, 4, 4), [layers.conv2d(3, 3, padding=1), layers.relu()], [layers.conv2d(2, 1)]
    )
    images = random_images(12, (2, 4, 4))
    array = images.numpy()
    read_only = array.copy()
    read_only.flags.writeable = False
    backwards = np.ascontiguousarray(array[::-1, :, :, ::-1])

    class Split:  # fmt: skip
        def __init__(self):
            self.images, self.labels = images, torch.zeros(12, dtype=torch.int64)

    forms = {
        "tensor": images,
        "array": array,
        "read-only array": read_only,
        "negative strides": backwards[::-1, :, :, ::-1],
        "fortran order": np.asfortranarray(array),
        "channels last": images.contiguous(memory_format=torch.channels_last),
        "every other of twice": images.repeat_interleave(2, 0)[::2],
        "with labels": (images, torch.zeros(12, dtype=torch.int64)),
        "split": Split(),
        "float32": images.float() / 255,
        "float64": array / 255,
        "requires grad": (images.float() / 255).requires_grad_(),
    }
    outcomes = {}
    for name, data in forms.items():
        model = models.from_spec(spec, seed=1)
        fit(model, data, memory_format=memory_format)
        outcomes[name] = model
    for name, model in outcomes.items():
        for ours, first in zip(
            weights(model).values(), weights(outcomes["tensor"]).values(), strict=True
        ):  # fmt: skip
            torch.testing.assert_close(ours, first, rtol=0, atol=0, msg=name)


def test_uint8_targets_with_float_images():
    mixed, plain = tiny(), tiny()
    fit(mixed, IMAGES.float() / 255, targets=IMAGES)
    fit(plain, IMAGES)
    assert_same_weights(mixed, plain)


def test_labels_of_any_whole_number_type():
    first = tiny_classifier()
    fit(first, (IMAGES, LABELS))
    for labels in (LABELS.to(torch.uint8), LABELS.to(torch.int32), LABELS.numpy(),
                   LABELS.numpy().astype(np.uint16)):  # fmt: skip
        again = tiny_classifier()
        fit(again, (IMAGES, labels))
        assert_same_weights(first, again)


def test_an_autoencoder_ignores_labels():
    first, second = tiny(), tiny()
    fit(first, (IMAGES, LABELS + 100))
    fit(second, IMAGES)
    assert_same_weights(first, second)


def test_the_data_are_left_alone():
    images, labels = IMAGES.clone(), LABELS.clone()
    fit(tiny_classifier(), (images, labels))
    fit(tiny(), images)
    floats = (IMAGES.float() / 255).clone()
    before = floats.clone()
    fit(tiny(last=layers.relu()), floats)
    assert torch.equal(images, IMAGES)
    assert torch.equal(labels, LABELS)
    assert torch.equal(floats, before)


@pytest.mark.parametrize(
    ("data", "fragments"),
    [
        (random_images(3, (1, 4, 5)), ["training images", "(N, 1, 4, 4)", "(3, 1, 4, 5)"]),
        (random_images(3, (3, 4, 4)), ["training images", "(N, 1, 4, 4)", "(3, 3, 4, 4)"]),
        (IMAGES[0], ["(1, 4, 4)"]),
        (IMAGES[:0], ["training images are empty"]),
        (torch.zeros(3, 1, 4, 0), ["(3, 1, 4, 0)"]),
        (IMAGES.int(), ["uint8, or float32", "not Int"]),
        (IMAGES.half(), ["not Half"]),
        (IMAGES.bool(), ["not Bool"]),
        (IMAGES.to("meta"), ["without data (meta)"]),
        ((IMAGES, LABELS, LABELS), ["(images, labels)", "tuple of 3"]),
        ((IMAGES, LABELS.float()), ["labels must be int64 of shape (12,)", "Float"]),
        ((IMAGES, LABELS[:5]), ["labels must be int64 of shape (12,)", "(5,)"]),
        ((IMAGES, LABELS[:, None]), ["labels must be int64 of shape (12,)", "(12, 1)"]),
        ((IMAGES, [0] * 12), ["training labels", "not list"]),
        ([IMAGES], ["training images", "not list"]),
        (None, ["training images", "not NoneType"]),
        ("fashion-mnist", ["training images", "not str"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_bad_data_are_refused(data, fragments):
    model = tiny()
    before = weights(model)
    with refused(UsageError, *fragments):
        fit(model, data)
    if data is not None:
        with refused(UsageError, *(part.replace("training", "validation") for part in fragments)):
            fit(model, IMAGES, validation=data)
    for name, tensor in weights(model).items():
        assert torch.equal(tensor, before[name])


def test_bad_labels_are_refused():
    for bad in (3, -1):
        labels = LABELS.clone()
        labels[5] = bad
        with refused(UsageError, "labels must lie in 0…2", f"got {bad}"):
            fit(tiny_classifier(), (IMAGES, labels))
        with refused(UsageError, "validation labels must lie in 0…2", f"got {bad}"):
            fit(tiny_classifier(), (IMAGES, LABELS), validation=(IMAGES, labels))
    with refused(UsageError, "needs labels"):
        fit(tiny_classifier(), IMAGES)


def test_a_whole_data_set_is_refused():
    digits = imgcomp.datasets.digits()
    with refused(UsageError, "one split of a data set", ".train"):
        fit(models.feng2018_ann(4), digits)


def test_bad_targets_are_refused():
    with refused(UsageError, "12 images but 5 targets"):
        fit(tiny(), targets=IMAGES[:5])
    with refused(UsageError, "training targets", "(N, 1, 4, 4)"):
        fit(tiny(), targets=random_images(12))
    with refused(UsageError, "validation_targets need validation images"):
        fit(tiny(), validation_targets=IMAGES)
    with refused(UsageError, "classifier is given labels"):
        fit(tiny_classifier(), (IMAGES, LABELS), targets=IMAGES)


def test_bce_needs_outputs_and_images_in_zero_to_one():
    fit(tiny(), objective="bce")
    with refused(UsageError, "'bce'", "'sigmoid'", "'tanh'"):
        fit(tiny(last=layers.tanh()), objective="bce")
    with refused(UsageError, "'bce' needs images in [0, 1]"):
        fit(tiny(), IMAGES.float(), objective="bce")


def test_frozen_parameters_are_refused():
    model = tiny()
    model.parameters()[0].requires_grad_(False)
    with refused(UsageError, "every parameter", "requires_grad is False", "encoder"):
        fit(model)


def test_a_network_without_weights_is_refused():
    model = models.from_spec(models.autoencoder_spec(IMAGE, [layers.relu()], [layers.relu()]))
    with refused(UsageError, "nothing to train"):
        fit(model)
