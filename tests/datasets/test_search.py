import os
import shutil

import pytest
from dataset_files import CIFAR10_INFO, write_cifar_binary, write_cifar_python, write_idx_set

from imgcomp import datasets
from imgcomp.datasets import cache_dir, data_dir, load, names
from imgcomp.datasets._locate import locate
from imgcomp.datasets._registry import FASHION_MNIST_INFO, MNIST_INFO, lookup
from imgcomp.errors import CorruptDataError, DatasetError, DatasetNotFoundError


def test_names():
    assert names() == ("mnist", "fashion-mnist", "cifar-10", "cifar-100", "digits")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("fashion-mnist", "fashion-mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("FashionMNIST", "fashion-mnist"),
        ("Fashion MNIST", "fashion-mnist"),
        ("cifar-10", "cifar-10"),
        ("CIFAR10", "cifar-10"),
        ("cifar_100", "cifar-100"),
        ("MNIST", "mnist"),
        ("Digits", "digits"),
    ],
)
def test_hyphens_underscores_and_case_do_not_matter(name, canonical):
    assert lookup(name).name == canonical


@pytest.mark.parametrize("name", ["", "mnst", "cifar", "cifar-1O"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(DatasetError, match=f"unknown data set '{name}': expected one of mnist, "):
        load(name)


@pytest.mark.parametrize(
    "folder", ["mnist", "MNIST", "MNIST/raw", "mnist/raw", "mnist/MNIST/raw", "M-NIST", "."]
)
@pytest.mark.parametrize("form", [{}, {"packed": False}, {"packed": False, "dotted": True}])
def test_idx_files_under_every_name(tmp_path, folder, form):
    write_idx_set(tmp_path / "data" / folder, **form)
    found = locate(MNIST_INFO, tmp_path / "data")
    assert found.path == (tmp_path / "data" / folder).resolve() or found.path.name == "raw"
    data = load("mnist", tmp_path / "data", verify=False)
    assert (len(data.train), len(data.test)) == (30, 20)


@pytest.mark.parametrize("root", ["data", "data/mnist", "data/mnist/raw"])
def test_the_root_may_be_the_folder_itself(tmp_path, root):
    write_idx_set(tmp_path / "data" / "mnist" / "raw")
    assert locate(MNIST_INFO, tmp_path / root).path == tmp_path / "data" / "mnist" / "raw"


@pytest.mark.parametrize(
    "folder", ["fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "fashion"]
)
def test_fashion_mnist_folders(tmp_path, folder):
    write_idx_set(tmp_path / folder)
    write_idx_set(tmp_path / "mnist", seed=9)
    assert locate(FASHION_MNIST_INFO, tmp_path).path == tmp_path / folder
    assert locate(MNIST_INFO, tmp_path).path == tmp_path / "mnist"


def test_one_sets_folder_is_never_taken_for_another(tmp_path):
    write_idx_set(tmp_path / "mnist")
    for root in (tmp_path, tmp_path / "mnist"):
        with pytest.raises(DatasetNotFoundError, match="holds no fashion-mnist; expected a folder"):
            load("fashion-mnist", root)


@pytest.mark.parametrize(
    "folder",
    ["cifar-10-batches-bin", "cifar-10", "CIFAR10/cifar-10-batches-bin", "cifar_10_binary"],
)
def test_cifar_folders(tmp_path, folder):
    write_cifar_binary(tmp_path / folder, CIFAR10_INFO)
    assert locate(CIFAR10_INFO, tmp_path).path == tmp_path / folder


def test_the_canonical_folder_and_form_come_first(tmp_path):
    write_cifar_python(tmp_path / "cifar-10-batches-py", CIFAR10_INFO)
    write_cifar_binary(tmp_path / "CIFAR10", CIFAR10_INFO)
    write_cifar_binary(tmp_path / "cifar-10-batches-bin", CIFAR10_INFO)
    assert locate(CIFAR10_INFO, tmp_path).path.name == "cifar-10-batches-bin"
    write_idx_set(tmp_path / "mnist", packed=False)
    write_idx_set(tmp_path / "mnist")
    assert {file.suffix for file in locate(MNIST_INFO, tmp_path).files} == {".gz"}


def test_the_argument_comes_before_everything(tmp_path, monkeypatch, cache):
    for number, root in enumerate((tmp_path / "given", tmp_path / "env", cache)):
        write_idx_set(root / "mnist", train=30 + number)
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path / "env"))
    assert len(load("mnist", tmp_path / "given", verify=False).train) == 30
    assert len(load("mnist", verify=False).train) == 31
    shutil.rmtree(tmp_path / "env" / "mnist")
    assert len(load("mnist", verify=False).train) == 32


def test_a_given_root_is_the_only_place(tmp_path, cache):
    write_idx_set(cache / "mnist")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DatasetNotFoundError,
        match=r"empty: holds no mnist; expected a folder mnist with train-images-idx3-ubyte.gz, ",
    ):
        load("mnist", tmp_path / "empty", verify=False)
    with pytest.raises(DatasetNotFoundError, match="none: does not exist"):
        load("mnist", tmp_path / "none", verify=False)


