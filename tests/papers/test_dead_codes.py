"""Dead codes: seen, given up by rule, the same after an interruption, and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import imgcomp
from imgcomp import datasets, models
from imgcomp.errors import TrainingInterruptedError
from imgcomp.models import layers as nn
from imgcomp.papers.dead_codes import (
    count_dead,
    fitted_alive,
    is_dead,
    train_alive,
    weight_seeds,
    zero_shares,
)
from imgcomp.stages import Context

pytestmark = pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")

DIGITS = datasets.digits()
SPEC = models.autoencoder_spec(
    (1, 28, 28),
    [nn.flatten(), nn.dense(1, name="code"), nn.relu()],
    [nn.dense(784), nn.sigmoid(), nn.reshape((1, 28, 28))],
    initialization="keras",
)
PROBE = DIGITS.train.images[:32]


def context(
    folder: Path,
    progress: Callable[[int, int, Mapping[str, float]], None] | None = None,
    **config: Any,
) -> Context:
    fit = {"epochs": 3, "batch_size": 16, "optimizer": "adam", "lr": 1e-3, "seed": 5}
    given = {"spec": SPEC, "seed": 0, "fit": fit, "device": "cpu", "tries": 6, "probe": 32}
    return Context(
        "test",
        {**given, **config},
        1,
        folder / "checkpoint.safetensors",
        imgcomp.StopToken(),
        progress or (lambda *_: None),
    )


def a_seed(dead: bool) -> int:
    """A first seed whose code is, or is not, dead as drawn, the next one's not."""
    for seed in range(100):
        own, following = (
            is_dead(models.Autoencoder(SPEC, seed=each), PROBE) for each in weight_seeds(seed, 2)
        )
        if own == dead and not following:
            return seed
    raise AssertionError("no such seed")


def test_shares_of_zeros() -> None:
    model = models.bhattacharya2020(seed=2)
    shares = zero_shares(model, PROBE)
    code = model.encode(PROBE.float() / 255)
    assert shares["values"] == pytest.approx(float((code == 0).double().mean()))
    assert 0 < shares["values"] < 1
    assert shares["images"] == 0.0
    assert not is_dead(model, PROBE)
    model.state_dict()["encoder.code.bias"].fill_(-100.0)
    assert zero_shares(model, PROBE) == {"images": 1.0, "values": 1.0}
    assert is_dead(model, PROBE)


def test_what_is_dead_as_drawn_is_not_trained(tmp_path: Path) -> None:
    seed = a_seed(dead=True)
    found = train_alive.function(
        context(tmp_path, seed=seed), train=DIGITS.train.take(64), validation=DIGITS.test.take(16)
    )
    tries = found.data["tries"]
    assert [one["seed"] for one in tries] == [seed, seed + 1000]
    assert [one["dead"] for one in tries] == ["before", ""]
    assert tries[0]["epoch"] == 0
    assert tries[0]["loss"] is None
    assert found.data["weight_seed"] == seed + 1000
    # It is the training that begins with those weights.
    model = models.from_spec(SPEC, seed=seed + 1000)
    imgcomp.fit(
        model, DIGITS.train.take(64), context(tmp_path).config["fit"], threads=1, progress=False
    )
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, found[f"final/{name}"])


def test_the_last_try_is_kept_dead_or_not(tmp_path: Path) -> None:
    found = train_alive.function(
        context(tmp_path, seed=a_seed(dead=True), tries=1),
        train=DIGITS.train.take(64),
        validation=DIGITS.test.take(16),
    )
    assert [one["dead"] for one in found.data["tries"]] == ["training"]
    assert len(found.data["history"]["loss"]) == 3
    assert found.data["zeros"]["images"] == 1.0


class DiesAfter:
    """Takes the code for dead once a training with certain weights has begun."""

    def __init__(self, first: torch.Tensor) -> None:
        self._first = first

    def __call__(self, model: Any, images: torch.Tensor) -> str:
        # The bias of the decoder moves in the first epoch by far less than two seeds differ.
        weight = model.state_dict()["encoder.code.weight"]
        if torch.equal(weight, self._first):
            return ""
        return "code" if float((weight - self._first).abs().max()) < 0.05 else ""


def test_a_code_that_dies_while_training_is_given_up_also_after_an_interruption(
    tmp_path: Path,
) -> None:
    seed = a_seed(dead=False)
    first = models.from_spec(SPEC, seed=seed).state_dict()["encoder.code.weight"].clone()
    dies = DiesAfter(first)
    images = DIGITS.train.images[:64]

    def run(folder: Path, **more: Any) -> Any:
        folder.mkdir(exist_ok=True)
        return fitted_alive(context(folder, seed=seed, **more), images, PROBE, dies)

    model, history, _, tries = run(tmp_path / "whole")
    assert [one["dead"] for one in tries] == ["training", ""]
    assert [one["epoch"] for one in tries] == [1, 3]
    assert tries[0]["loss"] > tries[1]["loss"] > 0
    assert history.epochs == 3

    # Stopped after the second try's first epoch: the first try is not trained again.
    begun = []

    def stop(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        begun.append(epoch)
        if len(begun) == 2:
            broken.stop.set()

    folder = tmp_path / "broken"
    folder.mkdir()
    broken = context(folder, stop, seed=seed)
    with pytest.raises(TrainingInterruptedError):
        fitted_alive(broken, images, PROBE, dies)
    begun.clear()
    resumed = fitted_alive(
        context(folder, lambda epoch, *_: begun.append(epoch), seed=seed), images, PROBE, dies
    )
    assert begun == [2, 3]
    assert resumed[3] == tries
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, resumed[0].state_dict()[name])


def test_counting(tmp_path: Path) -> None:
    fit = {"epochs": 1, "batch_size": 16, "optimizer": "adam", "lr": 1e-3}
    found = count_dead.function(
        context(tmp_path, seeds=12, trained=3, fit=fit), train=DIGITS.train.take(40)
    ).data
    assert (len(found["before"]), len(found["after"])) == (12, 3)
    assert found["steps"] == 3
    for seed, row in enumerate(found["before"]):
        assert row == zero_shares(models.Autoencoder(SPEC, seed=seed), PROBE)
    dead = [row["images"] == 1.0 for row in found["before"]]
    assert any(dead)
    assert not all(dead)
    # A code that is dead as drawn stays so.
    for before, after in zip(found["before"], found["after"], strict=False):
        if before["images"] == 1.0:
            assert after["images"] == 1.0
