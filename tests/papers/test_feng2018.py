"""feng2018 end to end on the embedded digits: everything is there, and resuming changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from paper_runs import check_accounting, check_fetches_nothing, nothing_computed
from PIL import Image

import imgcomp
from imgcomp import papers
from imgcomp.errors import UsageError
from imgcomp.papers.feng2018 import PAPER
from imgcomp.papers.feng2018.claims import CLAIMS, TABLE_2, TABLE_3
from imgcomp.papers.feng2018.experiment import figure_8_epochs
from imgcomp.report import check_results, read_results
from imgcomp.stages import StageError

# The extras have their own tests.
TINY = {
    "ae_epochs": 4,
    "clf_epochs": 2,
    "sweep_rates": "0.1,10",
    "sweep_momenta": "0",
    "extras": "no",
}


@pytest.fixture(scope="session")
def run_twice(tmp_path_factory: pytest.TempPathFactory) -> papers.Reproduction:
    """Two seeds, four epochs; name and all, as the command would do it."""
    out = tmp_path_factory.mktemp("papers") / "feng2018"
    return papers.reproduce(
        "feng2018",
        scale="smoke",
        seeds=2,
        out=out,
        data="digits",
        settings=TINY,
        progress=False,
        offline=True,
        jobs=2,
    )


@pytest.fixture
def folder(run_twice: papers.Reproduction) -> Path:
    return run_twice.folder


def stable(results: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same in every run of one configuration: all but wall-clock."""
    claims = {
        claim["id"]: (claim["values"], claim["verdict"], claim["epoch"])
        for claim in results["claims"]
        if claim["kind"] != "time"
    }
    curves = {
        name: {metric: values for metric, values in curve.items() if metric != "seconds"}
        for name, curve in results["curves"].items()
    }
    sweep = next(table["rows"] for table in results["tables"] if table["id"] == "sweep")
    return {"claims": claims, "curves": curves, "sweep": sweep, "sizes": results["sizes"]}


def again(out: Path, **changes: Any) -> papers.Reproduction:
    options: dict[str, Any] = {
        "scale": "smoke",
        "seeds": 2,
        "data": "digits",
        "settings": TINY,
        "progress": False,
        "offline": True,
    }
    return papers.reproduce("feng2018", out=out, **(options | changes))


def test_claims_carry_the_papers_numbers() -> None:
    assert [CLAIMS[f"classifier_epoch{epoch}_loss"].paper for epoch, _, _ in TABLE_2] == [
        0.852438,
        0.606686,
        0.509882,
        0.422064,
        0.431602,
    ]
    assert [row[2] for row in TABLE_2] == [71, 79, 82, 84, 85]
    assert TABLE_3 == {
        "cnn": (0.4968, 81, 622.595228),
        "ann": (0.7037, 73, 597.469302),
        "shared": (0.8070, 70, 584.928798),
    }
    assert [option.paper for option in PAPER.options if option.key in ("ae_train", "ae_test")] == [
        5000,
        2000,
    ]
    assert figure_8_epochs(200) == [1, 100, 200]


def test_results_are_complete(run_twice: papers.Reproduction) -> None:
    results = read_results(run_twice.folder / "results.json")
    assert results == json.loads(json.dumps(run_twice.results))
    assert (results["paper"], results["scale"], results["seeds"]) == ("feng2018", "smoke", [0, 1])
    assert {claim["id"] for claim in results["claims"]} == set(CLAIMS)
    assert all(len(claim["values"]) == 2 for claim in results["claims"])
    by_id = {claim["id"]: claim for claim in results["claims"]}
    assert by_id["cnn_accuracy"]["epoch"] == 4
    assert by_id["cnn_accuracy"]["paper_epoch"] == 200
    assert by_id["classifier_epoch1_loss"]["epoch"] == 1
    assert by_id["classifier_epoch20_loss"]["epoch"] == 2
    assert 0 < by_id["cnn_training_seconds"]["mean"] < 60
    curve = results["curves"]["cnn/seed1"]
    assert curve["epoch"] == [1, 2, 3, 4]
    assert curve["loss"][-1] == pytest.approx(results["curves"]["cnn/seed1"]["loss"][3])
    assert results["dataset"]["name"] == "digits"
    assert results["configuration"]["ae_epochs"] == 4
    assert {"key": "cnn_lr", "value": 1e-3}.items() <= next(
        choice for choice in results["choices"] if choice["key"] == "cnn_lr"
    ).items()
    # Sizes in proportion: smoke's 1,000 of 60,000 and 500 of 10,000.
    train, test = results["dataset"]["train"], results["dataset"]["test"]
    assert results["sizes"]["autoencoders_train"] == round(1000 * train / 60000)
    assert results["sizes"]["autoencoders_test"] == round(500 * test / 10000)


