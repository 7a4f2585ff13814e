"""The stages that papers share, against scikit-learn and numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from paper_runs import context
from sklearn.decomposition import PCA

import imgcomp
from imgcomp.datasets import Split
from imgcomp.papers.common import (
    classify,
    finite,
    image_errors,
    model_from,
    reconstruct,
    train,
    trivial_rivals,
)
from imgcomp.stages import Artifact, Context


@pytest.fixture(scope="module")
def digits() -> imgcomp.datasets.Dataset:
    return imgcomp.datasets.load("digits")


def test_image_errors() -> None:
    originals = torch.zeros(2, 1, 2, 2, dtype=torch.uint8)
    images = originals.clone()
    images[0] = 51  # 0.2 of the range: MSE 0.04, PSNR 13.979 dB
    errors = image_errors(originals, images)
    assert errors["mse"] == pytest.approx(0.02)
    assert errors["psnr"] == pytest.approx((13.9794 + 99.0) / 2, abs=1e-4)


def test_finite() -> None:
    assert finite([1.0, float("nan"), float("inf")]) == [1.0, None, None]


def test_pca_is_that_of_scikit_learn(tmp_path: Path, digits: imgcomp.datasets.Dataset) -> None:
    training, test = digits.train.take(400), digits.test.take(100)
    found = trivial_rivals.function(context(tmp_path, components=[40]), training, test)
    pca = PCA(40, svd_solver="full").fit(training.images.flatten(1).numpy() / 255.0)
    inputs = test.images.flatten(1).numpy() / 255.0
    outputs = pca.inverse_transform(pca.transform(inputs))
    assert found.data["pca-40"]["exact_mse"] == pytest.approx(
        float(np.mean((outputs - inputs) ** 2)), rel=1e-9
    )
    rounded = np.clip(np.rint(outputs * 255), 0, 255).astype(np.uint8)
    difference = found["pca-40"].flatten(1).numpy().astype(int) - rounded
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 1e-3
    constant, mean = found["constant"], found["mean"]
    assert len(constant.unique()) == 1
    assert int(constant[0, 0, 0, 0]) == round(float(training.images.double().mean()))
    assert torch.equal(mean[0], mean[1])
    assert found.data["mean"]["mse"] < found.data["constant"]["mse"]


def test_no_more_components_than_there_are(
    tmp_path: Path, digits: imgcomp.datasets.Dataset
) -> None:
    training, test = digits.train.take(20), digits.test.take(10)
    found = trivial_rivals.function(context(tmp_path, components=[400]), training, test)
    assert found.data["pca-400"]["values"] == 19
    on_itself = trivial_rivals.function(context(tmp_path, components=[400]), training, training)
    assert on_itself.data["pca-400"]["exact_mse"] < 1e-20


def test_a_network_is_trained_kept_and_brought_back(
    tmp_path: Path, digits: imgcomp.datasets.Dataset
) -> None:
    training, test = digits.train.take(200), digits.test.take(50)
    network = imgcomp.models.feng2018_ann(hidden=20)
    told: list[tuple[int, int]] = []
    ctx = Context(
        "t",
        {
            "spec": network.spec,
            "seed": 3,
            "device": "cpu",
            "fit": {"epochs": 3, "lr": 1e-2, "keep_epochs": [1, 3]},
        },
        1,
        tmp_path / "c.safetensors",
        imgcomp.StopToken(),
        lambda epoch, epochs, metrics: told.append((epoch, epochs)),
    )
    artifact = train.function(ctx, training, test)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len(artifact.data["history"]["loss"]) == 3
    assert artifact.data["num_parameters"] == network.num_parameters
    alone = imgcomp.models.from_spec(network.spec, seed=3)
    history = imgcomp.fit(
        alone, training, validation=test, epochs=3, lr=1e-2, threads=1, progress=False
    )
    assert artifact.data["history"]["val_loss"] == history["val_loss"].tolist()
    final, first = model_from(artifact), model_from(artifact, "epoch-0001")
    for name, tensor in alone.state_dict().items():
        assert torch.equal(final.state_dict()[name], tensor)
        assert not torch.equal(first.state_dict()[name], tensor)

    images = reconstruct.function(
        Context("r", {"epochs": [1, 3], "shown": 8}, 1, tmp_path, ctx.stop, lambda *_: None),
        artifact,
        test,
    )
    assert torch.equal(images["images"], alone.reconstruct(test.images))
    assert torch.equal(images["epoch-0003"], images["images"][:8])
    assert images.data["shown"]["1"]["mse"] > images.data["shown"]["3"]["mse"]
    assert images.data["mse"] == pytest.approx(history["val_loss"][-1], rel=0.01)


def test_classifier_judges_by_loss_and_accuracy(
    tmp_path: Path, digits: imgcomp.datasets.Dataset
) -> None:
    test = digits.test.take(40)
    network = imgcomp.models.feng2018_classifier(seed=1)
    weights = {f"final/{name}": value for name, value in network.state_dict().items()}
    classifier = Artifact(weights, {"spec": network.spec, "diverged": None})
    black = torch.zeros_like(test.images)
    judged = classify.function(
        context(tmp_path, names=["originals", "black", "missing"]),
        classifier,
        Artifact({"black": black}),
        test,
    ).data
    logits = network.predict(test.images)
    right = int((logits.argmax(1) == test.labels).sum())
    assert judged["originals"]["accuracy"] == right / 40
    measured = imgcomp.evaluate(network, (test.images, test.labels))
    assert judged["originals"]["loss"] == pytest.approx(measured["loss"], rel=1e-5)
    (answer,) = network.predict(black).argmax(1).unique().tolist()
    assert judged["black"]["accuracy"] == int((test.labels == answer).sum()) / 40
    assert judged["missing"] is None


def test_divergence_is_a_result_where_it_may_be(
    tmp_path: Path, digits: imgcomp.datasets.Dataset
) -> None:
    training: Split = digits.train.take(64)
    config = {
        "spec": imgcomp.models.feng2018_cnn().spec,
        "seed": 0,
        "device": "cpu",
        "fit": {"epochs": 2, "objective": "mse", "optimizer": "sgd", "lr": float(10**30)},
    }
    stop, silent = imgcomp.StopToken(), lambda *_: None
    path = tmp_path / "c.safetensors"
    with pytest.raises(imgcomp.errors.TrainingDivergedError):
        train.function(Context("t", config, 1, path, stop, silent), training, training)
    path.unlink(missing_ok=True)
    ctx = Context("t", {**config, "may_diverge": True}, 1, path, stop, silent)
    artifact = train.function(ctx, training, training)
    assert "epoch" in artifact.data["diverged"]
    images = reconstruct.function(ctx, artifact, training)
    assert images.data["diverged"]
    assert not images.tensors
