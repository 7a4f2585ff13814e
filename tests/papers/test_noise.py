"""Trivial filters against SciPy's, and networks that go on from a training with noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from paper_runs import context
from scipy import ndimage

import imgcomp
from imgcomp import datasets, models
from imgcomp.papers.common import trained_artifact
from imgcomp.papers.noise import add_noise, gaussian_filter, noisy_inputs, train_denoiser

# So little training leaves many a network with one output for all images.
pytestmark = pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning")

DIGITS = datasets.digits()


@pytest.mark.parametrize("std", [0.3, 0.5, 1.0, 1.7])
def test_gaussian_filter_is_scipys(std: float) -> None:
    images = add_noise(DIGITS.test.images[:8], "gaussian", 0.3, seed=1)
    wanted = np.stack(
        [
            ndimage.gaussian_filter(image.double().numpy(), std, mode="nearest")
            for image in images[:, 0]
        ]
    )
    ours = gaussian_filter(images, std)
    assert ours.dtype == torch.uint8
    assert ours.shape == images.shape
    # Rounded; a value in the middle may go either way.
    assert float(np.abs(ours[:, 0].double().numpy() - wanted).max()) < 0.501


def test_gaussian_filter_keeps_channels_apart() -> None:
    images = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    images[0, 1] = 200
    assert torch.equal(gaussian_filter(images, 1.0), images)


@pytest.mark.parametrize("kind", ["gaussian", "salt and pepper"])
def test_a_denoiser_goes_on_from_a_training(tmp_path: Path, kind: str) -> None:
    splits = {"train": DIGITS.train.take(64), "validation": DIGITS.test.take(16)}
    model = models.feng2018_cnn(seed=4)
    history = imgcomp.fit(model, splits["train"], epochs=1, threads=1, progress=False)
    start = trained_artifact(model, history)
    fit = {"epochs": 1, "batch_size": 64, "lr": 1e-9, "optimizer": "sgd", "seed": 0}
    config = {"spec": model.spec, "seed": 7, "fit": fit, "device": "cpu", "noise": [kind, 0.3]}
    found = train_denoiser.function(context(tmp_path, **config), start=start, **splits)
    # Next to nothing is learnt at that rate: these are the weights that it began with.
    for name, tensor in model.state_dict().items():
        assert torch.allclose(tensor, found[f"final/{name}"], atol=1e-6), name
    # Trained on noisy inputs, validated with clean ones.
    clean = {part: imgcomp.evaluate(model, images)["loss"] for part, images in splits.items()}
    assert found.data["history"]["val_loss"] == [pytest.approx(clean["validation"], rel=1e-6)]
    assert found.data["history"]["loss"] != [pytest.approx(clean["train"], rel=1e-6)]


def test_filters_by_deviation(tmp_path: Path) -> None:
    test = DIGITS.test.take(32)
    judge = models.buell2022((1, 28, 28), 10)
    artifact = trained_artifact(
        judge, imgcomp.fit(judge, test, epochs=1, threads=1, progress=False)
    )
    found = noisy_inputs.function(
        context(
            tmp_path,
            noises=[["none", 0.0], ["gaussian", 0.2]],
            seed=0,
            components=[3],
            smoothing=[0.7],
            shown=2,
        ),
        classifier=artifact,
        train=DIGITS.train.take(100),
        test=test,
    )
    rows = found.data["noises"]
    assert set(rows[0]["found"]) == {"noisy", "median", "pca-3", "gaussian-0.7"}
    assert rows[0]["found"]["noisy"]["psnr"] == 99.0
    assert rows[1]["found"]["gaussian-0.7"]["psnr"] > rows[1]["found"]["noisy"]["psnr"]
    assert found["1/gaussian-0.7"].shape == (2, 1, 28, 28)
