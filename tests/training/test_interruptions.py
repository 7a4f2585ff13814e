"""Stopping a run from outside: tokens, Ctrl-C and kill -9, and going on afterwards."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from reference_networks import random_images, refused
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
from imgcomp.errors import TrainingInterruptedError
from imgcomp.models import layers


class StopInStep:
    """A display that sets a token in the middle of an epoch."""

    def __init__(self, token, epoch):
        self.token, self.at = token, epoch

    def step(self, epoch, step, steps, loss):
        if epoch >= self.at:
            self.token.set()

    def epoch(self, epoch, metrics):
        pass

    def close(self):
        pass


def test_after_a_stop_within_an_epoch(checkpoint):
    images = random_images(1500, IMAGE)
    settings = {"epochs": 2, "batch_size": 1, "optimizer": "adam", "shuffle": True}
    whole = tiny()
    expected = fit(whole, images, **settings)
    token = imgcomp.StopToken()
    with pytest.raises(TrainingInterruptedError, match="told to stop in epoch 1 of 2"):
        fit(tiny(), images, checkpoint=checkpoint, stop=token,
            progress=StopInStep(token, epoch=1), **settings)  # fmt: skip
    # Nothing was finished: the checkpoint is that of the start.
    assert_same_weights(imgcomp.load(checkpoint), tiny())
    resumed = tiny(seed=9)
    history = fit(resumed, images, checkpoint=checkpoint, resume=True, **settings)
    assert_same_weights(resumed, whole)
    assert_same_history(history, expected)


def test_a_token_stops_runs_of_short_epochs(checkpoint):
    token = imgcomp.StopToken()
    threading.Timer(0.3, token.set).start()
    begin = time.monotonic()
    with refused(TrainingInterruptedError):
        fit(tiny(), epochs=10**6, stop=token, checkpoint=checkpoint)
    assert time.monotonic() - begin < 5
    imgcomp.load(checkpoint)


def test_a_token_that_is_set_stops_before_the_start(checkpoint):
    token = imgcomp.StopToken()
    assert not token.is_set()
    token.set()
    assert token.is_set()
    with refused(TrainingInterruptedError, "before it began"):
        fit(tiny(), stop=token, checkpoint=checkpoint)
    assert not checkpoint.exists()


def test_a_token_in_the_last_epoch_is_too_late():
    token = imgcomp.StopToken()
    history = fit(tiny(), epochs=2, stop=token,
                  callbacks=[lambda event: token.set() if event.epoch == 2 else None])  # fmt: skip
    assert history.epochs == 2


CHILD = """
import sys
import time

sys.path[:0] = [{tests!r}, {models!r}]
from training_runs import IMAGES, LABELS, fit, tiny_classifier

def tell(event):
    print("epoch", event.epoch, flush=True)
    time.sleep(0.05)

try:
    fit(tiny_classifier(dropout=0.5), (IMAGES, LABELS), epochs={epochs}, checkpoint={path!r},
        callbacks=[tell], validation=(IMAGES, LABELS), keep_best="val_loss", lr=0.05)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@contextmanager
def run_in_child(path, epochs):
    """The same run in another process, which is gone at the end."""
    here = Path(__file__).parent
    code = CHILD.format(
        tests=str(here), models=str(here.parent / "models"), epochs=epochs, path=str(path)
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as child:  # fmt: skip
        try:
            yield child
        except BaseException:
            child.kill()
            raise


def read_until(child, line):
    for found in child.stdout:
        if found.strip() == line:
            return
    pytest.fail(f"the run ended without {line!r}")


def resume_child(path, epochs):
    model = tiny_classifier(dropout=0.5)
    history = fit(model, (IMAGES, LABELS), epochs=epochs, validation=(IMAGES, LABELS),
                  keep_best="val_loss", lr=0.05, checkpoint=path, resume=True)  # fmt: skip
    return model, history


def test_after_kill_9(checkpoint, tmp_path):
    with run_in_child(checkpoint, epochs=30) as child:
        read_until(child, "epoch 7")
        child.kill()
    assert child.returncode == -signal.SIGKILL
    killed_in = imgcomp.training.checkpoint.read_model_file(checkpoint).training["epoch"]
    assert 7 <= killed_in < 30
    resumed, history = resume_child(checkpoint, 30)
    whole, expected = resume_child(tmp_path / "other.safetensors", 30)
    assert_same_weights(resumed, whole)
    assert_same_history(history, expected)


def test_after_ctrl_c(checkpoint):
    with run_in_child(checkpoint, epochs=10**6) as child:
        read_until(child, "epoch 3")
        begin = time.monotonic()
        child.send_signal(signal.SIGINT)
        read_until(child, "interrupted")
        seconds = time.monotonic() - begin
    assert child.returncode == 130
    assert seconds < 1
    epoch = imgcomp.training.checkpoint.read_model_file(checkpoint).training["epoch"]
    assert epoch >= 3
    resumed, _ = resume_child(checkpoint, epoch + 2)
    assert imgcomp.load(checkpoint).num_classes == resumed.num_classes


def interrupt_self_after(seconds):
    """Sends SIGINT to this process; returns a list that gets its CPU time then."""
    sent = []

    def send():
        time.sleep(seconds)
        sent.append(time.process_time())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()
    return sent


def heavy():
    """A network that needs a second for about 5,000 images."""
    wide = [layers.conv2d(32, 3, padding=1) for _ in range(3)]
    return models.from_spec(
        models.autoencoder_spec((1, 28, 28), wide, [layers.conv2d(1, 3, padding=1)]), seed=1
    )


MANY = random_images(500).repeat(60, 1, 1, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda path: fit(heavy(), MANY, checkpoint=path),
        lambda path: fit(heavy(), MANY[:8], validation=MANY, checkpoint=path),
        lambda path: heavy().reconstruct(MANY),
        lambda path: imgcomp.evaluate(heavy(), MANY),
    ],
    ids=["training", "validation", "reconstruct", "evaluate"],
)
def test_ctrl_c_within_a_second(call, checkpoint):
    # Measured in CPU time, since the machine may be busy.
    sent = interrupt_self_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        call(checkpoint)
    assert time.process_time() - sent[0] < 1
    if checkpoint.exists():  # that of the start, as no epoch was finished
        assert_same_weights(imgcomp.load(checkpoint), heavy())


def test_a_model_can_be_trained_again_after_ctrl_c():
    model = heavy()
    interrupt_self_after(0.2)
    with pytest.raises(KeyboardInterrupt):
        fit(model, MANY)
    fit(model, MANY[:8], epochs=1)


def test_a_token_stops_a_validation(checkpoint):
    token = imgcomp.StopToken()
    threading.Timer(0.3, token.set).start()
    begin = time.process_time()
    with refused(TrainingInterruptedError, "in epoch 1 of 2"):
        fit(heavy(), MANY[:8], validation=MANY, stop=token, checkpoint=checkpoint)
    assert time.process_time() - begin < 2
