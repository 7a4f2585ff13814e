"""bhattacharya2020 end to end on the embedded digits, and the stages that are its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from paper_runs import check_accounting, check_report, context

import imgcomp
from imgcomp import datasets, models, papers
from imgcomp.datasets import Dataset, Split
from imgcomp.errors import UsageError
from imgcomp.papers.bhattacharya2020 import PAPER, experiment
from imgcomp.papers.bhattacharya2020.claims import CLAIMS
from imgcomp.papers.bhattacharya2020.data import dataset_names, load, network_config, splits
from imgcomp.papers.bhattacharya2020.stages import (
    CODE_BIAS,
    pixel_variances,
    train_dead_instance,
    train_denoising_instance,
)
from imgcomp.papers.common import model_from, trivial_rivals
from imgcomp.papers.settings import resolve
from imgcomp.report import read_results
from imgcomp.stages import Artifact
from imgcomp.stages.graph import plan

# So little training leaves many a network with one output for all images.
pytestmark = [
    pytest.mark.filterwarnings("ignore::imgcomp.errors.CollapsedOutputWarning"),
    pytest.mark.usefixtures("one_thread"),
]

TINY = {
    "images": 160,
    "test_images": 48,
    "batch": 32,
    "probe": 32,
    "epochs": 1,
    "judge_epochs": 1,
    "denoiser_epochs": 2,
    "denoiser_part": 1,
    "collapsed_epochs": 1,
    "drawn": 3,
    "drawn_trained": 1,
    "drawn_images": 64,
    "tries": 3,
    "annealed": 1,
}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> papers.Reproduction:
    """Two seeds, one of the denoising instance."""
    return papers.reproduce(
        "bhattacharya2020",
        scale="smoke",
        seeds=2,
        data="digits",
        settings=TINY,
        out=tmp_path_factory.mktemp("papers") / "bhattacharya2020",
        progress=False,
        offline=True,
        jobs=2,
    )


def a_run(dataset: Dataset, scale: Any = "smoke", **changes: object) -> papers.Run:
    settings = resolve(PAPER.options, scale, changes)
    return papers.Run(scale, (0, 1, 2), settings, dataset, "cpu", "fp32", 1, offline=True)


def test_results_are_complete(whole: papers.Reproduction) -> None:
    results = read_results(whole.folder / "results.json")
    assert results == json.loads(json.dumps(whole.results))
    values = {claim["id"]: claim["values"] for claim in results["claims"]}
    # The digits stand for Fashion-MNIST; there is nothing that could stand for MNIST.
    assert set(values) == {name for name in CLAIMS if not name.startswith("mnist")}
    for name, found in values.items():
        assert len(found) == (1 if "denoiser" in name else 2), name
    assert values["encoder_parameters"] == [98601.0, 98601.0]
    assert values["decoder_parameters"] == [99689.0, 99689.0]
    assert values["compression_factor"] == [0.0625, 0.0625]
    assert results["sizes"] == {"digits_train": 128, "digits_validation": 32, "digits_test": 48}
    epochs = {claim["id"]: (claim["epoch"], claim["paper_epoch"]) for claim in results["claims"]}
    assert epochs["fashion_loss"] == (1, 20)
    assert epochs["denoiser_loss"] == (2, 100)
    assert epochs["dead_denoiser_loss"] == (None, None)
    ids = [figure["id"] for figure in results["figures"]]
    assert len(ids) == 8
    check_report(whole)


def test_numbers_agree_with_each_other(whole: papers.Reproduction) -> None:
    results = whole.results
    values = {claim["id"]: claim["values"] for claim in results["claims"]}
    curves = results["curves"]
    tables = {table["id"]: table["rows"] for table in results["tables"]}
    last = [curves[f"autoencoder-digits/seed{seed}"]["loss"][-1] for seed in (0, 1)]
    assert values["fashion_loss"] == last
    # The record of the last part is that of the whole training.
    denoiser = curves["denoiser/seed0"]
    assert denoiser["epoch"] == [1.0, 2.0]
    assert values["denoiser_loss"] == denoiser["loss"][-1:]
    assert values["dead_denoiser_loss"] == curves["dead-denoiser/seed0"]["val_loss"][-1:]
    assert not [name for name in curves if name.startswith("denoiser-to")]
    rows = {row[0]: row for row in tables["denoising"]}
    ratio = rows["denoising instance, trained well"][3] / rows["reconstructions, as they are"][3]
    assert values["denoiser_loss_ratio"] == pytest.approx([ratio])
    codes = {row["Bits per value"]: row for row in check_accounting(results)}
    assert list(codes) == [32, 8, 6, 4, 3, 2]
    assert (codes[32]["Packed (B)"], codes[32]["Share of the input"]) == (196.0, 0.25)
    assert codes[8]["Packed (B)"] == 49.0
    assert [row[0] for row in tables["classes_digits"]][-1] == "all"
    by_method = {row[1]: row[3] for row in tables["methods_and_rivals"]}
    assert by_method["a constant (the mean grey)"] == pytest.approx(
        values["constant_loss"][0], rel=0.01
    )
    assert by_method["PCA, 49 values"] < by_method["the mean image"]
    assert tables["dead_codes"][0][:2] == ["digits", 3]
    assert len(tables["latent"]) == 2
    assert [row[0] for row in tables["noise_psnr"]] == [
        "none",
        "Gaussian, σ 0.2",
        "salt and pepper, 10 %",
    ]


def test_every_training_says_which_weights_it_ended_with(whole: papers.Reproduction) -> None:
    rows = next(table for table in whole.results["tables"] if table["id"] == "tries")["rows"]
    named = {row[0] for row in rows if row[0]}
    assert {"autoencoder-digits/seed0", "autoencoder-digits/seed1"} <= named
    assert "denoiser-to-002/seed0" in named
    label, number = "", 0
    for row in rows:
        label, number = (row[0], 0) if row[0] else (label, number + 1)
        assert row[1] == int(label.rpartition("seed")[2]) + 1000 * number


def test_nothing_is_computed_again(whole: papers.Reproduction) -> None:
    files = {path: path.stat().st_mtime_ns for path in (whole.folder / "stages").iterdir()}
    again = papers.reproduce(
        "bhattacharya2020",
        scale="smoke",
        seeds=2,
        data="digits",
        # The parts that are finished are enough for a report of them.
        settings=TINY | {"denoiser_epochs": 1},
        out=whole.folder,
        resume=True,
        progress=False,
        offline=True,
    )
    trained = [path for path in (whole.folder / "stages").iterdir() if path not in files]
    assert all(path.name.startswith(("denoise-", "judge-")) for path in trained)
    claims = {claim["id"]: claim for claim in again.results["claims"]}
    assert claims["denoiser_loss"]["epoch"] == 1
    first = whole.results["curves"]["denoiser/seed0"]["loss"][0]
    assert claims["denoiser_loss"]["values"] == [first]


def a_pair(count: int = 48) -> tuple[Split, Artifact, Split, Artifact]:
    """Originals and what stands for their reconstructions, to train on and to validate with."""
    digits = datasets.digits()
    train, validation = digits.train.take(count), digits.test.take(16)
    blurred = [Artifact({"images": (part.images // 2) + 20}) for part in (train, validation)]
    return train, blurred[0], validation, blurred[1]


def denoiser_config(epochs: int) -> dict[str, Any]:
    config = network_config(a_run(datasets.digits()), 3, epochs=epochs, batch_size=16)
    return {**config, "tries": 2, "probe": 16}


def test_a_training_in_parts_is_the_training_in_one(tmp_path: Path) -> None:
    train, inputs, validation, validation_inputs = a_pair()
    given = {
        "inputs": inputs,
        "train": train,
        "validation_inputs": validation_inputs,
        "validation": validation,
    }

    def part(name: str, epochs: int, **more: Artifact) -> Artifact:
        folder = tmp_path / name
        folder.mkdir()
        return train_denoising_instance.function(
            context(folder, **denoiser_config(epochs)), **{**given, **more}
        )

    one = part("one", 3)
    first = part("first", 1)
    second = part("second", 3, before=first)
    assert len(first.data["history"]["loss"]) == 1
    for column in ("loss", "val_loss"):
        assert second.data["history"][column] == one.data["history"][column]
    assert second.data["tries"] == first.data["tries"]
    for name, tensor in one.tensors.items():
        if name.startswith("final/"):
            assert torch.equal(tensor, second[name]), name
    # Another processor reconstructs some pixels otherwise by rounding.
    images = inputs["images"].clone()
    images[3, 0, 14, 14] += 1
    third = part("third", 2, before=first, inputs=Artifact({"images": images}))
    assert third.data["history"]["loss"][0] == first.data["history"]["loss"][0]


def test_only_the_output_bias_of_a_dead_instance_learns(tmp_path: Path) -> None:
    train, inputs, validation, validation_inputs = a_pair()
    config = denoiser_config(2)
    dead = train_dead_instance.function(
        context(tmp_path, **config),
        inputs=inputs,
        train=train,
        validation_inputs=validation_inputs,
        validation=validation,
    )
    drawn = models.from_spec(config["spec"], seed=3).state_dict()
    changed = [name for name in drawn if not torch.equal(drawn[name], dead[f"final/{name}"])]
    assert changed == [CODE_BIAS, "decoder.output.bias"]
    assert dead.data["zeros"] == {"images": 1.0, "values": 1.0}
    output = model_from(dead).reconstruct(inputs["images"])
    assert int(output.min()) == int(output.max())


def test_variances_are_the_losses_of_constants(tmp_path: Path) -> None:
    digits = datasets.digits()
    train = digits.train.take(100)
    found = pixel_variances.function(
        context(tmp_path), train=train, validation=train, test=digits.test, file=digits.train
    ).data
    rivals = trivial_rivals.function(
        context(tmp_path, components=[1]), train=train, test=train
    ).data
    for kind in ("constant", "mean"):
        assert found["train"][kind] == pytest.approx(rivals[kind]["exact_mse"], rel=1e-9)
        assert found["train"] == found["validation"]
        assert found["file"][kind] != found["test"][kind]


def test_the_published_variance(real_fashion: Dataset) -> None:
    pixels = real_fashion.test.images.double() / 255
    assert round(float(pixels.var(correction=0)), 5) == 0.12422
    claim = CLAIMS["constant_loss"]
    assert claim.judge([float(pixels.var(correction=0))]).verdict == "agrees"


@pytest.fixture
def real_fashion() -> Dataset:
    try:
        return datasets.fashion_mnist(offline=True)
    except imgcomp.errors.DatasetError:
        pytest.skip("Fashion-MNIST is not on this machine")


def a_dataset(name: str, train: int, test: int, shape: tuple[int, int, int]) -> Dataset:
    parts = [
        Split(
            torch.randint(0, 256, (count, *shape), dtype=torch.uint8),
            torch.arange(count) % 10,
            tuple("0123456789"),
            f"{name}/{part}",
        )
        for part, count in (("train", train), ("test", test))
    ]
    return Dataset(name, *parts)


def test_both_divisions_of_the_images() -> None:
    dataset = a_dataset("mnist", 100, 50, (1, 28, 28))
    usual = splits(a_run(dataset, "paper"), dataset)
    assert [len(part) for part in (usual.train, usual.validation, usual.test)] == [80, 20, 50]
    other = splits(a_run(dataset, "paper", split="60000+2000"), dataset)
    assert [len(part) for part in (other.train, other.validation, other.test)] == [100, 10, 50]
    few = splits(a_run(dataset, "paper", images=40, test_images=20), dataset)
    assert [len(part) for part in (few.train, few.validation, few.test)] == [32, 8, 20]


def test_the_other_data_set_comes_along() -> None:
    for name, others in (("mnist", ["fashion-mnist"]), ("fashion-mnist", ["mnist"]), ("x", [])):
        dataset = a_dataset(name, 20, 20, (1, 28, 28))
        assert dataset_names(a_run(dataset)) == [name, *others]
        assert dataset_names(a_run(dataset, both="no")) == [name]


def test_other_shapes_are_refused() -> None:
    dataset = a_dataset("photos", 20, 20, (3, 32, 32))
    with pytest.raises(UsageError, match="1×28×28 values, those of photos have 3×32×32"):
        load(a_run(dataset), "photos")


def test_paper_scale_is_the_papers() -> None:
    digits = datasets.digits()
    nodes = {node.label: node for node in plan(PAPER.stages(a_run(digits, "paper")))}
    config = nodes["train/autoencoder-digits/seed2"].config
    assert config["seed"] == 2
    assert config["spec"] == models.bhattacharya2020().spec
    fit = config["fit"]
    assert (fit["epochs"], fit["lr"], fit["optimizer"]) == (20, 1e-3, "adam")
    assert (fit["batch_size"], fit["objective"]) == (128, "mse")
    parts = [f"train/denoiser-to-{epochs:03d}/seed0" for epochs in (20, 40, 60, 80, 100)]
    assert [label for label in nodes if label.startswith("train/denoiser")] == parts
    assert nodes[parts[1]].inputs["before"] is nodes[parts[0]]
    # What decides claims begins before what does not.
    claimed = [
        nodes[label].cost for label in nodes if "/autoencoder-" in label and "train" in label
    ]
    extra = [
        nodes[label].cost
        for label in nodes
        if label.startswith(("train/latent", "train/sweep", "train/gaussian", "train/salt"))
    ]
    assert max(extra) < min(*claimed, *(nodes[label].cost for label in parts))


def test_parts_of_the_denoising_instance() -> None:
    digits = datasets.digits()

    def parts(**changes: object) -> list[int]:
        return experiment.denoiser_parts(a_run(digits, "paper", **changes))

    assert parts() == [20, 40, 60, 80, 100]
    assert parts(denoiser_epochs=50) == [20, 40, 50]
    assert parts(denoiser_epochs=20) == [20]
    assert parts(denoiser_epochs=7) == [7]


def test_what_costs_time_can_be_left_out() -> None:
    run = a_run(
        datasets.digits(),
        "paper",
        drawn=0,
        latent_epochs=0,
        noise_epochs=0,
        sweep_epochs=0,
    )
    labels = [node.label for node in plan(PAPER.stages(run))]
    assert not [label for label in labels if label.startswith(("count/", "noise/"))]
    trained = {label.split("/")[1] for label in labels if label.startswith("train/")}
    assert {name for name in trained if not name.startswith("denoiser-to-")} == {
        "autoencoder-digits",
        "judge-digits",
        "dead-denoiser",
    }
