"""kawaguchi2022 end to end on the embedded digits: what is there, and that it fits together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from paper_runs import check_accounting, nothing_computed, table
from PIL import Image

import imgcomp
from imgcomp import papers
from imgcomp.errors import UsageError
from imgcomp.papers.kawaguchi2022 import PAPER
from imgcomp.papers.kawaguchi2022.claims import CLAIMS
from imgcomp.report import read_results

TINY = {
    "m1_images": 800,
    "m1_epochs": 3,
    "m1_batch": 10,
    "m2_train": 800,
    "m2_epochs": 2,
    "test_images": 700,
    "sweep_images": 400,
    "sweep_rates": "0.01,1e30",
    "sweep_batches": "20",
    "code_sizes": "2",
    "code_bits": "2,8",
    "pca_values": "16,512",
    "judge_images": 1500,
    "initialisations": 6,
}


def again(out: Path, **changes: Any) -> papers.Reproduction:
    options: dict[str, Any] = {
        "scale": "smoke",
        "seeds": 2,
        "data": "digits",
        "settings": TINY,
        "progress": False,
        "offline": True,
    }
    return papers.reproduce("kawaguchi2022", out=out, **(options | changes))


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> papers.Reproduction:
    """Two seeds of everything."""
    return again(tmp_path_factory.mktemp("papers") / "kawaguchi2022", jobs=2)


def stable(results: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same in every run of one configuration: all but wall-clock."""
    curves = {
        name: {metric: values for metric, values in curve.items() if metric != "seconds"}
        for name, curve in results["curves"].items()
    }
    parts = {key: results[key] for key in ("claims", "tables", "findings", "sizes")}
    return {**parts, "curves": curves}


def test_claims_carry_the_papers_numbers() -> None:
    papers_own = {name: claim.paper for name, claim in CLAIMS.items() if claim.kind == "loss"}
    assert papers_own == {
        "model1_epoch10_loss": 0.145,
        "model1_epoch30_loss": 0.144,
        "model1_epoch10_val_loss": 0.1421,
        "model1_val_loss_drop": 0.001,
        "model1_generalisation_gap": 0.001,
        "model2_epoch10_loss": 0.0012,
        "model2_epoch10_val_loss": 0.0012,
        "model2_epoch20_loss": 0.0012,
        "model2_epoch20_val_loss": 0.0012,
    }
    at_paper_scale = {option.key: option.paper for option in PAPER.options}
    assert at_paper_scale["m1_lr"] == 0.01
    assert (at_paper_scale["m1_epochs"], at_paper_scale["m2_epochs"]) == (30, 20)
    assert (at_paper_scale["m1_images"], at_paper_scale["validation_share"]) == (50000, 0.2)
    assert (at_paper_scale["m2_lr"], at_paper_scale["m2_batch"]) == (1e-3, 32)


def test_results_are_complete(run_once: papers.Reproduction) -> None:
    results = read_results(run_once.folder / "results.json")
    assert results == json.loads(json.dumps(run_once.results))
    claims = {claim["id"]: claim for claim in results["claims"]}
    assert set(claims) == set(CLAIMS)
    assert all(len(claim["values"]) == 2 for claim in claims.values())
    assert (
        claims["model1_epoch10_loss"]["epoch"],
        claims["model1_epoch10_loss"]["paper_epoch"],
    ) == (
        1,
        10,
    )
    assert claims["model1_epoch30_loss"]["epoch"] == 3
    assert claims["model2_epoch10_loss"]["epoch"] == 1
    for seed in (0, 1):
        record = results["curves"][f"model1/seed{seed}"]
        assert claims["model1_epoch10_loss"]["values"][seed] == record["loss"][0]
        assert claims["model1_epoch30_loss"]["values"][seed] == record["loss"][2]
        assert claims["model1_epoch10_val_loss"]["values"][seed] == record["val_loss"][0]
        drop = record["val_loss"][0] - min(record["val_loss"])
        assert claims["model1_val_loss_drop"]["values"][seed] == pytest.approx(drop, abs=1e-12)
        second = results["curves"][f"model2/seed{seed}"]
        assert claims["model2_epoch20_val_loss"]["values"][seed] == second["val_loss"][-1]
    assert {"model1", "model2", "test"} <= {name.split("_")[0] for name in results["sizes"]}


def test_the_code_that_expands_cannot_be_as_stated(run_once: papers.Reproduction) -> None:
    claims = {claim["id"]: claim for claim in run_once.results["claims"]}
    # 64×14×14 values of 28×28 bytes, and 2×14×14.
    assert claims["model2_code_share"]["values"] == [16.0, 16.0]
    assert claims["model2_code_share"]["verdict"] == "cannot be as stated"
    assert claims["model1_code_share"]["values"] == [0.5, 0.5]
    assert claims["model1_code_share"]["verdict"] == "agrees"
    assert claims["model2_layers"]["values"] == [-3.0, -3.0]
    rows = {
        (row["What is stored"], row["Bits per value"]): row
        for row in check_accounting(run_once.results)
    }
    assert len(rows) == 3 * 3
    assert rows["Model 2, 64 channels", 32]["Share of the input"] == 64.0
    assert rows["Model 1, 2 channels", 2]["Packed (B)"] == 98.0
    psnr = {
        (row["Code"], row["Bits per value"]): row["PSNR (dB)"]
        for row in table(run_once.results, "rates")
    }
    for key, row in rows.items():
        assert row["PSNR (dB)"] == psnr[key]