def test_imgcomp_data_must_be_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path / "none"))
    with pytest.raises(DatasetNotFoundError, match=r"IMGCOMP_DATA=.*none: expected a folder"):
        load("mnist")
    with pytest.raises(DatasetNotFoundError):
        data_dir()
    assert len(load("digits").train) == 1437  # needs no folder


def test_the_places(tmp_path, monkeypatch, cache):
    assert data_dir() is None
    assert cache_dir() == cache
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path))
    assert data_dir() == tmp_path
    monkeypatch.delenv("IMGCOMP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "imgcomp"


@pytest.mark.parametrize("variable", ["IMGCOMP_DATA", "IMGCOMP_CACHE"])
def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch, variable):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_idx_set(tmp_path / "sets" / "mnist")
    monkeypatch.setenv(variable, "~/sets")
    assert len(load("mnist", verify=False).train) == 30
    assert len(load("mnist", "~/sets", verify=False).train) == 30


@pytest.mark.parametrize("name", MNIST_INFO.files)
def test_a_missing_file_is_named_and_nothing_else_is_tried(tmp_path, monkeypatch, cache, name):
    write_idx_set(cache / "mnist")
    write_idx_set(tmp_path / "env" / "mnist")
    (tmp_path / "env" / "mnist" / name).unlink()
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path / "env"))
    with pytest.raises(CorruptDataError, match=f"env/mnist: expected {name} beside "):
        load("mnist", verify=False)


def test_a_broken_file_is_never_passed_over(tmp_path, monkeypatch, cache):
    write_idx_set(cache / "mnist")
    write_idx_set(tmp_path / "env" / "mnist")
    broken = tmp_path / "env" / "mnist" / "t10k-images-idx3-ubyte.gz"
    os.truncate(broken, 100)
    write_idx_set(tmp_path / "env" / "mnist", packed=False, seed=5)  # a whole copy beside it
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path / "env"))
    with pytest.raises(CorruptDataError, match=f"{broken}: "):
        load("mnist", verify=False)


def test_an_empty_folder_is_as_good_as_none(tmp_path, monkeypatch, cache):
    write_idx_set(cache / "mnist")
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "notes.txt").write_text("to be filled")
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path))
    assert len(load("mnist", verify=False).train) == 30


def test_a_part_of_a_set_in_a_folder_of_no_name_is_not_a_set(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "test").write_text("a file with a common name")
    with pytest.raises(DatasetNotFoundError, match="holds no cifar-100"):
        load("cifar-100", tmp_path)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline_never_tries(monkeypatch, cache, how):
    monkeypatch.setattr(
        "imgcomp.datasets._load.download", lambda *a, **k: pytest.fail("tried to download")
    )
    if how == "environment":
        monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    with pytest.raises(DatasetNotFoundError) as caught:
        datasets.fashion_mnist(offline=True if how == "argument" else None)
    message = str(caught.value)
    assert str(cache) in message
    assert "IMGCOMP_DATA is not set" in message
    assert "imgcomp data get fashion-mnist" in message
    assert "digits" in message
    assert "\n" not in message
    assert isinstance(caught.value, FileNotFoundError)


def test_the_argument_overrules_the_environment(monkeypatch):
    monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    asked = []

    def download(info, root, **_):
        asked.append(info.name)
        write_idx_set(root / info.folder)

    monkeypatch.setattr("imgcomp.datasets._load.download", download)
    assert len(load("mnist", offline=False, verify=False).train) == 30
    assert asked == ["mnist"]


def test_imgcomp_offline_is_yes_or_no(monkeypatch):
    monkeypatch.setenv("IMGCOMP_OFFLINE", "perhaps")
    with pytest.raises(DatasetError, match="IMGCOMP_OFFLINE=perhaps: expected 1 or 0"):
        load("mnist")


def test_names_joined_by_plus(tmp_path):
    write_idx_set(tmp_path / "mnist")
    write_idx_set(tmp_path / "fashion-mnist")
    data = load("mnist+fashion_mnist", tmp_path, verify=False)
    assert data.name == "mnist+fashion-mnist"
    assert (len(data.train), len(data.test), len(data.classes)) == (60, 40, 20)
    with pytest.raises(DatasetError, match="unknown data set ''"):
        load("digits+")


def test_a_name_with_a_slash_is_an_image_folder(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="expected a folder of pictures"):
        load(str(tmp_path / "none"))
    with pytest.raises(DatasetNotFoundError, match="expected a folder of pictures"):
        load("./none")
