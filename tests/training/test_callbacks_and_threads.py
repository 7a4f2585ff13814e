"""Callbacks, models in use, and threads."""

import threading
import time

import pytest
import torch
from reference_networks import random_images, refused
from training_runs import (
    IMAGES,
    assert_same_weights,
    fit,
    tiny,
)

import imgcomp
from imgcomp import models
from imgcomp.errors import UsageError


def test_callbacks_see_every_epoch():
    seen = []
    model = tiny()
    history = fit(model, epochs=3, validation=IMAGES, callbacks=[seen.append, seen.append])
    assert len(seen) == 6
    assert [event.epoch for event in seen[::2]] == [1, 2, 3]
    for event in seen:
        assert event.epochs == 3
        assert event.model is model
        for name, value in event.metrics.items():
            assert value == history[name][event.epoch - 1]


def test_a_callback_that_returns_false_ends_the_run():
    model, shorter = tiny(), tiny()
    history = fit(model, epochs=9, callbacks=[lambda event: event.epoch < 3])
    assert history.epochs == 3
    assert history.stopped_early
    fit(shorter, epochs=3)
    assert_same_weights(model, shorter)
    # None, 0 and the like go on.
    assert fit(tiny(), epochs=3, callbacks=[lambda event: None, lambda event: 0]).epochs == 3


class Own(Exception):
    """An exception of the caller's."""


def test_exceptions_of_callbacks_come_out_unchanged():
    error = Own("mine")

    def callback(event):
        if event.epoch == 2:
            raise error

    model, shorter = tiny(), tiny()
    with pytest.raises(Own) as caught:
        fit(model, epochs=9, callbacks=[callback])
    assert caught.value is error
    # The model is as the epoch left it, and can go on.
    fit(shorter, epochs=2)
    assert_same_weights(model, shorter)
    fit(model, epochs=1)


def test_callbacks_may_use_the_model():
    found = []

    def callback(event):
        reconstruction = event.model.reconstruct(IMAGES)
        measured = imgcomp.evaluate(event.model, IMAGES)
        found.append((reconstruction, measured["loss"], event.metrics["val_loss"]))

    watched, alone = tiny(), tiny()
    fit(watched, epochs=3, validation=IMAGES, callbacks=[callback])
    fit(alone, epochs=3, validation=IMAGES)
    assert_same_weights(watched, alone)
    for reconstruction, measured, recorded in found:
        assert reconstruction.shape == IMAGES.shape
        assert measured == recorded


def test_tiny_numbers_are_zero_in_training_alone():
    def tiny_is_kept():
        return bool(torch.tensor(2.0**-126) * 0.5 > 0)

    seen = [tiny_is_kept()]
    fit(tiny(), epochs=2, validation=IMAGES, callbacks=[lambda _: seen.append(tiny_is_kept())])
    assert [*seen, tiny_is_kept()] == [True] * 4


def test_a_callback_may_train_another_model():
    inner = tiny(seed=5)
    outer, alone, inner_alone = tiny(), tiny(), tiny(seed=5)
    fit(outer, epochs=2, callbacks=[lambda event: fit(inner, epochs=1) and None])
    fit(alone, epochs=2)
    assert_same_weights(outer, alone)
    for _ in range(2):
        fit(inner_alone, epochs=1)
    assert_same_weights(inner, inner_alone)


def test_a_model_in_training_is_not_trained_by_another():
    model = tiny()

    def callback(event):
        fit(model)

    with refused(UsageError, "is being trained by another call of fit"):
        fit(model, callbacks=[callback])
    fit(model)  # the refusal leaves nothing locked

    results = []

    def train():
        try:
            results.append(fit(model, epochs=200))
        except UsageError as error:
            results.append(error)

    threads = [threading.Thread(target=train) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(isinstance(result, imgcomp.History) for result in results)


def test_training_goes_on_from_the_weights_it_finds():
    twice, once = tiny(), tiny()
    for _ in range(2):
        fit(twice, epochs=2, optimizer="sgd", shuffle=False)
    fit(once, epochs=4, optimizer="sgd", shuffle=False)
    assert_same_weights(twice, once)


def test_threads_are_put_back():
    before = torch.get_num_threads()
    seen = []
    try:
        for count in (2, 1):
            torch.set_num_threads(count)
            note = lambda event: seen.append(torch.get_num_threads())  # noqa: E731
            fit(tiny(), threads=3 - count, callbacks=[note])
            assert torch.get_num_threads() == count
        with pytest.raises(Own):
            fit(tiny(), threads=2, callbacks=[lambda event: (_ for _ in ()).throw(Own())])
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1, 2, 2]


def test_threads_made_later_are_left_alone():
    def fresh():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        return seen[0]

    before, inside = fresh(), []
    fit(tiny(), threads=before + 1, callbacks=[lambda event: inside.append(fresh())])
    assert inside == [before] * len(inside)
    assert inside
    assert fresh() == before


def test_other_python_threads_run_meanwhile():
    # Between two epochs of fit, another thread counts: it could not if fit held the GIL.
    model = models.feng2018_ann(100)
    images = random_images(2000)
    count, counts, done = 0, [], threading.Event()

    def work():
        nonlocal count
        while not done.is_set():
            count += 1
            time.sleep(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        fit(model, images, epochs=3, batch_size=20, callbacks=[lambda e: counts.append(count)])
    finally:
        done.set()
        thread.join()
    assert counts[1] - counts[0] > 10
    assert counts[2] - counts[1] > 10
