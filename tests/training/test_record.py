"""What a run records: means over images, one value per epoch and column."""

import numpy as np
import pytest
from reference_networks import refused
from torch.nn import functional
from training_runs import (
    IMAGES,
    LABELS,
    assert_same_history,
    assert_same_weights,
    fit,
    psnr_of_batch,
    tiny,
    tiny_classifier,
)

from imgcomp.errors import UsageError


def test_metrics_are_means_over_images_not_batches():
    # lr=0: every batch sees the same network. Batches of 5, 5 and 2 images.
    model = tiny(seed=2)
    history = fit(model, lr=0, batch_size=5, epochs=1, validation=IMAGES[:7], log_batches=True)
    x = IMAGES.float() / 255
    output = model(x).detach()
    assert history["loss"][0] == pytest.approx(functional.mse_loss(output, x).item(), rel=1e-6)
    assert history["psnr"][0] == pytest.approx(psnr_of_batch(output, IMAGES), rel=1e-9)
    val = functional.mse_loss(output[:7], x[:7]).item()
    assert history["val_loss"][0] == pytest.approx(val, rel=1e-6)
    assert history["val_psnr"][0] == pytest.approx(psnr_of_batch(output[:7], IMAGES[:7]))
    assert len(history.batches["loss"]) == 3
    weighted = np.average(history.batches["loss"], weights=[5, 5, 2])
    assert history["loss"][0] == pytest.approx(weighted, rel=1e-12)
    assert np.average(history.batches["psnr"], weights=[5, 5, 2]) == pytest.approx(
        history["psnr"][0]
    )


def test_classifier_metrics():
    model = tiny_classifier(seed=2)
    history = fit(model, (IMAGES, LABELS), lr=0, batch_size=5, epochs=2,
                  validation=(IMAGES[3:8], LABELS[3:8]))  # fmt: skip
    logits = model(IMAGES.float() / 255).detach()
    right = logits.argmax(1) == LABELS
    assert history["loss"].tolist() == pytest.approx(
        [functional.cross_entropy(logits, LABELS).item()] * 2, rel=1e-6
    )
    assert history["accuracy"][1] == pytest.approx(right.double().mean().item())
    assert history["val_accuracy"][1] == pytest.approx(right[3:8].double().mean().item())
    assert "psnr" not in history


def test_one_value_per_epoch_and_column():
    history = fit(tiny(), epochs=3, validation=IMAGES)
    columns = {"epoch", "loss", "psnr", "val_loss", "val_psnr", "lr", "seconds", "val_seconds",
               "collapsed"}  # fmt: skip
    assert set(history) == columns
    for name in columns:
        assert history[name].shape == (3,)
        assert history[name].dtype == np.float64
    assert history["epoch"].tolist() == [1, 2, 3]
    assert (history["seconds"] > 0).all()
    assert (history["val_seconds"] > 0).all()
    assert history.seconds == pytest.approx(history["seconds"].sum())
    assert history.epochs == 3
    assert not history.stopped_early
    assert set(fit(tiny())) == columns - {"val_loss", "val_psnr"}


def test_validation_changes_nothing():
    alone, watched = tiny(), tiny()
    first = fit(alone, epochs=3)
    second = fit(watched, epochs=3, validation=IMAGES, evaluation_batch_size=5)
    assert_same_weights(alone, watched)
    assert first["loss"].tolist() == second["loss"].tolist()


def test_drop_last():
    # 12 images in batches of 5: the last 2 are left out, as if they were not there.
    dropped, without = tiny(), tiny()
    first = fit(dropped, batch_size=5, drop_last=True, shuffle=False, log_batches=True)
    second = fit(without, IMAGES[:10], batch_size=5, shuffle=False, log_batches=True)
    assert_same_weights(dropped, without)
    assert_same_history(first, second)
    assert len(first.batches["loss"]) == 4
    with refused(UsageError, "12 images do not make one batch of 13"):
        fit(tiny(), batch_size=13, drop_last=True)


def test_a_batch_may_be_larger_than_the_data():
    large, exact = tiny(), tiny()
    fit(large, batch_size=10**9)
    fit(exact, batch_size=12)
    assert_same_weights(large, exact)


def test_each_epoch_has_every_image_once_in_a_new_order():
    # With lr=0 the loss of a batch of one tells which image it was.
    history = fit(tiny(), lr=0, batch_size=1, epochs=3, log_batches=True)
    epochs = history.batches["loss"].reshape(3, 12)
    assert len(set(epochs[0].tolist())) == 12
    for epoch in epochs[1:]:
        assert sorted(epoch.tolist()) == sorted(epochs[0].tolist())
        assert epoch.tolist() != epochs[0].tolist()
    in_order = fit(tiny(), lr=0, batch_size=1, epochs=2, shuffle=False, log_batches=True)
    rows = in_order.batches["loss"].reshape(2, 12)
    assert rows[0].tolist() == rows[1].tolist()
    assert rows[0].tolist() != epochs[0].tolist()
    assert sorted(rows[0].tolist()) == pytest.approx(sorted(epochs[0].tolist()), rel=1e-6)
