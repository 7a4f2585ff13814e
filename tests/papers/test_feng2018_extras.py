"""feng2018’s extras: noise, denoisers, deep autoencoders, smaller layers, and what is said."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from paper_runs import context
from scipy import ndimage

import imgcomp
from imgcomp import papers
from imgcomp.datasets import Dataset
from imgcomp.errors import UsageError
from imgcomp.papers import driver
from imgcomp.papers.common import train
from imgcomp.papers.feng2018 import PAPER
from imgcomp.papers.feng2018.extras.stages import compress_layers
from imgcomp.papers.noise import add_noise, median_filter, noisy_inputs, train_denoiser
from imgcomp.papers.settings import resolve
from imgcomp.stages import Artifact
from imgcomp.stages.graph import plan

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {
    "ae_epochs": 2,
    "clf_epochs": 2,
    "sweep_rates": "10",
    "sweep_momenta": "0.9",
    "extras_epochs": 2,
    "noise_levels": "0.2,0.4",
    "noise_shares": "0.1",
    "prune_shares": "0.5,0.9",
    "product_lengths": "8",
    "product_codewords": "4",
    "uniform_bits": "4",
    "tune_epochs": 1,
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    data = imgcomp.datasets.load("digits")
    return Dataset("digits", data.train.take(600), data.test.take(200))


def fit_config(**changes: object) -> dict[str, Any]:
    fit = {"objective": "mse", "optimizer": "adam", "lr": 3e-3, "epochs": 40, "batch_size": 32}
    return {
        "spec": imgcomp.models.feng2018_ann(100).spec,
        "seed": 0,
        "device": "cpu",
        "fit": {**fit, "seed": 0, **changes},
    }


@pytest.fixture(scope="module")
def trained(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """A classifier, an autoencoder, and the same trained as a denoiser."""
    folder = tmp_path_factory.mktemp("trained")
    classifier = imgcomp.models.feng2018_classifier(dropout=False)
    config = {**fit_config(objective="cross_entropy", epochs=6), "spec": classifier.spec}
    splits = (digits.train, digits.test)
    return {
        "classifier": train.function(context(folder / "a", **config), *splits),
        "plain": train.function(context(folder / "b", **fit_config()), *splits),
        "denoiser": train_denoiser.function(
            context(folder / "c", **fit_config(), std=0.4), *splits
        ),
    }


# Noise and filters


def test_noise_has_the_strength_asked_for() -> None:
    gray = torch.full((50, 1, 28, 28), 128, dtype=torch.uint8)
    noisy = add_noise(gray, "gaussian", 0.1, seed=0)
    assert noisy.dtype == torch.uint8
    assert noisy.float().mean() == pytest.approx(128, abs=0.6)
    assert noisy.float().std() == pytest.approx(25.5, rel=0.02)
    salted = add_noise(gray, "salt and pepper", 0.3, seed=0)
    assert sorted(salted.unique().tolist()) == [0, 128, 255]
    for value in (0, 255):
        assert (salted == value).float().mean() == pytest.approx(0.15, abs=0.01)
    assert torch.equal(add_noise(gray, "gaussian", 0.1, seed=0), noisy)
    assert not torch.equal(add_noise(gray, "gaussian", 0.1, seed=1), noisy)
    assert torch.equal(add_noise(gray, "none", 0.0, seed=0), gray)


def test_noise_is_clipped_and_does_not_wrap_around() -> None:
    white = torch.full((20, 1, 28, 28), 255, dtype=torch.uint8)
    noisy = add_noise(white, "gaussian", 0.1, seed=0)
    assert (noisy == 255).float().mean() == pytest.approx(0.5, abs=0.03)
    assert noisy.min() > 100


def test_the_median_filter_is_scipys(digits: Dataset) -> None:
    images = add_noise(digits.test.images[:20], "salt and pepper", 0.2, seed=0)
    expected = ndimage.median_filter(images.numpy(), size=(1, 1, 3, 3), mode="nearest")
    assert torch.equal(median_filter(images), torch.from_numpy(expected))


def test_a_denoiser_filters_what_a_plain_network_lets_through(
    trained: dict[str, Artifact], digits: Dataset, tmp_path: Path
) -> None:
    networks = {name: trained[name] for name in ("plain", "denoiser")}
    found = noisy_inputs.function(
        context(tmp_path, noises=[["none", 0.0], ["gaussian", 0.4]], seed=0, components=[40],
                shown=3),
        trained["classifier"], digits.train, digits.test, **networks,
    )  # fmt: skip
    clean, noisy = (row["found"] for row in found.data["noises"])
    assert clean["noisy"]["psnr"] == 99
    assert clean["noisy"]["mse"] == 0
    assert clean["noisy"]["accuracy"] > 0.7
    assert noisy["denoiser"]["psnr"] > noisy["plain"]["psnr"] + 0.5
    assert noisy["denoiser"]["psnr"] > noisy["noisy"]["psnr"] + 3
    assert noisy["denoiser"]["mse"] < noisy["plain"]["mse"]
    assert set(found.tensors) == {
        f"{place}/{name}"
        for place in (0, 1)
        for name in ("noisy", "median", "pca-40", "plain", "denoiser")
    }
    assert torch.equal(found["0/noisy"], digits.test.images[:3])
    # PCA as scikit-learn does it: the clean training images' components.
    from sklearn.decomposition import PCA

    pca = PCA(40, svd_solver="full").fit(digits.train.images.flatten(1).numpy())
    inputs = found["1/noisy"].flatten(1).numpy()
    expected = pca.inverse_transform(pca.transform(inputs)).round().clip(0, 255)
    assert abs(found["1/pca-40"].flatten(1).numpy() - expected).max() <= 1


def test_compressing_counts_and_judges(
    trained: dict[str, Artifact], digits: Dataset, tmp_path: Path
) -> None:
    def run(**config: object) -> dict[str, Any]:
        done = compress_layers.function(
            context(tmp_path, seed=0, **config),
            trained["plain"], trained["classifier"], digits.train, digits.test,
        )  # fmt: skip
        return dict(done.data)

    whole = run(method="none")
    assert whole["tuned"] is None
    assert whole["bytes"] > 4 * (2 * 784 * 100 + 884)
    assert whole["plain"]["accuracy"] > 0.5
    tuning = {"tune_epochs": 2, "tune_lr": 3e-3, "tune_batch": 32}
    for config in (
        {"method": "prune", "share": 0.9},
        {"method": "product", "length": 4, "codewords": 4},
    ):
        small = run(**config, **tuning)
        assert small["bytes"] < 0.15 * whole["bytes"]
        assert small["packed"] <= small["bytes"] * 1.02
        assert whole["plain"]["mse"] < small["tuned"]["mse"] < small["plain"]["mse"]
    eight = run(method="uniform", bits=8)
    assert eight["tuned"] is None
    assert eight["plain"]["mse"] == pytest.approx(whole["plain"]["mse"], rel=0.02)
    assert 0.24 < eight["bytes"] / whole["bytes"] < 0.27


# The whole run


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> papers.Reproduction:
    return papers.reproduce(
        "feng2018",
        scale="smoke",
        seeds=2,
        out=tmp_path_factory.mktemp("extras") / "out",
        data="digits",
        settings={**TINY, "extras_seeds": 2},
        progress=False,
        offline=True,
    )


def rows(results: dict[str, Any], table: str) -> dict[str, dict[str, Any]]:
    found = next(each for each in results["tables"] if each["id"] == table)
    return {
        f"{row[0]} {row[1]}" if table == "deep" else row[0]: dict(
            zip(found["columns"], row, strict=True)
        )
        for row in found["rows"]
    }


def test_the_tables_hold_every_point(done: papers.Reproduction) -> None:
    for table in ("noise_psnr", "noise_accuracy"):
        found = rows(done.results, table)
        assert list(found) == [
            "none",
            "Gaussian, σ 0.2",
            "Gaussian, σ 0.4",
            "salt and pepper, 10 %",
        ]
        assert all(
            isinstance(value, float) for row in found.values() for value in [*row.values()][1:]
        )
    psnr = rows(done.results, "noise_psnr")
    assert psnr["Gaussian, σ 0.2"]["Noisy"] > psnr["Gaussian, σ 0.4"]["Noisy"] + 3
    originals = rows(done.results, "methods_and_rivals")["the originals"]["Acc. (%)"]
    assert rows(done.results, "noise_accuracy")["none"]["Noisy"] == pytest.approx(originals)
    deep = rows(done.results, "deep")
    assert list(deep) == ["Deep 40", "CNN 40", "PCA 40", "Deep 400", "ANN 400", "PCA 400"]
    assert deep["Deep 40"]["Epochs"] == 2
    main = rows(done.results, "methods_and_rivals")
    assert deep["ANN 400"]["Test MSE"] == pytest.approx(main["ANN, well trained"]["Test MSE"])
    small = rows(done.results, "compressed")
    assert list(small) == [
        "all weights, 32-bit floats",
        "pruned, 50 % away",
        "pruned, 90 % away",
        "product, 8 weights, 4 words",
        "uniform, 4 bits",
    ]
    assert small["all weights, 32-bit floats"]["Share (%)"] == 100
    assert small["all weights, 32-bit floats"]["MSE"] == pytest.approx(
        main["ANN, well trained"]["Test MSE"]
    )
    # The whole network is trained further as well: what that alone would give.
    assert (
        small["all weights, 32-bit floats"]["MSE tuned"]
        < small["all weights, 32-bit floats"]["MSE"]
    )
    assert small["pruned, 90 % away"]["Bytes"] < small["pruned, 50 % away"]["Bytes"]


def test_figures_and_findings_are_there(done: papers.Reproduction) -> None:
    ids = [figure["id"] for figure in done.results["figures"]]
    assert ids[-4:] == ["noise", "noise_images", "deep_images", "compressed"]
    for name in ids[-4:]:
        assert (done.folder / "figures" / f"{name}.png").stat().st_size > 2000
    said = " ".join(done.results["findings"])
    psnr = rows(done.results, "noise_psnr")
    # The level nearest to the denoisers’ own.
    for name in ("Noisy", "CNN den.", "ANN", "Median"):
        assert f"{psnr['Gaussian, σ 0.2'][name]:.1f} dB" in said
    small = rows(done.results, "compressed")["all weights, 32-bit floats"]
    assert f"takes {small['Bytes'] / 1e6:.2f} MB and gives {small['Acc. (%)']:.1f} %" in said
    assert "deep autoencoder (future work) reaches with 40 values" in said
    assert all(claim["id"] not in said for claim in done.results["claims"])


def test_resuming_computes_only_what_is_gone_and_says_the_same(
    done: papers.Reproduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(done.folder, out)
    for name in ("noise-all-seed0", "train-cnn-denoiser-seed0", "compress-product-8-4-seed1"):
        (path,) = (out / "stages").glob(f"{name}.*")
        path.unlink()
    monkeypatch.setattr(driver, "_draw", lambda folder, outcome: ({}, defaultdict(list)))
    monkeypatch.setattr(driver, "render_html", lambda *_: "")
    computed = []
    monkeypatch.setattr(
        imgcomp.stages.Listener, "finished", lambda self, label, seconds: computed.append(label)
    )
    again = papers.reproduce(
        "feng2018", scale="smoke", seeds=2, out=out, data="digits", progress=False, offline=True,
        settings={**TINY, "extras_seeds": 2}, resume=True, jobs=1,
    ).results  # fmt: skip
    assert sorted(computed) == [
        "compress/product-8-4/seed1",
        "noise/all/seed0",
        "train/cnn-denoiser/seed0",
    ]
    for table in ("noise_psnr", "noise_accuracy", "compressed"):
        assert rows(again, table) == rows(done.results, table)
    assert again["findings"] == done.results["findings"]


def stages(scale: str, seeds: int, **changes: object) -> dict[str, str]:
    run = papers.Run(
        scale,  # type: ignore[arg-type]
        tuple(range(seeds)),
        resolve(PAPER.options, scale, changes),  # type: ignore[arg-type]
        imgcomp.datasets.load("digits"),
        "cpu",
        "fp32",
        1,
    )
    return {node.label: node.key for node in plan(PAPER.stages(run))}


def test_without_extras_the_papers_own_stages_stay_as_they_are() -> None:
    everything, own = stages("paper", 2), stages("paper", 2, extras=False)
    assert {label: everything[label] for label in own} == own
    added = {label.rpartition("/")[0] for label in set(everything) - set(own)}
    assert {"noise/all", "train/cnn-denoiser", "train/deep-400", "compress/whole"} <= added
    assert not any(label.startswith(("noise", "compress")) for label in own)


def test_fewer_seeds_for_the_extras() -> None:
    found = stages("paper", 3, extras_seeds=2)
    assert [label for label in found if label.startswith("noise/")] == [
        "noise/all/seed0",
        "noise/all/seed1",
    ]
    assert len([label for label in stages("quick", 2) if label.startswith("noise/")]) == 1


def test_a_run_without_extras_says_nothing_of_them(tmp_path: Path) -> None:
    results = papers.reproduce(
        "feng2018", scale="smoke", seeds=1, out=tmp_path / "out", data="digits",
        settings={**TINY, "extras": "no"}, progress=False, offline=True,
    ).results  # fmt: skip
    assert [table["id"] for table in results["tables"]][-1] == "sweep"
    assert [figure["id"] for figure in results["figures"]][-1] == "rivals"
    assert "future work" not in " ".join(results["findings"])
    assert results["configuration"]["extras"] is False


def test_lengths_that_divide_nothing_are_named(tmp_path: Path, trained: Any, digits: Any) -> None:
    with pytest.raises(UsageError, match="784 inputs, 3 does not divide"):
        compress_layers.function(
            context(tmp_path, seed=0, method="product", length=3, codewords=4),
            trained["plain"], trained["classifier"], digits.train, digits.test,
        )  # fmt: skip
