"""``imgcomp compress``, ``decompress``, ``info`` and ``verify``, from the entry point."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import archives
import numpy as np
import pytest
import torch
from PIL import Image

import imgcomp
from imgcomp import codec
from imgcomp.cli import main

TINY = archives.static_codec()
IMAGES = archives.images(12)
EXPECTED = TINY.decode(TINY.encode(IMAGES), 12)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, and the tiny codec where codecs are looked for."""
    (tmp_path / "codecs").mkdir()
    TINY.save(tmp_path / "codecs" / "tiny.safetensors")
    monkeypatch.setenv("IMGCOMP_CODECS", str(tmp_path / "codecs"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def run(capsys):
    """Runs a command; gives status, output and error lines."""

    def run(*arguments):
        status = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as leave:
            status = leave.code or 0
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def compress(run):
    """Runs ``imgcomp compress`` with the tiny codec, which must succeed."""

    def compress(*arguments):
        status, out, err = run("compress", *arguments, "--codec", "tiny")
        assert status == 0, err
        return out, err

    return compress


def save_pictures(folder, images=IMAGES, suffix=".png"):
    for i, image in enumerate(images):
        path = folder / f"{'ab'[i % 2]}/{i:02}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).save(path)


def test_a_folder_with_classes_and_back(compress, run, folder):
    save_pictures(folder / "in")
    out, err = compress("in", "-o", "out.imc")
    size = (folder / "out.imc").stat().st_size
    assert err == []
    assert out == [
        f"out.imc: 12 images in {size} bytes, {size / 12:.1f} an image, "
        f"{8 * size / 12 / 16:.3f} bits per pixel, with 'tiny'"
    ]
    order = [*range(0, 12, 2), *range(1, 12, 2)]
    with codec.open("out.imc") as opened:
        assert torch.equal(opened[:], EXPECTED[order])
        assert opened.labels.tolist() == [0] * 6 + [1] * 6
        assert opened.classes == ("a", "b")
        assert opened.names == tuple(f"{'ab'[i % 2]}/{i:02}.png" for i in order)
    assert run("decompress", "out.imc", "-o", "back") == (0, ["back: 12 images"], [])
    for i in range(12):
        with Image.open(folder / f"back/{'ab'[i % 2]}/{i:02}.png") as picture:
            assert np.array_equal(np.array(picture), EXPECTED[i, 0].numpy())
    with (folder / "back/labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[7] == {"file": "b/03.png", "label": "1", "class": "b"}
    assert sorted(entry.name for entry in folder.iterdir()) == ["back", "in", "out.imc"]


def test_pictures_one_by_one(compress, folder):
    save_pictures(folder)
    compress("b/01.png", folder / "a/00.png", "-o", "two.imc")
    with codec.open("two.imc") as opened:
        assert torch.equal(opened[:], EXPECTED[[1, 0]])
        assert opened.names == ("b/01.png", "00.png")
        assert not opened.has_labels


def test_arrays(compress, run, folder):
    np.save("x.npy", IMAGES[:, 0].numpy())
    np.savez("xy.npz", images=IMAGES.numpy(), labels=np.arange(12) % 3)
    np.savez("keras.npz", x_train=IMAGES[:7, 0].numpy(), y_train=np.zeros((7, 1), int),
             x_test=IMAGES[7:, 0].numpy(), y_test=np.zeros(5, int))  # fmt: skip
    compress("x.npy", "-o", "x.imc")
    compress("xy.npz", "-o", "xy.imc")
    compress("keras.npz", "-o", "keras.imc")
    for name in ("x", "xy", "keras"):
        with codec.open(f"{name}.imc") as opened:
            assert torch.equal(opened[:], EXPECTED)
            assert opened.has_labels == (name != "x")
    assert run("decompress", "xy.imc", "-o", "out", "--format", "npy")[0] == 0
    assert np.array_equal(np.load("out/images.npy"), EXPECTED.numpy())
    assert np.load("out/labels.npy").tolist() == [0, 1, 2] * 4
    assert (folder / "out/classes.txt").read_text() == "0\n1\n2\n"
    assert run("decompress", "x.imc", "-o", "one.npy")[0] == 0
    assert np.array_equal(np.load("one.npy"), EXPECTED.numpy())


def test_idx(compress, folder):
    head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (12, 4, 4))
    (folder / "images-idx3-ubyte").write_bytes(head + IMAGES.numpy().tobytes())
    compress("images-idx3-ubyte", "-o", "x.imc")
    assert torch.equal(codec.open("x.imc")[:], EXPECTED)


def test_several_inputs_follow_one_another(compress, run, folder):
    save_pictures(folder / "p")
    save_pictures(folder / "q", IMAGES[:2])
    np.save("x.npy", IMAGES.numpy())
    compress("q", "p", "-o", "all.imc", "--limit", "5")
    with codec.open("all.imc") as opened:
        assert torch.equal(opened[:], EXPECTED[[0, 1, 0, 2, 4]])
        assert opened.names[1:3] == ("1/b/01.png", "2/a/00.png")
        assert opened.labels.tolist() == [0, 1, 0, 0, 0]
    _, err = compress("q", "x.npy", "-o", "mixed.imc")
    assert err == [
        "imgcomp: warning: labels are left out: those of x.npy are not those of q",
        "imgcomp: warning: names are left out: those of x.npy are not those of q",
    ]
    compress("all.imc", "x.npy", "-o", "again.imc")
    assert torch.equal(codec.open("again.imc")[5:], EXPECTED)


def test_data_sets(run, folder, monkeypatch):
    digits = imgcomp.datasets.digits()
    model = imgcomp.models.feng2018_cnn(seed=1)
    made = codec.from_model(model, digits.train.images[:50], name="untrained")
    made.save("own.safetensors")
    own = ("--codec", "own.safetensors", "--embed-model", "-q")
    assert run("compress", "digits", "-o", "d.imc", *own) == (0, [], [])
    with codec.open("d.imc") as opened:
        assert len(opened) == 1437 + 360
        labels = torch.cat([digits.train.labels, digits.test.labels])
        assert torch.equal(opened.labels, labels)
        assert opened.classes == digits.classes
    # Without names, pictures lie as an export of the data set.
    assert run("decompress", "d.imc", "-o", "pictures", "-q") == (0, [], [])
    again = imgcomp.datasets.from_folder("pictures", test_fraction=0.0).train
    assert torch.equal(again.labels, labels)
    assert torch.equal(again.images, codec.open("d.imc")[:])
    assert run("compress", "digits", "-o", "t.imc", "--split", "test", *own)[0] == 0
    assert len(codec.open("t.imc")) == 360


def test_standard_input_and_output(folder):
    array = io.BytesIO()
    np.save(array, IMAGES.numpy())

    def through(data, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "imgcomp", *arguments],
            input=data,
            capture_output=True,
            check=True,
            timeout=120,
        )
        return done.stdout, done.stderr.decode()

    data, told = through(array.getvalue(), "compress", "-", "-o", "-", "--codec", "tiny")
    assert told.startswith(f"-: 12 images in {len(data)} bytes")
    found, _ = through(data, "decompress", "-", "-o", "-", "-q")
    assert np.array_equal(np.load(io.BytesIO(found)), EXPECTED.numpy())
    assert through(data, "verify", "-")[0] == b"-: all 12 images are whole\n"


def test_info(compress, run):
    np.savez("xy.npz", images=IMAGES.numpy(), labels=np.arange(12) % 3)
    compress("xy.npz", "-o", "xy.imc", "--block", "5")
    status, out, _ = run("info", "xy.imc", "--json")
    found = json.loads("\n".join(out))
    size = Path("xy.imc").stat().st_size
    assert status == 0
    assert {key: found[key] for key in ("images", "shape", "codec", "bytes", "blocks")} == {
        "images": 12,
        "shape": [1, 4, 4],
        "codec": "tiny",
        "bytes": size,
        "blocks": 3,
    }
    assert found["bits_per_pixel"] == 8 * size / 12 / 16
    assert found["bytes_coded"] < size
    assert found["metadata"] == {"source": "xy.npz", "classes": ["0", "1", "2"]}
    _, lines, _ = run("info", "xy.imc")
    assert "images                12" in lines


def test_an_unknown_codec_is_named(compress, run, folder, monkeypatch):
    np.save("x.npy", IMAGES.numpy())
    compress("x.npy", "-o", "x.imc")
    compress("x.npy", "-o", "y.imc", "--embed-model")
    monkeypatch.delenv("IMGCOMP_CODECS")
    for command in (("decompress", "x.imc", "-o", "out"), ("verify", "x.imc")):
        status, _, err = run(*command)
        assert status == 1
        assert f"x.imc: written with the codec 'tiny' of hash {TINY.digest[:16]}" in err[0]
    assert not (folder / "out").exists()
    assert "codec is here         False" in run("info", "x.imc")[1]
    where = folder.parent / "codecs/tiny.safetensors"
    assert run("verify", "x.imc", "--codec", where)[0] == 0
    assert run("verify", "y.imc")[0] == 0


def test_damage_is_found(compress, run, folder):
    np.save("x.npy", IMAGES.numpy())
    compress("x.npy", "-o", "x.imc", "--block", "4")
    good = (folder / "x.imc").read_bytes()
    (folder / "cut.imc").write_bytes(good[:-20])
    altered = bytearray(good)
    altered[len(good) // 2] ^= 1
    (folder / "altered.imc").write_bytes(altered)
    for name, text in (("cut", "it is cut"), ("altered", "the file is altered")):
        status, out, err = run("verify", "x.imc", f"{name}.imc")
        assert status == 1
        assert out == ["x.imc: all 12 images are whole"]
        assert len(err) == 1
        assert err[0].startswith(f"imgcomp: error: {name}.imc: ")
        assert text in err[0]
        assert run("decompress", f"{name}.imc", "-o", "out")[0] == 1
        assert not (folder / "out").exists()


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "C:/x.png", "a\\b.png"])
def test_nothing_is_written_outside_the_folder(run, folder, name):
    header = codec.container.Header(TINY.digest, "tiny", (1, 4, 4), has_names=True)
    stream = TINY.encode(IMAGES[:1])
    block = codec.container.Block(1, stream, names=(name,)).to_bytes(header)
    head = header.to_bytes()
    index = codec.container.Index((1,), (len(block),), len(head)).to_bytes()
    (folder / "evil.imc").write_bytes(head + block + index)
    status, _, err = run("decompress", "evil.imc", "-o", "sub/out")
    assert status == 1
    assert "outside the folder" in err[0]
    assert [p.name for p in folder.parent.rglob("*.png")] == []
    assert run("decompress", "evil.imc", "-o", "npy", "--format", "npy")[0] == 0


