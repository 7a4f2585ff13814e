"""``imgcomp train-codec``, from the entry point."""

from __future__ import annotations

import json
import re

import pytest

import imgcomp
from imgcomp import codec
from imgcomp.cli import main
from imgcomp.codec import recipe
from imgcomp.report.environment import environment
from imgcomp.training.checkpoint import read_model_file

SMALL = [
    word
    for change in (
        "data.training.digits=150", "data.validation.digits=[150, 170]", "data.tables=40",
        "network.groups=[1,3]", "network.lambdas=[50, 2000]", "network.width=8",
        "network.context=8", "fit.epochs=2", "fit.keep_best=val_loss",
    )
    for word in ("--set", change)
]  # fmt: skip
TEST = imgcomp.datasets.digits().test.images


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs a command; gives status, output and error lines."""

    def run(*arguments):
        status = 0
        try:
            main(["train-codec", *map(str, arguments)])
        except SystemExit as leave:
            status = leave.code or 0
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


def test_writes_the_codec_its_card_and_its_record(run, folder):
    status, out, _ = run("house-digits", *SMALL, "--out", "made")
    assert status == 0
    assert out[-1] == "Codec: made/house-digits.safetensors"
    written = {path.name for path in (folder / "made").rglob("*") if path.is_file()}
    assert written == {"house-digits.safetensors", "house-digits.md", "house-digits.json"}
    assert (folder / "made" / "checkpoints" / "house-digits.safetensors").is_file()

    path = folder / "made" / "house-digits.safetensors"
    made = codec.load(path)
    record = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert record["digest"] == made.digest
    assert record["bytes"] == path.stat().st_size
    assert record["environment"] == environment("cpu")
    assert record["config"]["fit"]["epochs"] == 2
    assert recipe.Recipe.from_dict(record["config"]).training == {"digits": 150}
    assert imgcomp.History.from_dict(record["history"]).epochs == 2
    points = record["rates"]["digits"]
    assert [point["quality"] for point in points] == [1, 17, 34, 50, 67, 84, 100]
    size = len(made.at(50).compress(TEST))
    assert points[3]["bpp"] == 8 * size / TEST.numel()

    card = path.with_suffix(".md").read_text("utf-8")
    assert card.startswith("# house-digits\n\nA lossy codec of 28×28 images of digits, of 100 ")
    for said in (
        "the first 150 of the embedded digits",
        "images 150 … 169 of digits",
        "counted on 40 of the training images",
        f"{made.model.num_parameters:,} parameters, {made.model.multiply_adds:,} multiply–adds",
        f"the file has {record['bytes']:,} bytes",
        "`imgcomp train-codec house-digits --set data.training.digits=150 --set",
        "seed 1, 1 thread.",
        "Objective `rate+lambda*mse`, 2 epochs in batches of 32, adam",
        "The weights are those of epoch 2, the best by val_loss.",
        "digits, 360 test images:",
        f"| 50 | {points[3]['bpp']:.3f} | {points[3]['psnr']:.2f} | {points[3]['ssim']:.4f} |",
    ):
        assert said in card
    assert len(re.findall(r"^\| \d+ \|", card, re.M)) == 7


def test_resumed_is_uninterrupted_to_the_bit(run, folder, monkeypatch):
    assert run("house-digits", *SMALL, "--out", "whole", "--quiet")[0] == 0

    interrupted = recipe.fit

    def fit(model, images, config, **rest):
        def stop(event):
            raise KeyboardInterrupt

        return interrupted(model, images, config, callbacks=[stop], **rest)

    monkeypatch.setattr(recipe, "fit", fit)
    status, out, err = run("house-digits", *SMALL, "--out", "parts", "--quiet")
    assert (status, out) == (130, [])
    assert "--resume goes on" in err[-1]
    assert not (folder / "parts" / "house-digits.safetensors").exists()
    checkpoint = folder / "parts" / "checkpoints" / "house-digits.safetensors"
    assert read_model_file(checkpoint).training["epoch"] == 1
    monkeypatch.undo()

    monkeypatch.chdir(folder)
    status, out, err = run("house-digits", *SMALL, "--out", "parts", "--quiet")
    assert status == 1
    assert "a training is there already; --resume goes on with it" in err[-1]
    status, out, err = run("house-digits", *SMALL, "--out", "parts", "--quiet", "--resume")
    assert (status, out, err) == (0, ["parts/house-digits.safetensors"], [])
    for ending in ("safetensors", "md"):
        whole, parts = (folder / each / f"house-digits.{ending}" for each in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()


def test_a_file_of_ones_own_and_the_usual_folder(run, folder, monkeypatch):
    monkeypatch.setattr(recipe.Recipe, "train", lambda self, *_, **options: options["checkpoint"])
    monkeypatch.setattr(
        imgcomp.cli.train_codec, "write", lambda recipe, trained, out, **_: out / "x.safetensors"
    )
    text = (recipe.RECIPES / "house-digits.toml").read_text("utf-8")
    (folder / "mine.toml").write_text(text.replace('"house-digits"', '"mine"'))
    assert run("mine.toml", "--quiet") == (0, ["runs/mine/x.safetensors"], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nothing"],
            "there is no recipe 'nothing'; there are house-colour, "
            "house-colour-classifier, house-colour-ms-ssim, house-digits",
        ),
        (["nothing.toml"], "nothing.toml: there is no such recipe"),
        (["house-digits", "--set", "fit.epoch=2"], "house-digits.toml: unknown key fit.epoch; did"),
        (["house-digits", "--set", "fit.epochs"], "--set: expected KEY=VALUE, such as fit.epo"),
        (["house-digits", "--set", "fit.lr=x"], "fit.lr must be a finite number of at least 0"),
        (["house-gray", "--data-dir", "."], "fashion-mnist"),
    ],
)
def test_errors_are_one_line(run, folder, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (1, [])
    assert len(err) == 1
    assert err[0].startswith("imgcomp: error: ")
    assert message in err[0]
    assert not list(folder.iterdir())
