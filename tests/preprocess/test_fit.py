"""Preprocessing inside fit: the same as before it, its targets, its seeds, and resuming."""

import numpy as np
import pytest
import torch
from plain_preprocessing import byte_images
from training_runs import (
    IMAGES,
    LABELS,
    assert_same_history,
    assert_same_weights,
    fit,
    tiny,
    tiny_classifier,
)

import imgcomp
from imgcomp import models
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.models import layers
from imgcomp.preprocess import (
    GaussianNoise,
    Pipeline,
    PoolSpline,
    RandomFlip,
    Scale,
    Standardize,
    statistics,
)

# Runs this short say nothing about the network.
pytestmark = pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")

LARGE = byte_images(12, (1, 9, 7))  # made 4×4 by SHRINK
SHRINK = Pipeline([Standardize.from_statistics(statistics(LARGE)), PoolSpline(2, 1, 4)])
DENOISE = Pipeline([Scale(0, 1), RandomFlip(), GaussianNoise(0.2)])


def close(first, second):
    for name in first:
        if not name.endswith("seconds"):
            assert first[name].tolist() == pytest.approx(second[name].tolist(), rel=1e-6), name


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_it_equals_fit_on_preprocessed_images(memory_format):
    ready = SHRINK(LARGE)
    inside, before = tiny_classifier(1), tiny_classifier(1)
    settings = {"epochs": 3, "lr": 0.01, "memory_format": memory_format}
    first = fit(inside, (LARGE, LABELS), preprocess=SHRINK, validation=(LARGE, LABELS), **settings)
    second = fit(before, (ready, LABELS), validation=(ready, LABELS), **settings)
    close(first, second)
    for a, b in zip(inside.state_dict().values(), before.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
    assert imgcomp.evaluate(inside, (LARGE, LABELS), preprocess=SHRINK)["loss"] == pytest.approx(
        imgcomp.evaluate(before, (ready, LABELS))["loss"], rel=1e-6
    )


def test_without_a_scale_bytes_come_into_the_data_range_first():
    spec = models.autoencoder_spec(
        (1, 4, 4), [layers.flatten(), layers.dense(3)],
        [layers.dense(16), layers.tanh(), layers.reshape((1, 4, 4))], data_range=(-1, 1),
    )  # fmt: skip
    plain = models.from_spec(spec, 1)
    other = models.from_spec(spec, 1)
    close(fit(plain, IMAGES), fit(other, IMAGES, preprocess=Pipeline()))
    # Floats are taken as they are.
    floats = Pipeline([Scale(-1, 1)])(IMAGES)
    third = models.from_spec(spec, 1)
    close(fit(third, floats, preprocess=Pipeline()), fit(models.from_spec(spec, 1), floats))


def test_a_denoiser_is_trained_towards_the_clean_images():
    """By hand: the noisy batches and the clean ones are what the pipeline gives on its own."""
    model = tiny(1)
    module = model.to_torch()
    history = fit(model, IMAGES, preprocess=DENOISE, epochs=2, batch_size=12, shuffle=False, seed=4,
                  optimizer="sgd", lr=0.5)  # fmt: skip
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    for epoch in (1, 2):
        noisy = DENOISE(IMAGES, seed=4, epoch=epoch)
        clean = DENOISE.without_noise()(IMAGES, seed=4, epoch=epoch)
        loss = torch.nn.functional.mse_loss(module(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert history["loss"][epoch - 1] == pytest.approx(loss.item(), rel=1e-5)


def test_the_geometry_of_the_target_is_that_of_the_input():
    """The clean target of a flipped image is flipped with it, whatever the order of the steps."""
    images = byte_images(64, (1, 4, 4))
    for steps in ([GaussianNoise(0.5), RandomFlip()], [RandomFlip(), GaussianNoise(0.5)]):
        pipeline = Pipeline([Scale(0, 1), *steps])
        quiet = Pipeline([Scale(0, 1), *[GaussianNoise(0.0) if s == GaussianNoise(0.5) else s
                                         for s in steps]])  # fmt: skip
        model = tiny(1)
        module = model.to_torch()
        history = fit(model, images, preprocess=pipeline, epochs=1, batch_size=64, shuffle=False)
        noisy, clean = pipeline(images, epoch=1), quiet(images, epoch=1)
        assert not torch.equal(clean, Pipeline([Scale(0, 1)])(images))
        loss = torch.nn.functional.mse_loss(module(noisy), clean)
        assert history["loss"][0] == pytest.approx(loss.item(), rel=1e-5)


def test_without_noise_the_target_is_the_input():
    flips = Pipeline([RandomFlip()])
    first = fit(tiny(1), IMAGES, preprocess=flips, batch_size=12, shuffle=False, epochs=1)
    ready = Pipeline([Scale(0, 1), *flips.steps])(IMAGES, epoch=1)
    second = fit(tiny(1), ready, batch_size=12, shuffle=False, epochs=1)
    assert first["loss"][0] == pytest.approx(second["loss"][0], rel=1e-6)


def test_explicit_targets_stay_as_they_are():
    noisy = Pipeline([Scale(0, 1), GaussianNoise(0.3)])
    first = fit(tiny(1), IMAGES, targets=IMAGES.flip(0), preprocess=noisy, batch_size=12,
                shuffle=False, epochs=1)  # fmt: skip
    second = fit(tiny(1), noisy(IMAGES, epoch=1), targets=IMAGES.flip(0), batch_size=12,
                 shuffle=False, epochs=1)  # fmt: skip
    assert first["loss"][0] == pytest.approx(second["loss"][0], rel=1e-6)
    with pytest.raises(UsageError, match="rotations, flips and shifts move the training images"):
        fit(tiny(1), IMAGES, targets=IMAGES, preprocess=DENOISE)


def test_validation_is_without_random_steps_unless_asked_for():
    data = {"validation": IMAGES, "epochs": 1, "lr": 0.0}
    default = fit(tiny(1), IMAGES, preprocess=DENOISE, **data)
    plain = fit(tiny(1), IMAGES, **data)
    assert default["val_loss"] == pytest.approx(plain["val_loss"], rel=1e-6)
    own = fit(tiny(1), IMAGES, preprocess=DENOISE, validation_preprocess=DENOISE, **data)
    assert own["val_loss"][0] != pytest.approx(plain["val_loss"][0], rel=1e-6)
    only = fit(tiny(1), IMAGES, validation_preprocess=DENOISE, **data)
    assert only["val_loss"] == pytest.approx(own["val_loss"])
    with pytest.raises(UsageError, match="validation_preprocess needs validation"):
        fit(tiny(1), IMAGES, validation_preprocess=DENOISE)


def test_resuming_gives_the_same_to_the_bit(checkpoint):
    settings = {"preprocess": DENOISE, "validation": IMAGES}
    whole = tiny(1)
    expected = fit(whole, IMAGES, epochs=4, **settings)
    fit(tiny(1), IMAGES, epochs=2, checkpoint=checkpoint, **settings)
    resumed = tiny(1)
    found = fit(resumed, IMAGES, epochs=4, checkpoint=checkpoint, resume=True, **settings)
    assert_same_weights(whole, resumed)
    assert_same_history(found, expected)
    for other in (
        None,
        DENOISE.without_noise(),
        Pipeline([*DENOISE.steps[:-1], GaussianNoise(0.1)]),
    ):
        with pytest.raises(CheckpointError, match="other data"):
            fit(tiny(1), IMAGES, epochs=4, checkpoint=checkpoint, resume=True,
                **{**settings, "preprocess": other})  # fmt: skip


def test_threads_make_no_difference_to_the_noise():
    first = fit(tiny(1), IMAGES, preprocess=DENOISE, batch_size=12, epochs=1)
    second = fit(tiny(1), IMAGES, preprocess=DENOISE, batch_size=12, epochs=1, threads=2)
    assert first["loss"].tolist() == pytest.approx(second["loss"].tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preprocess": [Scale(0, 1)]}, "preprocess must be an imgcomp.preprocess.Pipeline"),
        ({"preprocess": Pipeline([PoolSpline(2, 1, 5)])},
         r"gives \(1, 5, 5\), but the network's input_shape is \(1, 4, 4\)"),
        ({"validation": IMAGES, "validation_preprocess": Pipeline([PoolSpline(2, 1, 5)])},
         r"preprocessing of the validation images gives \(1, 5, 5\)"),
        ({"preprocess": Pipeline([PoolSpline(9, 1, 4)])}, "window over 4 samples"),
    ],
)  # fmt: skip
def test_pipelines_that_do_not_fit(settings, message):
    with pytest.raises(UsageError, match=message):
        fit(tiny(1), IMAGES, **settings)


def test_numpy_images_work_too():
    found = fit(tiny_classifier(1), (LARGE.numpy(), np.asarray(LABELS)), preprocess=SHRINK)
    expected = fit(tiny_classifier(1), (LARGE, LABELS), preprocess=SHRINK)
    assert_same_history(found, expected)