def test_names_that_become_one(compress, run, folder):
    for suffix in (".png", ".bmp", ".pgm"):
        Image.fromarray(IMAGES[0, 0].numpy()).save(folder / f"x{suffix}")
    compress("x.png", "x.bmp", "x.pgm", "-o", "x.imc")
    assert run("decompress", "x.imc", "-o", "out")[0] == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "x.bmp.png",
        "x.pgm.png",
        "x.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.npy", "-o", "there.imc"], "there.imc: is there already; --force replaces it"),
        (["x.npy", "-o", "sub"], "sub: a folder is there"),
        (["y.npy", "-o", "y.imc"], "images of 1×5×5, but the codec 'tiny' takes 1×4×4"),
        (["x.npy", "y.npy", "-o", "y.imc"], "y.npy: images of 1×5×5"),
        (["nothing", "-o", "y.imc"], "unknown data set 'nothing'"),
        (["nothing.png", "-o", "y.imc"], "nothing.png"),
        (["nothing.npy", "-o", "y.imc"], "nothing.npy: cannot be read"),
        (["./nothing", "-o", "y.imc"], "./nothing: there is no such file or folder"),
        (["float.npy", "-o", "y.imc"], "expected images as uint8"),
        (["bad.npz", "-o", "y.imc"], "not a readable .npy or .npz file"),
        (["objects.npy", "-o", "y.imc"], "not a readable .npy or .npz file"),
        (["digits", "-o", "y.imc", "--split", "some"], "expected train, test or all, got 'some'"),
        (["sub", "-o", "y.imc"], "expected pictures, got none"),
    ],
)
def test_what_does_not_fit_is_said(run, folder, arguments, message):
    np.save("x.npy", IMAGES.numpy())
    np.save("y.npy", np.zeros((2, 5, 5), np.uint8))
    np.save("float.npy", np.zeros((2, 4, 4)))
    np.save("objects.npy", np.array([{}], dtype=object))
    (folder / "bad.npz").write_bytes(b"PK no zip")
    (folder / "there.imc").write_bytes(b"old")
    (folder / "sub").mkdir()
    status, out, err = run("compress", *arguments, "--codec", "tiny")
    assert (status, out, len(err)) == (1, [], 1)
    assert message in err[0]
    assert not (folder / "y.imc").exists()
    assert (folder / "there.imc").read_bytes() == b"old"


