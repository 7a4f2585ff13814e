import gzip
import shutil

import numpy as np
import pytest
from dataset_files import (
    cycling_labels,
    idx_bytes,
    random_images,
    small_cifar,
    small_mnist,
    write_idx_set,
    write_tar,
)

from imgcomp.datasets import load
from imgcomp.datasets._load import read
from imgcomp.datasets._locate import locate
from imgcomp.errors import CorruptDataError

# A small set with a registry entry of its own stands in for the published one.


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def info(root):
    return small_mnist(root / "mnist")


def read_again(info, root, verify=True):
    return read(info, locate(info, root), verify)


def test_the_published_content(info, root):
    data = read_again(info, root)
    assert data.name == "mnist"
    assert (data.train.name, data.test.name) == ("mnist/train", "mnist/test")
    assert (data.train.images[:, 0].numpy() == random_images(30, (28, 28))).all()
    assert data.test.labels.tolist() == [i % 10 for i in range(20)]
    assert data.train.images.numpy().flags.writeable


def test_another_packing_of_the_same_content(info, root):
    for file in (root / "mnist").iterdir():
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), 1))
    assert read_again(info, root).train.fingerprint == info.fingerprints[0]
    shutil.rmtree(root / "mnist")
    write_idx_set(root / "mnist", packed=False)
    assert read_again(info, root).test.fingerprint == info.fingerprints[1]


def test_an_altered_pixel_is_noticed_and_its_file_named(info, root):
    path = root / "mnist" / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(content))
    with pytest.raises(
        CorruptDataError, match=f"{path}: expected the published file of mnist"
    ) as e:
        read_again(info, root)
    assert info.checksums[path.name] in str(e.value)
    assert f"'imgcomp data get mnist --force --data-dir {root}' fetches good files" in str(e.value)
    assert "\n" not in str(e.value)
    assert len(read_again(info, root, verify=False).test) == 20


def test_an_altered_label_in_an_unpacked_file_is_noticed(info, root):
    shutil.rmtree(root / "mnist")
    write_idx_set(root / "mnist", packed=False)
    path = root / "mnist" / "train-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[8] = 5
    path.write_bytes(content)
    with pytest.raises(
        CorruptDataError, match=r"expected the published content of mnist/train .fingerprint"
    ):
        read_again(info, root)


def test_the_cure_for_the_cache_needs_no_folder(info, root, cache):
    shutil.copytree(root, cache)
    (cache / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(CorruptDataError, match="'imgcomp data get mnist --force' fetches"):
        read(info, locate(info))


def test_a_folder_with_a_space_is_quoted_in_the_cure(tmp_path):
    root = tmp_path / "my data"
    info = small_mnist(root / "mnist")
    (root / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(CorruptDataError, match=r"--data-dir '/.*/my data'"):
        read_again(info, root)


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        ("train-images-idx3", random_images(30, (28, 27)), "30 images of 28x28, got 30 x 28 x 27"),
        ("t10k-labels-idx1", cycling_labels(21), "20 labels, got 21"),
        ("t10k-labels-idx1", np.full(20, 10), "labels from 0 to 9, got 10 for image 0"),
        ("train-labels-idx1", random_images(30, (1,)), "0x00000801, got 0x00000802"),
        ("train-images-idx3", cycling_labels(30), "0x00000803, got 0x00000801"),
    ],
)
@pytest.mark.parametrize("verify", [True, False])
def test_a_file_with_the_wrong_content(info, root, name, array, text, verify):
    path = root / "mnist" / f"{name}-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(array)))
    with pytest.raises(CorruptDataError, match=f"{path}: .*{text}"):
        read_again(info, root, verify)


def test_another_number_of_images(info, root):
    path = root / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(random_images(29, (28, 28)))))
    with pytest.raises(CorruptDataError, match="expected 30 images of 28x28, got 29 x 28 x 28"):
        read_again(info, root)
    with pytest.raises(CorruptDataError, match=r"train-labels.*: expected 29 labels, got 30"):
        read_again(info, root, verify=False)


def test_a_set_of_no_images_is_refused(info, root):
    for name, shape in (("images-idx3", (0, 28, 28)), ("labels-idx1", (0,))):
        path = root / "mnist" / f"train-{name}-ubyte.gz"
        path.write_bytes(gzip.compress(idx_bytes(np.zeros(shape))))
    with pytest.raises(CorruptDataError, match="train-images"):
        read_again(info, root, verify=False)


def test_a_small_set_under_a_published_name_is_refused(root, info):
    with pytest.raises(
        CorruptDataError, match="expected 60,000 images of 28x28, got 30 x 28 x 28; replace"
    ):
        load("mnist", root)


def test_an_altered_cifar_file_is_named(tmp_path):
    info = small_cifar(tmp_path / "made")
    root = tmp_path / "made" / "unpacked"
    assert len(read_again(info, root).train) == 20
    path = root / info.folder / "data_batch_4.bin"
    content = bytearray(path.read_bytes())
    content[1000] ^= 8
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=f"{path}: expected the published file of cifar-10"):
        read_again(info, root)
    assert len(read_again(info, root, verify=False).train) == 20


def test_an_altered_cifar_archive_is_named(tmp_path):
    info = small_cifar(tmp_path / "made")
    root = tmp_path / "made" / "unpacked"
    path = root / info.folder / "test_batch.bin"
    content = bytearray(path.read_bytes())
    content[1] ^= 255
    path.write_bytes(content)
    archive = tmp_path / "cifar-10-binary.tar.gz"
    write_tar(archive, root / info.folder)
    with pytest.raises(CorruptDataError, match=f"{archive}: expected the published file.*md5:"):
        read_again(info, tmp_path)