def test_the_floor_is_that_of_the_split(run_once: papers.Reproduction) -> None:
    train = imgcomp.datasets.digits().train
    count = (
        run_once.results["sizes"]["model1_train"] + run_once.results["sizes"]["model1_validation"]
    )
    for row in table(run_once.results, "floor"):
        parts = train.subset(count, row["Seed"]).split(0.8, row["Seed"])
        floors = [
            float((part.images.double() / 127.5 - 1).clamp(max=0).square().mean()) for part in parts
        ]
        assert [row["Floor"], row["Floor (val.)"]] == pytest.approx(floors, rel=1e-9)
        assert row["Excess"] == pytest.approx(row["Training"] - row["Floor"])
        assert row["Excess"] > 0
        assert row["Excess (val.)"] > 0


def test_losses_are_brought_to_one_scale(run_once: papers.Reproduction) -> None:
    rows = {row["Model 1 …"]: row for row in table(run_once.results, "variants")}
    unit = rows["images in [0, 1]"]
    assert unit["in [−1, 1]"] == pytest.approx(4 * unit["Validation"])
    assert unit["Excess"] == unit["in [−1, 1]"]  # no floor but 0
    stuck = rows["Adam"]
    assert stuck["in [−1, 1]"] == stuck["Validation"]
    floor = table(run_once.results, "floor")[0]["Floor (val.)"]
    assert stuck["Excess"] == pytest.approx(stuck["Validation"] - floor)


def test_rates_and_sweep(run_once: papers.Reproduction) -> None:
    rows = table(run_once.results, "rates")
    for row in rows:
        assert row["Code bits"] == row["Values"] * row["Bits per value"]
    pca = {(row["Values"], row["Bits per value"]): row for row in rows if row["Code"] == "PCA"}
    assert pca[16, 2]["PSNR (dB)"] < pca[16, 8]["PSNR (dB)"] <= pca[16, 32]["PSNR (dB)"] + 0.01
    assert pca[16, 32]["PSNR (dB)"] < max(row["PSNR (dB)"] for row in pca.values())
    assert {row["Values"] for row in rows if row["Code"] == "Model 2, 64 channels"} == {12544}
    sweep = table(run_once.results, "sweep")
    diverged = [row for row in sweep if row["Rate"] == 1e30]
    assert diverged
    assert all(row["Note"] == "diverged" or "dead" in row["Note"] for row in diverged)


def test_files_are_there(run_once: papers.Reproduction) -> None:
    for figure in run_once.results["figures"]:
        assert [Path(name).suffix for name in figure["files"]] == [".png", ".svg"]
        with Image.open(run_once.folder / figure["files"][0]) as image:
            assert min(image.size) > 300
    ids = {figure["id"] for figure in run_once.results["figures"]}
    assert ids == {
        "figure3",
        "figure4",
        "figures5_6",
        "figure8",
        "figure9",
        "sweep",
        "rates",
        "variants",
    }
    page = run_once.report.read_text("utf-8")
    assert "What the codes really take" in page
    assert "http://" not in page


@pytest.mark.usefixtures("no_figures")
def test_a_finished_folder_resumes_without_work(
    run_once: papers.Reproduction, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(run_once.folder, out)
    with nothing_computed(out):
        resumed = again(out, resume=True)
    assert stable(resumed.results) == stable(run_once.results)


@pytest.mark.usefixtures("no_figures")
def test_interrupted_and_resumed_gives_the_values_of_an_undisturbed_run(
    run_once: papers.Reproduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = imgcomp.StopToken()
    epochs = 0
    real = imgcomp.stages.Listener.epoch

    def count(self: Any, *arguments: Any) -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 4:
            stop.set()
        real(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(imgcomp.stages.Listener, "epoch", count)
        with pytest.raises(KeyboardInterrupt):
            again(tmp_path / "out", stop=stop)
    resumed = again(tmp_path / "out", resume=True)
    assert stable(resumed.results) == stable(run_once.results)


@pytest.mark.usefixtures("no_figures")
def test_without_variants_and_sizes(tmp_path: Path) -> None:
    few = {"variants": "no", "sweep_rates": "0.1", "m1_epochs": 1, "m2_epochs": 1}
    done = again(tmp_path / "out", settings={**TINY, **few}, seeds=1)
    assert "variants" not in {one["id"] for one in done.results["tables"]}
    assert {claim["id"] for claim in done.results["claims"]} == set(CLAIMS)


@pytest.mark.parametrize("shape", [(3, 31, 32), (1, 14, 14)])
def test_wrong_data_is_refused_before_anything_runs(shape: tuple[int, int, int]) -> None:
    images = torch.zeros(20, *shape, dtype=torch.uint8)
    split = imgcomp.datasets.Split(images, torch.arange(20) % 2, ("a", "b"), "odd")
    dataset = imgcomp.datasets.Dataset("odd", split, split)
    settings = papers.settings.resolve(PAPER.options, "smoke")
    run = papers.Run("smoke", (0,), settings, dataset, "cpu", "fp32", 1)
    text = "×".join(str(size) for size in shape)
    with pytest.raises(UsageError, match=f"even and at least 16, those of odd have {text}"):
        PAPER.stages(run)