def test_force_replaces(compress, run, folder):
    np.save("x.npy", IMAGES.numpy())
    (folder / "x.imc").write_bytes(b"old")
    compress("x.npy", "-o", "x.imc", "--force")
    (folder / "out").mkdir()
    (folder / "out/00003.png").write_bytes(b"old")
    (folder / "out/mine.txt").write_text("kept")
    status, _, err = run("decompress", "x.imc", "-o", "out")
    assert status == 1
    assert "out: is not empty; --force writes into it all the same" in err[0]
    assert run("decompress", "x.imc", "-o", "out", "--force")[0] == 0
    assert (folder / "out/mine.txt").read_text() == "kept"
    with Image.open(folder / "out/00003.png") as picture:
        assert np.array_equal(np.array(picture), EXPECTED[3, 0].numpy())
    assert run("decompress", "x.imc", "-o", "x.imc/out")[0] == 1
    assert run("decompress", "out", "-o", "y")[0] == 1
    assert run("decompress", "x.imc", "-o", "y", "--format", "gif")[0] == 1
    assert run("decompress", "nothing.imc", "-o", "y")[0] == 1


def test_iterations(run, folder):
    bits = archives.progressive_codec()
    pictures = archives.images(5, (3, 4, 4))
    bits.save(folder.parent / "codecs/bits.safetensors")
    np.save("x.npy", pictures.numpy())
    assert run("compress", "x.npy", "-o", "x.imc", "--codec", "bits")[0] == 0
    assert run("decompress", "x.imc", "-o", "one.npy", "--iterations", "1")[0] == 0
    expected = bits.model.reconstructions(pictures.float() / 255)[0]
    assert np.array_equal(np.load("one.npy"), (expected * 255).round().clamp(0, 255).byte().numpy())
    assert run("decompress", "x.imc", "-o", "y.npy", "--iterations", "4")[0] == 1


def test_pictures_take_the_channels_of_the_codec(compress, folder):
    colour = IMAGES[0, 0].unsqueeze(-1).expand(-1, -1, 3).contiguous().numpy()
    Image.fromarray(colour).save(folder / "x.png")
    compress("x.png", "-o", "x.imc")
    assert torch.equal(codec.open("x.imc")[:], EXPECTED[:1])