def test_numbers_agree_with_each_other(run_twice: papers.Reproduction) -> None:
    results = run_twice.results
    values = {claim["id"]: claim["values"] for claim in results["claims"]}
    for seed in (0, 1):
        record = results["curves"][f"classifier/seed{seed}"]
        assert values["classifier_epoch20_loss"][seed] == record["loss"][-1]
        assert values["classifier_epoch20_accuracy"][seed] == 100 * record["val_accuracy"][-1]
        assert values["cnn_training_seconds"][seed] == sum(
            results["curves"][f"cnn/seed{seed}"]["seconds"]
        )
        ranks = sorted(values[f"{method}_loss_rank"][seed] for method in TABLE_3)
        assert ranks == [1, 2, 3]
        assert values["lowest_accuracy"][seed] == min(
            values[f"{method}_accuracy"][seed] for method in TABLE_3
        )
    tables = {table["id"]: table for table in results["tables"]}
    rows = {row[0]: row for row in tables["methods_and_rivals"]["rows"]}
    error = tables["methods_and_rivals"]["columns"].index("Test MSE")
    assert rows["PCA, 40 values"][error] < rows["the mean image"][error]
    assert rows["the mean image"][error] <= rows["a constant (the mean grey)"][error]
    codes = check_accounting(results)
    packed = {(row["What is stored"], row["Bits per value"]): row["Packed (B)"] for row in codes}
    assert len(packed) == len(codes) == 6 * 6
    assert packed["ANN, shared weights", 32] == 1600
    assert packed["CNN, well trained", 32] == 160
    assert packed["CNN", 8] == 40
    psnr = {(row["What is stored"], row["Bits per value"]): row["PSNR (dB)"] for row in codes}
    place = tables["methods_and_rivals"]["columns"].index("PSNR (dB)")
    for name in ("CNN", "ANN", "ANN, shared weights, well trained"):
        assert psnr[name, 32] == pytest.approx(rows[name][place], abs=1e-3)
    # The sweep holds the point at which the paper's regime lies, trained once.
    point = next(row for row in tables["sweep"]["rows"] if row[:3] == ["ANN", 0.0, 0.1])
    assert point[3] == results["curves"]["ann/seed0"]["loss"][-1]


def test_files_are_there(folder: Path, run_twice: papers.Reproduction) -> None:
    for figure in run_twice.results["figures"]:
        assert [Path(name).suffix for name in figure["files"]] == [".png", ".svg"]
        for name in figure["files"]:
            assert (folder / name).stat().st_size > 2000
        with Image.open(folder / figure["files"][0]) as image:
            assert min(image.size) > 300
    ids = {figure["id"] for figure in run_twice.results["figures"]}
    assert {"figure7", "figure8", "table2", "table3", "sweep", "rivals"} <= ids
    (cnn,) = (
        path
        for path in (folder / "checkpoints").glob("train-cnn-seed0.*.safetensors")
        if "epoch" not in path.name
    )
    model = imgcomp.load(cnn)
    images = imgcomp.datasets.load("digits").test.images[:5]
    assert isinstance(model, imgcomp.models.Autoencoder)
    assert model.reconstruct(images).shape == images.shape
    assert not list(folder.rglob("*.tmp")) + list(folder.rglob("*.part"))


def test_report_is_one_file_that_fetches_nothing(run_twice: papers.Reproduction) -> None:
    page = run_twice.report.read_text("utf-8")
    check_fetches_nothing(page)
    assert page.count("<img ") == len(run_twice.results["figures"])
    assert page.count('src="data:image/') == len(run_twice.results["figures"])
    for claim in run_twice.results["claims"]:
        assert claim["verdict"] in page
    for text in ("What the codes really take", "Where the paper is silent", "cnn_lr", "digits"):
        assert text in page


