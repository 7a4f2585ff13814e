"""The best epoch's weights, and stopping early."""

import pytest
import torch
from reference_networks import refused
from training_runs import (
    IMAGES,
    LABELS,
    fit,
    tiny,
    tiny_classifier,
    weights,
)

import imgcomp
from imgcomp.errors import UsageError


def test_keep_best_gives_back_the_best_epoch():
    states = []
    # Momentum this high makes the loss rise again now and then.
    model = tiny(seed=1)
    history = fit(
        model,
        epochs=12,
        optimizer="sgd",
        lr=8.0,
        momentum=0.9,
        validation=IMAGES[:5],
        keep_best="val_loss",
        callbacks=[lambda event: states.append(weights(event.model))],
    )
    best = int(history["val_loss"].argmin())
    assert history.best_epoch == best + 1
    assert best < 11, "the example should not get better to the end"
    for name, tensor in weights(model).items():
        assert torch.equal(tensor, states[best][name])
    measured = imgcomp.evaluate(model, IMAGES[:5])
    assert measured["loss"] == pytest.approx(history["val_loss"][best], rel=1e-6)


def test_keep_best_takes_the_highest_psnr_and_accuracy():
    history = fit(tiny(seed=1), epochs=12, optimizer="sgd", lr=8.0, momentum=0.9,
                  keep_best="psnr")  # fmt: skip
    assert history.best_epoch == int(history["psnr"].argmax()) + 1
    history = fit(tiny_classifier(), (IMAGES, LABELS), epochs=8, optimizer="sgd", lr=3.0,
                  keep_best="accuracy")  # fmt: skip
    assert history.best_epoch == int(history["accuracy"].argmax()) + 1


def test_patience_stops():
    model = tiny(seed=1)
    settings = {"optimizer": "sgd", "lr": 8.0, "momentum": 0.9, "keep_best": "loss"}
    whole = fit(tiny(seed=1), epochs=60, **settings)["loss"]
    # Where the loss is no better for three epochs in a row, by hand.
    best, since = 0, 0
    for epoch in range(1, 60):
        best, since = (epoch, 0) if whole[epoch] < whole[best] else (best, since + 1)
        if since == 3:
            break
    assert since == 3, "the example should run out of patience"
    history = fit(model, epochs=60, patience=3, **settings)
    assert history.stopped_early
    assert history.epochs == epoch + 1
    assert history.best_epoch == best + 1
    assert history["loss"].tolist() == whole[: epoch + 1].tolist()


def test_what_to_watch_is_checked_before_training():
    model = tiny()
    before = weights(model)
    with refused(UsageError, "keep_best must be one of 'loss', 'psnr', 'val_loss'", "'typo'"):
        fit(model, keep_best="typo")
    with refused(UsageError, "'loss', 'accuracy'", "'psnr'"):
        fit(tiny_classifier(), (IMAGES, LABELS), keep_best="psnr")
    with refused(UsageError, "'val_loss' cannot be watched without validation data"):
        fit(model, keep_best="val_loss")
    with refused(UsageError, "patience needs a column to watch"):
        fit(model, patience=2)
    for name, tensor in weights(model).items():
        assert torch.equal(tensor, before[name])
