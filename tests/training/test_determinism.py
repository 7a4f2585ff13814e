"""Same seed, same result: again, in threads side by side, and whatever the global state."""

import subprocess
import sys
import threading

import pytest
import torch
from reference_networks import PAIRS, random_images
from training_runs import (
    IMAGES,
    LABELS,
    assert_same_history,
    assert_same_weights,
    fit,
    tiny,
    tiny_classifier,
    weights,
)

from imgcomp import models

MANY = random_images(60)
CLASSES = torch.arange(60) % 10


def train(network, **settings):
    data = (MANY, CLASSES) if "classifier" in network else MANY
    if network == "classifier with dropout":
        model = models.feng2018_classifier(seed=1)
    else:
        model = PAIRS[network][0](seed=1)
    history = fit(model, data, batch_size=16, validation=data, **settings)
    return model, history


@pytest.mark.parametrize("network", [*PAIRS, "classifier with dropout"])
def test_the_same_again(network):
    torch.manual_seed(1)
    first, history = train(network)
    torch.manual_seed(2)
    torch.rand(3)
    second, again = train(network)
    assert_same_weights(first, second)
    assert_same_history(history, again)


def test_the_seed_decides_order_and_dropout():
    order = [tiny() for _ in range(2)]
    for seed, model in enumerate(order):
        fit(model, seed=seed)
    assert not torch.equal(*(weights(model)["decoder.out.bias"] for model in order))
    # Without shuffling only the dropout is left.
    dropped = [tiny_classifier(dropout=0.5) for _ in range(3)]
    for seed, model in zip((0, 0, 1), dropped, strict=True):
        fit(model, (IMAGES, LABELS), seed=seed, shuffle=False)
    assert_same_weights(dropped[0], dropped[1])
    assert not torch.equal(*(weights(model)["classifier.logits.bias"] for model in dropped[1:]))


def test_every_epoch_drops_others():
    # With lr=0 the batches' losses differ by the dropout alone.
    history = fit(tiny_classifier(dropout=0.5), (IMAGES, LABELS), lr=0, shuffle=False, epochs=3,
                  batch_size=12, log_batches=True)  # fmt: skip
    assert len(set(history.batches["loss"].tolist())) == 3


@pytest.mark.parametrize("network", ["cnn", "shared", "classifier with dropout"])
def test_side_by_side_as_alone(network):
    alone, history = train(network, epochs=3)
    results = []
    lock = threading.Barrier(3)

    def run():
        lock.wait()
        results.append(train(network, epochs=3))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for model, recorded in results:
        assert_same_weights(model, alone)
        assert_same_history(recorded, history)


def test_many_short_runs_side_by_side():
    alone = tiny()
    fit(alone, epochs=3)
    results, before = [], torch.get_num_threads()

    def run():
        for _ in range(5):
            model = tiny()
            fit(model, epochs=3)
            results.append(model)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 30
    for model in results:
        assert_same_weights(model, alone)
    assert torch.get_num_threads() == before


def test_two_threads_are_as_deterministic():
    first, second = (models.feng2018_cnn(seed=1) for _ in range(2))
    for model in (first, second):
        fit(model, MANY, threads=2, batch_size=30)
    assert_same_weights(first, second)


def test_the_first_training_of_a_process_is_as_any_other():
    # Each library starts counting threads with its first loop in a thread, whatever was set before.
    code = """
import torch, imgcomp
torch.set_num_threads(3)
images = torch.randint(0, 256, (200, 1, 28, 28), dtype=torch.uint8)
def train():
    model = imgcomp.models.feng2018_ann(hidden=20, seed=3)
    imgcomp.fit(model, images, validation=images[:50], epochs=3, lr=1e-2, threads=1, progress=False)
    return model.state_dict()
first, second = train(), train()
assert all(torch.equal(first[name], second[name]) for name in first)
assert torch.get_num_threads() == 3
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
