"""A run that was interrupted goes on from its checkpoint to the bit as if it never had been."""

import pytest
import torch
from reference_networks import refused
from training_runs import (
    IMAGE,
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

EPOCHS = 6


def convolutional(seed=0):
    return models.from_spec(
        models.autoencoder_spec(
            IMAGE,
            [layers.conv2d(3, 3, padding=1), layers.relu(), layers.max_pool2d(2)],
            [layers.conv_transpose2d(1, 2, stride=2), layers.sigmoid()],
        ),
        seed,
    )


# A network, its data and its settings
RUNS = {
    "momentum, keep_best": (
        lambda: tiny(seed=1),
        IMAGES,
        {"optimizer": "sgd", "lr": 4.0, "momentum": 0.9, "keep_best": "val_loss",
         "validation": IMAGES[:5]},
    ),
    "adam, dropout": (
        lambda: tiny_classifier(dropout=0.5),
        (IMAGES, LABELS),
        {"optimizer": "adam", "log_batches": True, "schedule": "cosine", "warmup_epochs": 1.5},
    ),
    "adamw, channels_last": (
        convolutional,
        IMAGES,
        {"optimizer": "adamw", "weight_decay": 0.1, "memory_format": "channels_last",
         "validation": IMAGES[3:], "keep_best": "psnr"},
    ),
    "sgd, contiguous, clip": (
        convolutional,
        IMAGES,
        {"optimizer": "sgd", "lr": 1.0, "memory_format": "contiguous", "grad_clip": 0.01,
         "schedule": "exponential", "gamma": 0.8, "log_batches": True},
    ),
}  # fmt: skip


class Own(Exception):
    pass


def interrupt_at(epoch):
    def callback(event):
        if event.epoch == epoch:
            raise Own

    return callback


@pytest.mark.parametrize("epoch", [1, 3, EPOCHS])
@pytest.mark.parametrize("run", RUNS)
def test_after_an_exception(run, epoch, checkpoint):
    build, data, settings = RUNS[run]
    whole = build()
    expected = fit(whole, data, epochs=EPOCHS, **settings)

    with pytest.raises(Own):
        fit(build(), data, epochs=EPOCHS, checkpoint=checkpoint, callbacks=[interrupt_at(epoch)],
            **settings)  # fmt: skip
    resumed = build()
    for tensor in resumed.state_dict().values():
        tensor.fill_(7)  # what the resumed model held does not matter
    history = fit(resumed, data, epochs=EPOCHS, checkpoint=checkpoint, resume=True, **settings)
    assert_same_weights(resumed, whole)
    assert_same_history(history, expected)
    assert_same_weights(imgcomp.load(checkpoint), whole)


def test_after_several_interruptions(checkpoint):
    build, data, settings = RUNS["momentum, keep_best"]
    whole = build()
    expected = fit(whole, data, epochs=EPOCHS, **settings)
    model = build()
    for epoch in (1, 2, 4):
        with pytest.raises(Own):
            fit(model, data, epochs=EPOCHS, checkpoint=checkpoint, resume=True,
                callbacks=[interrupt_at(epoch)], **settings)  # fmt: skip
    history = fit(model, data, epochs=EPOCHS, checkpoint=checkpoint, resume=True, **settings)
    assert_same_weights(model, whole)
    assert_same_history(history, expected)


# What may differ and what may not -----------------------------------------------------------


def test_a_finished_run_gives_back_its_history(checkpoint):
    build, data, settings = RUNS["momentum, keep_best"]
    first = build()
    history = fit(first, data, epochs=3, checkpoint=checkpoint, **settings)
    again = build()
    calls = []
    repeated = fit(again, data, epochs=3, checkpoint=checkpoint, resume=True,
                   callbacks=[calls.append], **settings)  # fmt: skip
    assert repeated == history  # the seconds too
    assert calls == []
    assert_same_weights(again, first)


def test_a_run_that_ran_out_of_patience_stays_so(checkpoint):
    settings = {"optimizer": "sgd", "lr": 8.0, "momentum": 0.9, "keep_best": "loss",
                "patience": 2, "epochs": 60, "checkpoint": checkpoint}  # fmt: skip
    first, again = tiny(seed=1), tiny(seed=1)
    history = fit(first, **settings)
    assert history.stopped_early
    repeated = fit(again, resume=True, **settings)
    assert repeated == history
    assert_same_weights(first, again)


def test_more_epochs_may_be_asked_for(checkpoint):
    build, data, settings = RUNS["momentum, keep_best"]
    whole = build()
    expected = fit(whole, data, epochs=5, **settings)
    model = build()
    fit(model, data, epochs=2, checkpoint=checkpoint, **settings)
    history = fit(model, data, epochs=5, checkpoint=checkpoint, resume=True,
                  evaluation_batch_size=500, **settings)  # fmt: skip
    assert_same_weights(model, whole)
    assert_same_history(history, expected)


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(checkpoint):
    first, second = tiny(), tiny()
    fit(first, checkpoint=checkpoint, resume=True)
    fit(second)
    assert_same_weights(first, second)
    # Without resume the old file is no matter.
    third = tiny()
    assert fit(third, checkpoint=checkpoint, epochs=1).epochs == 1
    assert imgcomp.training.checkpoint.read_model_file(checkpoint).training["epoch"] == 1


OTHER = {
    "data": ({"data": IMAGES[:11]}, "other data"),
    "pixel": ({"data": IMAGES.clone().index_fill_(0, torch.tensor([5]), 3)}, "other data"),
    "labels": ({"data": (IMAGES, LABELS)}, "other data"),
    "validation": ({"validation": IMAGES[:5]}, "other data"),
    "targets": ({"targets": IMAGES.clone()}, "other data"),
    "network": ({"model": tiny(hidden=4)}, "another network"),
    "task": ({"model": tiny_classifier(), "data": (IMAGES, LABELS)}, "another network"),
    "lr": ({"lr": 0.5}, "lr was 0.001 and is now 0.5"),
    "seed": ({"seed": 1}, "seed was 0 and is now 1"),
    "batch_size": ({"batch_size": 5}, "batch_size was 4 and is now 5"),
    "optimizer": ({"optimizer": "sgd"}, "optimizer was 'adam' and is now 'sgd'"),
    "keep_best": ({"keep_best": "loss"}, "keep_best was None and is now 'loss'"),
    "betas": ({"betas": (0.5, 0.9)}, "betas was [0.9, 0.999] and is now [0.5, 0.9]"),
    "fewer epochs": ({"epochs": 1}, "it has 2 epochs, more than the 1 asked for"),
}


@pytest.mark.parametrize("what", OTHER)
def test_another_run_is_refused(what, checkpoint):
    fit(tiny(), checkpoint=checkpoint)
    before = checkpoint.read_bytes()
    arguments, message = OTHER[what]
    arguments = {"model": tiny(), "data": IMAGES, **arguments}
    with refused(CheckpointError, str(checkpoint), "cannot go on from it", message):
        fit(arguments.pop("model"), arguments.pop("data"), checkpoint=checkpoint, resume=True,
            **arguments)  # fmt: skip
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("data", [IMAGES[:7], IMAGES.clone().index_fill_(0, torch.tensor([5]), 3)])
def test_going_on_with_other_data(data, checkpoint):
    first = fit(tiny(), checkpoint=checkpoint)
    model = tiny()
    history = fit(model, data, checkpoint=checkpoint, epochs=4, resume="other_data")
    assert history["loss"][:2].tolist() == first["loss"].tolist()
    assert history.epochs == 4
    started = imgcomp.load(checkpoint)
    with refused(CheckpointError, "other data"):
        fit(tiny(), checkpoint=checkpoint, epochs=5, resume=True)
    fit(tiny(), data, checkpoint=checkpoint, epochs=4, resume=True)  # it is of these now
    assert_same_weights(started, model)
    with refused(CheckpointError, "another network"):
        fit(tiny(hidden=4), data, checkpoint=checkpoint, epochs=5, resume="other_data")
    with refused(UsageError, "resume", "anything"):
        fit(tiny(), data, checkpoint=checkpoint, resume="anything")


def test_what_holds_no_run_is_refused(checkpoint):
    imgcomp.save(tiny(), checkpoint)
    with refused(CheckpointError, "it holds a model, not a training run"):
        fit(tiny(), checkpoint=checkpoint, resume=True)
    checkpoint.write_bytes(b"")
    with refused(CheckpointError, "truncated or altered"):
        fit(tiny(), checkpoint=checkpoint, resume=True)
    checkpoint.unlink()
    checkpoint.mkdir()
    with refused(CheckpointError, "a folder, not a model file"):
        fit(tiny(), checkpoint=checkpoint, resume=True)


def test_kept_epochs_are_copies(checkpoint):
    states = {}
    settings = {"epochs": 5, "keep_epochs": (1, 4, 99)}

    def note(event):
        states[event.epoch] = {k: v.clone() for k, v in event.model.state_dict().items()}

    fit(tiny(), checkpoint=checkpoint, callbacks=[note], **settings)
    found = sorted(path.name for path in checkpoint.parent.iterdir())
    assert found == ["run.epoch-0001.safetensors", "run.epoch-0004.safetensors", "run.safetensors"]
    for epoch in (1, 4):
        kept = imgcomp.load(checkpoint.with_name(f"run.epoch-{epoch:04d}.safetensors"))
        for name, tensor in kept.state_dict().items():
            assert torch.equal(tensor, states[epoch][name])
    # A kept epoch is a checkpoint like any other.
    whole = imgcomp.load(checkpoint)
    model = tiny(seed=3)
    copy = checkpoint.with_name("run.epoch-0001.safetensors")
    fit(model, checkpoint=copy, resume=True, epochs=5)
    assert_same_weights(model, whole)


def test_nothing_else_is_left_in_the_folder(checkpoint):
    fit(tiny(), checkpoint=checkpoint, epochs=4)
    with pytest.raises(Own):
        fit(tiny(), checkpoint=checkpoint, callbacks=[interrupt_at(1)])
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_a_checkpoint_in_a_new_folder(tmp_path):
    path = tmp_path / "a" / "b" / "run.safetensors"
    fit(tiny(), checkpoint=str(path))
    imgcomp.load(str(path))
