"""Data sets written as pictures, and read back as what they were."""

import json
import os

import numpy as np
import pytest
import torch
from picture_files import GRAY, save
from PIL import Image

from imgcomp import metrics
from imgcomp.cli import main
from imgcomp.datasets import Dataset, Split, export, from_arrays, from_folder, load
from imgcomp.datasets._manifest import folder_names
from imgcomp.errors import CorruptDataError, DatasetError

NASTY = ("T-shirt/top", "Ankle boot", "..", "", ".hidden", "__x__", "é", "a", "A", "x" * 300, "%2F")


def images(n, channels=1, seed=0):
    """Smooth pictures, so that JPEG has something to keep."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(n, channels, 4, 5, generator=generator) * 255
    large = torch.nn.functional.interpolate(small, (12, 10), mode="bilinear")
    return large.round().to(torch.uint8)


def split(n, classes, channels=1, name="mine/train"):
    labels = torch.arange(n) * 7 % len(classes)
    return Split(images(n, channels), labels, classes, name)


def same(ours, theirs):
    assert ours.classes == theirs.classes
    assert torch.equal(ours.labels, theirs.labels)
    assert ours.images.shape == theirs.images.shape
    return torch.equal(ours.images, theirs.images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("jobs", [1, 3])
def test_png_gives_back_the_very_bytes(tmp_path, channels, jobs):
    data = Dataset("mine", split(450, NASTY, channels), split(23, NASTY, channels, "mine/test"))
    assert export(data, tmp_path / "out", jobs=jobs, progress=False) == tmp_path / "out"
    found = from_folder(tmp_path / "out")
    assert same(data.train, found.train)
    assert same(data.test, found.test)
    assert found.fingerprint == data.fingerprint
    assert found.name == "out"


def test_the_layout_is_one_that_people_can_read(tmp_path):
    data = Dataset("mine", split(6, NASTY[:2]), split(4, NASTY[:2]))
    export(data, tmp_path / "out")
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("*.png"))
    assert files[:2] == ["test/Ankle boot/00001.png", "test/Ankle boot/00003.png"]
    assert files[-1] == "train/T-shirt%2Ftop/00004.png"
    assert len(files) == 10
    with Image.open(tmp_path / "out" / files[0]) as picture:
        assert picture.mode == "L"
        assert (np.array(picture) == data.test.images[1, 0].numpy()).all()
    assert sorted(os.listdir(tmp_path)) == ["out"]


def test_the_embedded_digits(tmp_path):
    export(load("digits"), tmp_path / "digits")
    assert from_folder(tmp_path / "digits").fingerprint == load("digits").fingerprint


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_within_its_loss(tmp_path, channels):
    data = split(40, ("b", "a"), channels)
    export(data, tmp_path / "95", format="jpg")
    export(data, tmp_path / "30", format="jpg", quality=30)
    psnr = {}
    for quality in ("95", "30"):
        found = from_folder(tmp_path / quality, test_fraction=0).train
        assert not same(data, found)
        psnr[quality] = float(metrics.psnr(data.images, found.images).mean())
    assert psnr["95"] > 38
    assert 20 < psnr["30"] < psnr["95"] - 5
    file = next((tmp_path / "95").rglob("*.jpg"))
    with Image.open(file) as picture:
        assert picture.mode == ("L" if channels == 1 else "RGB")
        # Every component is sampled as often as the first: 4:4:4.
        assert all(component[1:3] == (1, 1) for component in picture.layer)


def test_a_split_and_a_set_without_test_images_have_class_folders_alone(tmp_path):
    data = from_arrays(images(12).numpy(), [0, 2, 1] * 4, classes=("train", "b", "test"),
                       test_fraction=0)  # fmt: skip
    export(data, tmp_path / "set")
    export(data.train, tmp_path / "split")
    for name in ("set", "split"):
        assert sorted(os.listdir(tmp_path / name)) == ["b", "imgcomp.json", "test", "train"]
        assert same(data.train, from_folder(tmp_path / name, test_fraction=0).train)


def test_classes_without_images_keep_their_numbers(tmp_path):
    data = split(30, ("a", "b", "c", "d"))[[3, 7]]
    export(data, tmp_path / "out")
    assert same(data, from_folder(tmp_path / "out", test_fraction=0).train)


def test_images_come_in_the_order_of_their_file_names_over_all_classes(tmp_path):
    names = [f"{number}.png" for number in ("099999", "100000", "000001")]
    for name, value in zip(names, (1, 2, 0), strict=True):
        save(tmp_path / "ab"[value % 2] / name, GRAY + value)
    note = {"format": "imgcomp-pictures-1", "parts": [],
            "classes": [{"name": n, "folder": n} for n in "ba"]}  # fmt: skip
    (tmp_path / "imgcomp.json").write_text(json.dumps(note))
    found = from_folder(tmp_path, test_fraction=0).train
    assert found.images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert found.labels.tolist() == [1, 0, 1]


def test_folder_names_differ_in_any_case_and_hold_no_trap():
    names = folder_names(NASTY)
    assert len({name.casefold() for name in names}) == len(NASTY)
    for name in names:
        assert name
        assert len(name.encode()) <= 255
        assert not name.startswith((".", "__"))
        assert not set(name) & set('/\\:*?"<>|\0')
    assert names[:2] == ("T-shirt%2Ftop", "Ankle boot")


def test_a_folder_that_is_not_empty(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export(split(4, ("a", "b")), out)
    before = from_folder(out, test_fraction=0).train.fingerprint
    with pytest.raises(DatasetError, match=f"{out}: expected an empty folder, found a in it"):
        export(split(6, ("a", "c")), out)
    assert from_folder(out, test_fraction=0).train.fingerprint == before
    (out / "notes.txt").write_text("mine")
    data = split(6, ("a", "c"))
    export(data, out, force=True)
    assert same(data, from_folder(out, test_fraction=0).train)
    assert sorted(os.listdir(out)) == ["a", "c", "imgcomp.json", "notes.txt"]
    assert sorted(os.listdir(tmp_path)) == ["out"]


def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch):
    data = split(450, ("a", "b"))
    (tmp_path / "out").mkdir()
    real = Image.Image.save

    def full(self, path, *arguments, **options):
        if path.name.startswith("00300"):
            raise OSError(28, "No space left on device")
        real(self, path, *arguments, **options)

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DatasetError, match=r"out: cannot be written \(No space left on device\)"):
        export(data, tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "gif"}, "expected the format png or jpg, got gif"),
        ({"quality": 0}, "a quality from 1 to 100, got 0"),
        ({"jobs": 0}, "at least 1 job"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    with pytest.raises(DatasetError, match=message):
        export(split(4, ("a",)), tmp_path / "out", **options)
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(DatasetError, match="mine/train: expected images to export, got none"):
        export(split(4, ("a",))[:0], tmp_path / "out")
    with pytest.raises(DatasetError, match=r"1 channel \(gray\) or 3 \(RGB\) to export, got 2"):
        export(split(4, ("a",), channels=2), tmp_path / "out")
    with pytest.raises(DatasetError, match="a Dataset or a Split to export, got int"):
        export(3, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="file: expected a folder to write to, found a file"):
        export(split(4, ("a",)), tmp_path / "file", force=True)


def test_a_damaged_or_foreign_note(tmp_path):
    data = split(4, ("b", "a"))
    export(data, tmp_path / "out")
    note = tmp_path / "out" / "imgcomp.json"
    text = note.read_text("utf-8")
    note.write_text('{"whatever": 1}')
    assert from_folder(tmp_path / "out", test_fraction=0).classes == ("a", "b")
    for broken in (
        text.replace('"name": "b"', '"name": "a"'),
        text.replace('"classes"', '"klasses"'),
        text.replace("[]", '["other"]'),
    ):
        assert broken != text
        note.write_text(broken)
        with pytest.raises(CorruptDataError, match=f"{note}: expected the classes that imgcomp"):
            from_folder(tmp_path / "out")
    note.write_text(text)
    save(tmp_path / "out" / "c" / "1.png", GRAY)
    with pytest.raises(DatasetError, match=r"out/c: expected a class folder that .*json names"):
        from_folder(tmp_path / "out")


# The command


def run(capsys, *arguments):
    status = 0
    try:
        main(["data", "export", *map(str, arguments)])
    except SystemExit as leave:
        status = leave.code or 0
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


def test_the_command(tmp_path, capsys):
    status, out, err = run(capsys, "digits", tmp_path / "d", "--limit", 30)
    assert (status, out, err) == (0, [f"digits: 30 + 30 images in {tmp_path / 'd'}"], [])
    assert same(load("digits").test.take(30), from_folder(tmp_path / "d").test)
    status, out, _ = run(capsys, f"{tmp_path}/d", tmp_path / "e", "--split", "test",
                         "--format", "jpg", "--quality", "50")  # fmt: skip
    assert (status, out) == (0, [f"d: 30 images in {tmp_path / 'e'}"])
    assert len(list((tmp_path / "e").rglob("*.jpg"))) == 30
    assert (
        run(capsys, "digits", tmp_path / "e", "--force", "--split", "train", "--limit", 3)[0] == 0
    )
    found = from_folder(tmp_path / "e", test_fraction=0).train
    assert same(load("digits").train.take(3), found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnits", "x"], "unknown data set 'mnits'"),
        (["digits", "x", "--format", "bmp"], "expected the format png or jpg, got bmp"),
        (["digits", "x", "--split", "both"], "split: expected train, test or all, got 'both'"),
        (["digits", "."], ": expected an empty folder, found here in it"),
    ],
)
def test_errors_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").write_text("")
    status, out, err = run(capsys, *arguments)
    assert (status, out, len(err)) == (1, [], 1)
    assert message in err[0]
    assert os.listdir(tmp_path) == ["here"]
