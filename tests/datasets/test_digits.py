import hashlib
import pathlib
import runpy
import shutil

import numpy as np
import pytest
import torch

from imgcomp.datasets import digits, load, read_idx
from imgcomp.datasets._digits import enlarge, split_indices
from imgcomp.datasets._locate import embedded_folder
from imgcomp.errors import CorruptDataError


def test_shape_and_counts():
    data = digits()
    assert data.train.images.shape == (1437, 1, 28, 28)
    assert data.test.images.shape == (360, 1, 28, 28)
    assert data.classes == tuple("0123456789")
    assert data.train.class_counts == (143, 145, 142, 146, 145, 146, 144, 143, 140, 143)
    assert data.test.class_counts == (35, 37, 35, 37, 36, 36, 37, 36, 34, 37)


def test_the_embedded_values_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.datasets").load_digits()
    images = read_idx(embedded_folder() / "digits-images-idx3-ubyte.gz", 3)
    labels = read_idx(embedded_folder() / "digits-labels-idx1-ubyte.gz", 1)
    assert (images == sklearn.images).all()
    assert (labels == sklearn.target).all()


def test_the_files_come_out_of_the_script(tmp_path):
    pytest.importorskip("sklearn")
    script = pathlib.Path(__file__).parents[2] / "tools" / "make_digits.py"
    runpy.run_path(str(script))["main"](tmp_path)
    for path in tmp_path.iterdir():
        assert (read_idx(path) == read_idx(embedded_folder() / path.name)).all()


def test_the_terms_are_beside_the_data():
    text = (embedded_folder() / "LICENSE.txt").read_text()
    assert "Alpaydin" in text
    assert "CC BY 4.0" in text
    assert "scikit-learn" in text


def test_enlarging_by_hand():
    small = np.zeros((1, 8, 8), np.uint8)
    small[0, 0, 0] = 16
    big = enlarge(small)[0]
    assert big.shape == (28, 28)
    # Weights of the corner pixel at 20 places: 1, 0.9, 0.5, 0.1, 0, ... (pixel centres).
    expected = [255, 229.5, 127.5, 25.5]
    assert big[4, 4:9].tolist() == [255, 230, 128, 26, 0]
    assert big[5, 5] == np.floor(255 * 0.9 * 0.9 + 0.5)
    assert big[:4].sum() == big[:, :4].sum() == 0
    assert [round(v) for v in expected[:1]] == [255]


def test_a_full_picture_stays_full_within_the_frame():
    big = enlarge(np.full((2, 8, 8), 16, np.uint8))
    assert (big[:, 4:24, 4:24] == 255).all()
    assert big.sum() == 2 * 400 * 255


def test_enlarging_agrees_with_torch():
    small = np.random.default_rng(0).integers(0, 17, (50, 8, 8), dtype=np.uint8)
    wide = torch.nn.functional.interpolate(
        torch.from_numpy(small)[:, None].double(), (20, 20), mode="bilinear", align_corners=False
    )
    difference = enlarge(small)[:, 4:24, 4:24] - wide[:, 0].numpy() * 255 / 16
    assert np.abs(difference).max() <= 0.5 + 1e-9


def test_split_is_stratified_and_whole():
    labels = np.array([1, 0, 1, 0, 1, 0, 1, 0, 1, 0], np.uint8)
    train, test = split_indices(labels, 2)
    assert test.tolist() == [8, 9]  # the last of each class, in order of the file
    assert sorted([*train, *test]) == list(range(10))
    assert train.tolist() == sorted(train)


def test_it_never_changes():
    # Frozen: results published with the embedded set depend on it.
    data = digits()
    assert data.train.fingerprint.startswith("923c248c0de705d6")
    assert data.test.fingerprint.startswith("de959e41691f47be")
    first = hashlib.sha256(data.train.images[0].numpy().tobytes()).hexdigest()
    assert first.startswith("92f115ac3aef90f4")


def test_a_root_or_being_offline_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    assert load("digits", tmp_path / "none").fingerprint == digits().fingerprint


def test_damage_to_the_package_is_told(tmp_path, monkeypatch):
    shutil.copytree(embedded_folder(), tmp_path / "digits")
    monkeypatch.setattr("imgcomp.datasets._locate.embedded_folder", lambda: tmp_path / "digits")
    path = tmp_path / "digits" / "digits-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptDataError, match=f"{path}: .*install imgcomp again"):
        digits()


def test_the_digits_can_be_told_apart():
    # A nearest-mean rule: the labels belong to the images.
    data = digits()
    flat = data.train.images.reshape(1437, -1).double()
    means = torch.stack([flat[data.train.labels == c].mean(0) for c in range(10)])
    nearest = torch.cdist(data.test.images.reshape(360, -1).double(), means).argmin(1)
    assert (nearest == data.test.labels).double().mean() > 0.85
