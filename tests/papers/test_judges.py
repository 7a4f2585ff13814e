"""Classifiers that judge reconstructions, and their verdicts class by class."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import imgcomp
from imgcomp import metrics
from imgcomp.datasets import Split
from imgcomp.papers.common import classify, model_from
from imgcomp.papers.judges import judge, judge_config
from imgcomp.papers.per_class import judge_by_class, per_class_table
from imgcomp.stages import Artifact, Context, canonical_json


def context(folder: Path, config: dict[str, Any]) -> Context:
    path = folder / "c.safetensors"
    return Context("judge", config, 1, path, imgcomp.StopToken(), lambda *_: None)


def trained(folder: Path, config: dict[str, Any], train: Split, test: Split) -> Artifact:
    folder.mkdir()
    return judge.function(context(folder, config), train, test)


def colour_split(count: int, seed: int) -> Split:
    """Bright on the left or on the right: a class that a flip changes."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 40, (count, 3, 16, 16), dtype=torch.uint8, generator=generator)
    labels = torch.arange(count) % 2
    images[labels == 0, :, :, :8] += 200
    images[labels == 1, :, :, 8:] += 200
    return Split(images, labels, ("left", "right"), "sides")


def test_a_judge_of_gray_images_is_trained_without_changes(tmp_path: Path) -> None:
    digits = imgcomp.datasets.load("digits")
    training, test = digits.train.take(300), digits.test.take(100)
    config = judge_config((1, 28, 28), 10, epochs=2, seed=3)
    canonical_json(config)
    artifact = trained(tmp_path / "a", config, training, test)
    network = imgcomp.models.from_spec(config["spec"], seed=3)
    history = imgcomp.fit(
        network, training, validation=test, threads=1, progress=False, **config["fit"]
    )
    assert artifact.data["history"]["val_accuracy"] == history["val_accuracy"].tolist()
    for name, tensor in network.state_dict().items():
        assert torch.equal(artifact.tensors[f"final/{name}"], tensor)
    verdict = classify.function(
        Context("c", {"names": ["originals"]}, 1, tmp_path, threading.Event(), lambda *_: None),
        artifact,
        Artifact(),
        test,
    )
    assert verdict.data["originals"]["accuracy"] == pytest.approx(history["val_accuracy"][-1])


@pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")
def test_colour_images_are_flipped_and_shifted_in_training_alone(tmp_path: Path) -> None:
    training, test = colour_split(64, 0), colour_split(32, 1)
    config = judge_config((3, 16, 16), 2, epochs=4)
    found = trained(tmp_path / "both", config, training, test)
    plain = trained(tmp_path / "plain", {**config, "flip": False, "shift": 0}, training, test)
    shifted = trained(tmp_path / "shifted", {**config, "flip": False}, training, test)
    losses = [artifact.data["history"]["loss"] for artifact in (found, plain, shifted)]
    assert losses[0] != losses[1] != losses[2] != losses[0]
    # Left from right cannot be learnt from flipped images.
    assert losses[0][-1] > 0.6 > 0.3 > losses[1][-1]
    measured = imgcomp.evaluate(model_from(found), test)
    assert found.data["history"]["val_loss"][-1] == pytest.approx(measured["loss"], rel=1e-5)


@pytest.fixture
def judged_digits(tmp_path: Path) -> tuple[Artifact, Artifact, Split, dict[str, Any]]:
    digits = imgcomp.datasets.load("digits").test
    test = digits[(digits.labels < 3).nonzero().flatten()].take(60)
    network = imgcomp.models.feng2018_classifier(seed=1)
    weights = {f"final/{name}": value for name, value in network.state_dict().items()}
    classifier = Artifact(weights, {"spec": network.spec, "diverged": None})
    images = Artifact({"half": test.images // 2, "same": test.images})
    config = {"names": ["half", "same", "missing"]}
    found = judge_by_class.function(context(tmp_path, config), classifier, images, test)
    return classifier, images, test, dict(found.data)


def test_by_class(judged_digits: tuple[Artifact, Artifact, Split, dict[str, Any]]) -> None:
    classifier, images, test, data = judged_digits
    canonical_json(data)
    assert data["classes"] == list(test.classes)
    assert sum(data["counts"]) == 60
    assert data["counts"][3:] == [0] * 7
    half, same = data["found"]["half"], data["found"]["same"]
    assert data["found"]["missing"] is None
    assert half["psnr"]["classes"][3:] == [None] * 7
    for measure, function in (("psnr", metrics.psnr), ("ssim", metrics.ssim)):
        values = function(test.images, images["half"])
        assert half[measure]["overall"] == pytest.approx(float(values.mean()))
        for number in range(3):
            expected = float(values[test.labels == number].mean())
            assert half[measure]["classes"][number] == pytest.approx(expected)
    difference = (test.images.double() - images["half"].double()).square().mean()
    assert half["mse_8bit"]["overall"] == pytest.approx(float(difference))
    network = model_from(classifier)
    right = (network.predict(images["half"]).argmax(1) == test.labels).double()
    assert half["accuracy"]["overall"] == pytest.approx(float(right.mean()))
    assert half["accuracy"]["classes"][1] == float(right[test.labels == 1].mean())
    assert same["psnr"]["overall"] == 99.0
    assert same["ssim"]["overall"] == pytest.approx(1.0)
    assert same["accuracy"] == data["originals"]["accuracy"]


def test_the_table_has_a_row_for_each_class_and_one_for_all(
    judged_digits: tuple[Artifact, Artifact, Split, dict[str, Any]],
) -> None:
    _, _, test, data = judged_digits
    half = data["found"]["half"]
    table = per_class_table([data], "half", id="t", title="T", caption="Halved.")
    assert table.caption.startswith("Halved. The test images. PSNR")
    assert [row[0] for row in table.rows] == [*test.classes, "all"]
    assert [len(row) for row in table.rows] == [len(table.columns)] * 11
    assert table.rows[3][1:] == [0, None, None, None, None, None]
    assert table.rows[-1][1:4] == [60, half["psnr"]["overall"], half["ssim"]["overall"]]
    assert table.rows[1][-1] == 100 * half["accuracy"]["classes"][1]

    # Over repeats: means, without those that diverged.
    other = {**data, "found": {**data["found"], "half": data["found"]["same"]}}
    lost = {**data, "found": {**data["found"], "half": None}}
    both = per_class_table([data, lost, other], "half", id="t", title="T")
    assert both.rows[-1][2] == pytest.approx((half["psnr"]["overall"] + 99.0) / 2)
    assert "means over 2 repeats" in both.caption
    assert per_class_table([lost], "half", id="t", title="T").rows == []
