"""donis2020 end to end on the embedded digits: what is there, and that it fits together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from paper_runs import check_accounting, check_pictures, table

from imgcomp import datasets, papers
from imgcomp.datasets import Dataset
from imgcomp.errors import UsageError
from imgcomp.papers.donis2020 import PAPER, data
from imgcomp.papers.donis2020.claims import CLAIMS
from imgcomp.papers.donis2020.data import Images, network_config
from imgcomp.papers.donis2020.experiment import stages, trainings
from imgcomp.papers.experiment import Run
from imgcomp.papers.settings import resolve
from imgcomp.report import read_results
from imgcomp.stages.graph import plan

TINY = {
    "images": 64,
    "test_images": 12,
    "bound_images": 100,
    "epochs": 2,
    "measured_train": 16,
    "batches": "16,64",
    "batch": 16,
    "gradient_images": 8,
    "code_bits": "64,256",
}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> papers.Reproduction:
    """One seed of everything, with its figures."""
    return papers.reproduce(
        "donis2020",
        scale="smoke",
        data="digits",
        settings=TINY,
        out=tmp_path_factory.mktemp("papers") / "donis2020",
        progress=False,
        offline=True,
        jobs=2,
    )


def a_run(dataset: Dataset | None = None, **changes: Any) -> Run:
    values = resolve(PAPER.options, "smoke", {**TINY, **changes})
    found = dataset or datasets.digits()
    return Run("smoke", (0,), values, found, "cpu", "fp32", 1, None, True)


def claim(results: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in results["claims"] if one["id"] == name)
    return found


def test_the_papers_settings() -> None:
    paper = {option.key: option.paper for option in PAPER.options}
    assert paper["batches"] == (32, 64, 128, 512, 1024)
    assert (paper["images"], paper["test_images"], paper["epochs"]) == (100_000, 20_000, 15)
    assert (paper["lr"], paper["high_lr"], paper["batch"], paper["both"]) == (1e-3, 1e-2, 128, True)


def test_every_claim_from_a_to_h_has_a_rule() -> None:
    letters = {text[1] for text in (one.description for one in CLAIMS.values()) if text[0] == "("}
    assert letters == set("abcdefgh")


def test_results_are_complete(whole: papers.Reproduction) -> None:
    results = read_results(whole.folder / "results.json")
    assert results == json.loads(json.dumps(whole.results))
    assert [one["id"] for one in results["claims"]] == list(CLAIMS)
    assert all(len(one["values"]) == 1 for one in results["claims"])
    figures = {one["id"] for one in results["figures"]}
    assert {f"figure{number}" for number in range(2, 8)} <= figures
    assert {"residual", "variants", "bound", "colour", "one_image", "gradients"} <= figures
    check_pictures(whole.folder, results)


def test_claims_are_those_of_the_curves(whole: papers.Reproduction) -> None:
    results = whole.results
    curves = results["curves"]

    def at(label: str, epoch: int, what: str = "test_adaptive") -> float:
        return float(curves[f"{label}/seed0"][what][epoch - 1])

    values = {one["id"]: one["values"][0] for one in results["claims"]}
    best = max(at(label, 2) for label in ("batch16", "batch64", "size50", "size200"))
    assert values["accuracy_adaptive"] == best
    assert values["size50_lead"] == pytest.approx(at("size50", 2) - at("batch16", 2), abs=1e-12)
    assert values["size200_lead"] == pytest.approx(at("size200", 2) - at("batch16", 2), abs=1e-12)
    first = at("size50", 1) - at("size200", 1)
    assert values["size50_first_epoch_lead"] == pytest.approx(first, abs=1e-12)
    start, end = at("batch64", 1) - at("batch16", 1), at("batch64", 2) - at("batch16", 2)
    assert values["large_batches_start"] == pytest.approx(start, abs=1e-12)
    assert values["large_batches_end"] == pytest.approx(end, abs=1e-12)
    assert values["leaky_lead"] == pytest.approx(at("size50", 2) - at("relu", 2), abs=1e-12)
    assert values["mae_variation"] == pytest.approx(at("mae", 2, "test_variation"), abs=1e-12)
    for name in ("adaptive", "renormalised", "ssim", "psnr", "residual", "variation"):
        for part in ("train", "test"):
            assert len(curves["batch16/seed0"][f"{part}_{name}"]) == 2


def test_sums_that_no_training_changes(whole: papers.Reproduction) -> None:
    parameters = claim(whole.results, "parameters_16")
    assert parameters["values"] == [3_868_539]
    assert parameters["verdict"] == "cannot be as stated"
    assert "61,896,624" in parameters["disproof"]  # 16 · 3,868,539
    assert claim(whole.results, "image_ratio")["values"] == [27_000]
    rows = table(whole.results, "parameters")
    assert {(row["Network"], row["Iterations"]) for row in rows} == {
        (network, count) for network in ("donis2020", "toderici2017") for count in (1, 16)
    }


def test_tables_have_every_training_and_rival(whole: papers.Reproduction) -> None:
    rows = table(whole.results, "methods_and_rivals")
    assert len(rows) == len(trainings(a_run())) + 5 + 1
    assert {row["Bits"] for row in rows} == {None, 0, 128}
    gray = rows[-2]
    assert gray["MS-SSIM (adaptive)"] == pytest.approx(1.0)  # digits have no colour to lose
    bits = [row["Bits"] for row in table(whole.results, "bound")][:-1]
    assert bits == [64, 128, 256]
    images = {row["Method"]: row["Images"] for row in rows}
    whole_set = images["batches of 16"]
    assert images["half of the images"] == whole_set // 2
    assert images["twice the images, rotated"] == 2 * whole_set


def test_every_code_is_128_bits_and_its_stream_less(whole: papers.Reproduction) -> None:
    codes = check_accounting(whole.results)
    assert [row["What is stored"] for row in codes] == [one.text for one in trainings(a_run())]
    assert {(row["Values"], row["Packed (B)"]) for row in codes} == {(128, 16.0)}


def test_pairs_are_compared_image_by_image(whole: papers.Reproduction) -> None:
    rows = {row["Pair"]: row for row in table(whole.results, "pairs")}
    row = rows["32 images over 64"]
    assert row["Last epoch"] == pytest.approx(claim(whole.results, "size50_lead")["values"][0])
    assert row["Low"] <= row["Last epoch"] <= row["High"]
    assert row["Least, last third"] == pytest.approx(row["Last epoch"])
    first = rows["32 images over 128"]["First epoch"]
    lead = claim(whole.results, "size50_first_epoch_lead")["values"][0]
    assert first == pytest.approx(lead)
    assert "batches of 64 over 16" in rows
    sizes = whole.results["sizes"]
    assert (sizes["train_50"], sizes["train_100"], sizes["train_200"]) == (32, 64, 128)
    assert (sizes["measured_train"], sizes["test"], sizes["bound"]) == (16, 12, 100)


def test_a_finished_run_is_read_again(
    whole: papers.Reproduction, tmp_path: Path, no_figures: None
) -> None:
    again = papers.reproduce(
        "donis2020",
        scale="smoke",
        data="digits",
        settings=TINY,
        out=whole.folder,
        progress=False,
        offline=True,
        resume=True,
    )
    assert again.results["claims"] == whole.results["claims"]
    assert again.results["timings"]["stages"] == whole.results["timings"]["stages"]


def test_what_decides_claims_is_trained_first() -> None:
    declared = sorted(plan(stages(a_run())), key=lambda one: -one.cost)
    order = [one.label.split("/")[1] for one in declared if one.label.startswith("train/")]
    assert order[:3] == ["batch16", "size200", "size50"]
    assert order[-1] == "fast"


def test_trainings_change_one_thing() -> None:
    run = a_run()
    listed = {one.name: one for one in trainings(run)}
    base = network_config(run, 0)
    for name, key, value in (
        ("mae", "objective", "l1"),
        ("mixed", "objective", "0.84*ms_ssim+0.16*l1"),
        ("fast", "lr", 1e-2),
    ):
        changed = network_config(run, 0, **listed[name].fit)
        assert changed == {**base, "fit": {**base["fit"], key: value}}
    relu = network_config(run, 0, activation=listed["relu"].activation)
    assert relu["fit"] == base["fit"]
    kinds = [layer["kind"] for part in relu["spec"]["parts"].values() for layer in part]
    assert "relu" in kinds
    assert "leaky_relu" not in kinds


def test_cifar_100_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = datasets.digits()
    ten = Dataset("cifar-10", digits.train.take(40), digits.test.take(10))
    hundred = Dataset("cifar-100", digits.train.take(60), digits.test.take(20))
    monkeypatch.setattr(data.datasets, "load", lambda name, *_, **__: {"cifar-100": hundred}[name])
    joined = data.whole(a_run(ten))
    assert (len(joined.train), len(joined.test)) == (100, 30)
    assert joined.image_shape == (3, 32, 32)
    assert len(data.whole(a_run(ten, both="no")).train) == 40


def test_images_that_are_too_large_are_refused() -> None:
    big = datasets.from_arrays(
        datasets.digits().train.images.repeat(1, 1, 2, 2)[:20], name="large", test_fraction=0.2
    )
    with pytest.raises(UsageError, match=r"at most 32×32 .* 56×56"):
        Images(a_run(big))
