"""Networks that ``imgcomp reproduce`` trained, as lines of a comparison."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image
from rd_tools import never, smooth

from imgcomp import codec, datasets, models
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.rd.lines import lines_of
from imgcomp.rd.material import material
from imgcomp.rd.networks import codec_of, network_codec
from imgcomp.rd.package import sender
from imgcomp.rd.run import compare_codecs
from imgcomp.stages import Artifact, ArtifactStore, Origin, Runner

GRAY, COLOUR = (1, 28, 28), (3, 32, 32)


def trained(model, **data):
    weights = {f"final/{name}": tensor for name, tensor in model.state_dict().items()}
    return Artifact(weights, {"spec": model.spec, "diverged": None, **data})


@pytest.fixture
def run(tmp_path):
    """The folder of a run: two networks that count, and much that does not."""
    store = ArtifactStore(tmp_path / "run" / "stages")
    kept = {
        "train/cnn/seed1": trained(models.feng2018_cnn(seed=1)),
        "train/cnn/seed2": trained(models.feng2018_cnn(seed=2)),
        "train/wide-cnn/seed1": trained(models.feng2018_cnn(seed=3)),
        "train/colour/seed1": trained(models.kawaguchi2022_2(seed=1)),
        "train/lost/seed1": trained(models.feng2018_cnn(seed=4), diverged="at step 3"),
        "train/classifier/seed1": trained(models.feng2018_classifier(seed=1)),
        "train/nothing/seed1": Artifact({}, {"skipped": True}),
        "measure/cnn/seed1": trained(models.feng2018_cnn(seed=5)),
    }
    for number, (label, artifact) in enumerate(kept.items()):
        store.save(label, f"{number:064x}"[::-1], artifact, Origin(1.0, {}))
    (tmp_path / "run" / "run.json").write_text(json.dumps({"paper": "feng2018"}))
    return tmp_path / "run"


def file_of(run, label):
    (path,) = (run / "stages").glob(f"{label}.*.safetensors")
    return path


def test_a_folder_stands_for_what_its_first_seed_trained(run):
    found = lines_of([str(run)], GRAY)
    assert [line.name for line in found] == ["feng2018-cnn", "feng2018-wide-cnn"]
    assert {(line.kind, line.family, line.unit, line.ours) for line in found} == {
        ("network", "feng2018", "bits of a value", False)
    }
    assert [point.label for point in found[0].points] == ["2", "3", "4", "6", "8"]
    assert found[0].title == "feng2018: cnn"
    (colour,) = lines_of([str(run)], COLOUR)
    assert colour.name == "feng2018-colour"


def test_a_name_behind_the_folder_chooses_one(run):
    (line,) = lines_of([str(run / "wide-cnn")], GRAY)
    assert line.name == "feng2018-wide-cnn"


def test_a_file_stands_for_its_network(run):
    (line,) = lines_of([str(file_of(run, "train-cnn-seed2"))], GRAY)
    assert line.name == "feng2018-cnn"
    (run / "run.json").unlink()
    (line,) = lines_of([str(file_of(run, "train-cnn-seed2"))], GRAY)
    assert (line.name, line.family) == ("cnn", "network")


def test_what_holds_no_network_for_the_images_is_refused(run, tmp_path):
    with pytest.raises(UsageError, match="holds no trained autoencoder"):
        lines_of([str(file_of(run, "train-classifier-seed1"))], GRAY)
    with pytest.raises(UsageError, match=r"takes images of 3×32×32, expected one .* of 1×28×28"):
        lines_of([str(file_of(run, "train-colour-seed1"))], GRAY)
    with pytest.raises(UsageError, match=r"expected the folder of a run .* of 1×16×16"):
        lines_of([str(run)], (1, 16, 16))
    with pytest.raises(UsageError, match="expected the folder of a run"):
        lines_of([str(tmp_path)], GRAY)
    with pytest.raises(UsageError, match=r"no network 'colour' .*; there are cnn, wide-cnn$"):
        lines_of([str(run / "colour")], GRAY)
    with pytest.raises(FileNotFoundError):
        lines_of([str(tmp_path / "elsewhere" / "cnn")], GRAY)
    path = file_of(run, "train-cnn-seed1")
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CheckpointError, match="its SHA-256 digest does not fit"):
        lines_of([str(run)], GRAY)


def test_its_codec_is_fitted_to_training_images(run, tmp_path):
    (line,) = lines_of([str(file_of(run, "train-cnn-seed1"))], GRAY)
    data = datasets.load("digits")
    train, images = data.train.take(50), data.test.images[:6]
    node = network_codec("codec", {"bits": 3}, network=line.network, train=train)
    made = codec_of(Runner(tmp_path / "out").run([node])[node])
    same = codec.from_model(models.feng2018_cnn(seed=1), train, bits=3, name="feng2018-cnn")
    assert made.compress(images) == same.compress(images)
    received = sender(made, 3).images(images, never)
    assert torch.equal(received, same.decompress(same.compress(images)))


def test_a_recurrent_network_is_a_curve_over_iterations_and_needs_no_training_images(tmp_path):
    network = models.toderici2017("gru", width=0.03, iterations=3, input_shape=(3, 16, 16))
    stored = ArtifactStore(tmp_path)
    stored.save("train/gru/seed0", "0123456789ab" + "0" * 52, trained(network), Origin(1.0, {}))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, image in enumerate(smooth(4)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(pictures / f"{number}.png")
    done = compare_codecs(
        str(pictures),
        [str(tmp_path / "train-gru-seed0.0123456789ab.safetensors")],
        images=4,
        out=tmp_path / "rd",
        bootstrap=0,
        jobs=1,
        progress=False,
    )
    (line,) = done.results["lines"]
    assert (line["title"], line["unit"], line["ours"]) == ("gru", "iterations", False)
    assert [point["setting"] for point in line["points"]] == [1, 2, 3]
    same = codec.from_model(network, smooth(2), name="gru")
    sent = material(str(pictures), 4).test.images
    assert line["points"][-1]["bytes"]["file"] == len(same.compress(sent)) / len(sent)
    assert line["points"][0]["model_bytes"] == len(same.to_bytes())
    first, last = (line["points"][n]["bytes"]["payload"] for n in (0, -1))
    assert last > 2 * first > 0
