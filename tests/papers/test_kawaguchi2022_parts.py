"""kawaguchi2022's parts: dead channels and restarts, floors, quantised codes, drawings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch

import imgcomp
from imgcomp.papers.common import principal_directions
from imgcomp.papers.kawaguchi2022.figures import as_drawn, first_of_each_class
from imgcomp.papers.kawaguchi2022.networks import model_1
from imgcomp.papers.kawaguchi2022.rates import pca_rates
from imgcomp.papers.kawaguchi2022.stages import (
    dead_channels,
    floors,
    initialisations,
    lost,
    train_living,
)
from imgcomp.stages import Artifact, Listener, Runner, Stage, stage

pytestmark = pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")
SHAPE = (3, 16, 16)


def pictures(count: int, seed: int = 0) -> imgcomp.datasets.Split:
    """Smooth colour images, brighter than not, so that there is something to learn."""
    torch.manual_seed(seed)
    small = torch.rand(count, 3, 4, 4)
    images = torch.nn.functional.interpolate(small, size=16, mode="bilinear")
    labels = torch.arange(count) % 2
    return imgcomp.datasets.Split((255 * images).to(torch.uint8), labels, ("a", "b"), "pictures")


def network(seed: int = 0, **options: Any) -> imgcomp.models.Autoencoder:
    return imgcomp.models.Autoencoder(model_1(SHAPE, **options), seed)


def config(**changes: Any) -> dict[str, Any]:
    fit = {
        "objective": "mse",
        "optimizer": "sgd",
        "lr": 0.01,
        "batch_size": 10,
        "epochs": 3,
        "seed": 0,
        "keep_best": "val_loss",
        **changes.pop("fit", {}),
    }
    known = {"spec": model_1(SHAPE), "seed": 0, "tries": 30, "trainings": 3, "device": "cpu"}
    return {**known, "fit": fit, **changes}


def trained(folder: Path, **changes: Any) -> Artifact:
    split = pictures(60)
    node = train_living("train/one", config(**changes), train=split.take(40), validation=split[40:])
    return Runner(folder).run([node])[node]


def run(node: Stage, folder: Path) -> Artifact:
    return Runner(folder).run([node])[node]


@stage(version="1")
def given(context: Any) -> Artifact:
    """A network as `train` leaves it, untrained."""
    model = imgcomp.models.from_spec(context.config["spec"], seed=context.config["seed"])
    weights = {f"final/{name}": tensor for name, tensor in model.state_dict().items()}
    return Artifact(weights, {"spec": model.spec, "diverged": None})


def living_seed() -> int:
    """The first seed whose network has lost nothing."""
    probe = pictures(60).images[:40]
    return next(seed for seed in range(100) if not lost(network(seed), probe))


def test_dead_channels_are_found() -> None:
    images = pictures(20).images
    model = network(living_seed())
    assert dead_channels(model, images) == {"code": [], "output": []}
    weights = model.state_dict()
    weights["decoder.conv3.bias"][1] = -100.0
    assert dead_channels(model, images) == {"code": [], "output": [1]}
    assert lost(model, images) == "output 1"
    weights["encoder.conv3.bias"][0] = -100.0
    assert dead_channels(model, images)["code"] == [0]
    assert lost(model, images) == "code 1 of 2, output 1"
    # Without the last ReLU a large bias does no harm; a dead code of four has to be half of it.
    wide = network(0, final_relu=False, code_channels=4, initialization="keras")
    wide.state_dict()["encoder.conv3.bias"][0] = -100.0
    wide.state_dict()["decoder.conv3.bias"][0] = -100.0
    assert dead_channels(wide, images)["output"] == []
    assert lost(wide, images) == ""
    wide.state_dict()["encoder.conv3.bias"][2] = -100.0
    assert lost(wide, images) == "code 2 of 4"


def test_restarts_follow_the_rule(tmp_path: Path) -> None:
    probe = pictures(60).images[:40]
    # A seed whose own weights are dead, so that there is something to give up.
    seed = next(seed for seed in range(100) if lost(network(seed), probe))
    found = trained(tmp_path, seed=seed)
    *given_up, last = found.data["tries"]
    assert [one["seed"] for one in found.data["tries"]] == [
        seed + 1000 * place for place in range(len(given_up) + 1)
    ]
    assert given_up[0] == {
        "seed": seed,
        "dead": "before",
        "what": lost(network(seed), probe),
        "epoch": 0,
        "loss": None,
        "val_loss": None,
    }
    assert found.data["weight_seed"] == last["seed"]
    model = imgcomp.models.from_spec(found.data["spec"])
    model.load_state_dict(
        {name.removeprefix("final/"): tensor for name, tensor in found.tensors.items()}
    )
    assert lost(cast("imgcomp.models.Autoencoder", model), probe) == last["what"]


def test_a_channel_that_dies_in_training_ends_it_and_the_last_try_stays(tmp_path: Path) -> None:
    # Dark images and a high rate: the output falls below 0 for all of them in the first epoch.
    split = pictures(60)
    dark = imgcomp.datasets.Split(split.images // 8, split.labels, split.classes, "dark")
    node = train_living(
        "train/dying",
        config(seed=living_seed(), fit={"lr": 3.0}, trainings=2),
        train=dark.take(40),
        validation=dark[40:],
    )
    found = run(node, tmp_path).data
    ends = [one for one in found["tries"] if one["dead"] == "training"]
    assert len(ends) == 2
    assert [one["epoch"] for one in ends][-1] == 3  # trained to its end, dead or not
    assert ends[0]["epoch"] < 3
    assert "output" in ends[0]["what"]
    assert len(found["history"]["loss"]) == 3


def test_interrupted_in_a_restart_gives_the_same(tmp_path: Path) -> None:
    class StopAt(Listener):
        def __init__(self, epochs: int, token: imgcomp.StopToken) -> None:
            self.left = epochs
            self.token = token

        def epoch(self, *arguments: Any) -> None:
            self.left -= 1
            if self.left == 0:
                self.token.set()

    split = pictures(60)
    dark = imgcomp.datasets.Split(split.images // 8, split.labels, split.classes, "dark")
    inputs = {"train": dark.take(40), "validation": dark[40:]}
    settings = config(seed=living_seed(), fit={"lr": 3.0}, trainings=2)
    whole = run(train_living("train/dying", settings, **inputs), tmp_path / "whole")
    for epochs in (1, 2):
        node = train_living("train/dying", settings, **inputs)
        token = imgcomp.StopToken()
        folder = tmp_path / f"stopped-{epochs}"
        with pytest.raises(KeyboardInterrupt):
            Runner(folder, stop=token, listener=StopAt(epochs, token)).run([node])
        again = run(node, folder)
        assert again.data["tries"] == whole.data["tries"]
        assert all(torch.equal(again[name], tensor) for name, tensor in whole.tensors.items())


def test_the_longer_training_begins_with_the_shorter_one(tmp_path: Path) -> None:
    seed = living_seed()
    fit = {"optimizer": "adam", "lr": 1e-3}
    longer = trained(
        tmp_path / "a", seed=seed, fit={**fit, "epochs": 4, "keep_epochs": [2]}, trainings=1
    )
    shorter = trained(tmp_path / "b", seed=seed, fit={**fit, "epochs": 2}, trainings=1)
    assert longer.data["history"]["val_loss"][:2] == shorter.data["history"]["val_loss"]
    for name in shorter.data["spec"] and shorter.tensors:
        assert torch.equal(longer[name.replace("final/", "epoch-0002/")], shorter[name])


def test_floors_are_what_nonnegative_outputs_leave(tmp_path: Path) -> None:
    split = pictures(50)
    node = floors("floor/one", train=split.take(40), validation=split[40:])
    found = run(node, tmp_path).data
    x = split.images[40:].double() / 127.5 - 1
    floor = found["validation"]["floor"]
    assert floor == pytest.approx(float((x.clamp(min=0) - x).square().mean()), rel=1e-12)
    assert found["validation"]["energy"] == pytest.approx(float(x.square().mean()), rel=1e-12)
    assert found["validation"]["clipped"] == pytest.approx(float((x < 0).double().mean()))
    for noise in (0.0, 0.1, 1.0):
        answer = (x + noise * torch.randn(x.shape, dtype=x.dtype)).clamp(min=0)
        assert float((answer - x).square().mean()) >= floor
    # The same answer after rounding to bytes: 0 is byte 128.
    rounded = (x.clamp(min=0) * 127.5 + 127.5).round()
    error = float((rounded - split.images[40:].double()).square().mean()) / 255.0**2
    assert found["validation"]["floor_8bit"] == pytest.approx(error, rel=1e-6)


def test_initialisations_are_counted(tmp_path: Path) -> None:
    settings = {"spec": model_1(SHAPE), "seeds": list(range(12)), "probe": 30}
    rows = run(initialisations("count/one", settings, images=pictures(40)), tmp_path).data["seeds"]
    probe = pictures(40).images[:30]
    assert [row["lost"] for row in rows] == [bool(lost(network(seed), probe)) for seed in range(12)]
    assert any(row["lost"] for row in rows)
    assert not all(row["lost"] for row in rows)
    assert all(row["channels"] == 3 for row in rows)


def test_principal_components_with_few_bits(tmp_path: Path) -> None:
    split = pictures(80)
    settings = {"bits": [3, 12], "shown": 4, "components": [4, 48, 5000]}
    found = run(pca_rates("rates/pca", settings, train=split.take(70), test=split[70:]), tmp_path)
    points = {(point["values"], point["bits"]): point for point in found.data["points"]}
    # 4×4 values of three planes, and what rounding to bytes adds: 69 directions at most.
    assert max(values for values, _ in points) == 69
    assert points[4, 32]["mse"] > points[48, 32]["mse"]
    assert points[48, 3]["mse"] > points[48, 12]["mse"]
    x = split.images[70:].double() / 127.5 - 1
    assert found.data["floor"] == pytest.approx(float(x.clamp(max=0).square().mean()))
    assert found.data["relu"]["69"] - found.data["floor"] == pytest.approx(0, abs=2e-3)
    assert found.data["relu"]["4"] > found.data["relu"]["48"] > found.data["floor"]


@pytest.mark.parametrize("count", [12, 60])
def test_directions_are_the_same_from_either_product(count: int) -> None:
    torch.manual_seed(2)
    sample = torch.randn(count, 20, dtype=torch.float64) * torch.arange(1, 21)
    mean, directions = principal_directions(sample)
    rank = min(count - 1, 20)
    assert directions.shape == (20, rank)
    assert torch.allclose(directions.T @ directions, torch.eye(rank, dtype=torch.float64))
    reference = torch.linalg.svd(sample - mean, full_matrices=False).Vh[:rank].flip(0).T
    assert torch.allclose((directions * reference).sum(dim=0).abs(), torch.ones(rank).double())


def test_drawn_as_in_the_paper() -> None:
    images = torch.tensor([0, 100, 127, 128, 200, 255], dtype=torch.uint8).reshape(1, 1, 2, 3)
    assert as_drawn(images).flatten().tolist() == [0, 0, 0, 1, 145, 255]
    labels = torch.tensor([2, 0, 2, 0, 3])
    assert first_of_each_class(labels, 5).tolist() == [1, 0, 4]