def test_a_finished_folder_resumes_without_work(
    run_twice: papers.Reproduction, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(run_twice.folder, out)
    with nothing_computed(out):
        resumed = again(out, resume=True)
    assert stable(resumed.results) == stable(run_twice.results)
    page, first = resumed.report.read_text(), run_twice.report.read_text()
    assert page.split('<section id="timings">')[0] == first.split('<section id="timings">')[0]


@pytest.mark.usefixtures("no_figures")
def test_one_job_gives_what_two_give(run_twice: papers.Reproduction, tmp_path: Path) -> None:
    assert stable(again(tmp_path / "one", jobs=1).results) == stable(run_twice.results)


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("stop_after", [1, 9, 25])
def test_interrupted_and_resumed_gives_the_values_of_an_undisturbed_run(
    run_twice: papers.Reproduction,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop_after: int,
) -> None:
    stop = imgcomp.StopToken()
    epochs = 0
    real = imgcomp.stages.Listener.epoch

    def count(self: Any, *arguments: Any) -> None:
        nonlocal epochs
        epochs += 1
        if epochs == stop_after:
            stop.set()
        real(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(imgcomp.stages.Listener, "epoch", count)
        with pytest.raises(KeyboardInterrupt):
            again(tmp_path / "out", stop=stop)
    assert not (tmp_path / "out" / "results.json").exists()
    assert list((tmp_path / "out" / "checkpoints").glob("*.safetensors"))
    resumed = again(tmp_path / "out", resume=True)
    assert stable(resumed.results) == stable(run_twice.results)


@pytest.mark.usefixtures("no_figures")
def test_damaged_and_missing_files_do_not_change_the_outcome(
    run_twice: papers.Reproduction, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(run_twice.folder, out)
    (stage,) = (out / "stages").glob("train-ann-seed1.*")
    stage.write_bytes(stage.read_bytes()[:1000])
    for path in (out / "checkpoints").glob("train-ann-seed1.*"):
        path.write_bytes(path.read_bytes()[:-100])
    for path in (out / "stages").glob("*-cnn-seed0.*"):
        path.unlink()
    shutil.rmtree(out / "figures")
    (out / "results.json").write_text("not json")
    with pytest.warns(RuntimeWarning) as warned:
        resumed = again(out, resume=True)
    texts = [str(warning.message) for warning in warned]
    assert any("computed again" in text for text in texts)
    assert any("trained from the start" in text for text in texts)
    assert stable(resumed.results) == stable(run_twice.results)
    check_results(json.loads((out / "results.json").read_text()))


@pytest.mark.usefixtures("no_figures")
def test_without_resume_the_folder_is_restarted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    small = {**TINY, "ae_epochs": 1, "clf_epochs": 1, "sweep_rates": "0.1"}
    again(out, settings=small, seeds=1)
    (out / "notes.txt").write_text("mine")
    old = {path.name for path in (out / "checkpoints").iterdir()}
    again(out, settings={**small, "ann_lr": 0.2}, seeds=1)
    new = {path.name for path in (out / "checkpoints").iterdir()}
    assert not {name for name in old if "train-ann-seed0" in name} & new
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("no_figures")
def test_a_diverging_regime_names_its_stage_a_diverging_sweep_is_a_result(tmp_path: Path) -> None:
    small = {**TINY, "ae_epochs": 1, "clf_epochs": 1, "sweep_rates": "0.1,1e30"}
    done = again(tmp_path / "sweep", settings=small, seeds=1)
    rows = next(table["rows"] for table in done.results["tables"] if table["id"] == "sweep")
    diverged = [row for row in rows if row[2] == 1e30]
    assert diverged
    for row in diverged:
        assert row[7] in ("diverged", "collapsed", "")
    with pytest.raises(StageError, match=r"stage 'train/classifier/seed0'.* epoch 1"):
        again(tmp_path / "clf", settings={**small, "clf_lr": 1e30}, seeds=1)


def test_wrong_data_is_refused_before_anything_runs(tmp_path: Path) -> None:
    images = torch.zeros(20, 3, 32, 32, dtype=torch.uint8)
    labels = torch.arange(20) % 2
    split = imgcomp.datasets.Split(images, labels, ("a", "b"), "colour")
    dataset = imgcomp.datasets.Dataset("colour", split, split)
    run = papers.Run(
        "smoke",
        (0,),
        papers.settings.resolve(PAPER.options, "smoke"),
        dataset,
        "cpu",
        "fp32",
        1,
    )
    with pytest.raises(UsageError, match="1×28×28 values, those of colour have 3×32×32"):
        PAPER.stages(run)


def test_stop_token_set_before_the_start(tmp_path: Path) -> None:
    stop = imgcomp.StopToken()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        again(tmp_path / "out", stop=stop)
