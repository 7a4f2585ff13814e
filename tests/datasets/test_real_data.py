"""The published data sets themselves; skipped unless IMGCOMP_DATA names them."""

import gzip
import time

import numpy as np
import pytest
import torch
from dataset_files import fingerprint, python_batch, write_tar

from imgcomp import datasets
from imgcomp.datasets._registry import ALL, CIFAR10_INFO, CIFAR100_COARSE_INFO, CIFAR100_INFO
from imgcomp.errors import CorruptDataError

pytestmark = pytest.mark.needs_data

PUBLISHED = [info for info in ALL if info.remote]
# First labels and sums of all pixels, computed from the files without this package (see below).
FIRST_LABELS = {
    "mnist": [5, 0, 4, 1, 9],
    "fashion-mnist": [9, 0, 0, 3, 0],
    "cifar-10": [6, 9, 9, 4, 1],
    "cifar-100": [19, 29, 0, 11, 1],
}


@pytest.mark.parametrize("info", PUBLISHED, ids=lambda i: i.name)
def test_published_sets(info, data_root):
    data = datasets.load(info.name, data_root)
    assert (len(data.train), len(data.test)) == info.counts
    assert data.image_shape == info.image_shape
    assert data.train.labels[:5].tolist() == FIRST_LABELS[info.name]
    assert len(data.classes) == len(set(data.classes)) == (100 if "100" in info.name else 10)
    if info.name != "mnist":
        assert set(data.train.class_counts) == {len(data.train) // len(data.classes)}
        assert set(data.test.class_counts) == {len(data.test) // len(data.classes)}
    for split in (data.train, data.test):
        assert split.images.is_contiguous()
        assert fingerprint(split.images.numpy(), split.labels.numpy()) == split.fingerprint


def test_mnist_class_counts(data_root):
    # As printed in the literature.
    data = datasets.mnist(data_root)
    assert data.train.class_counts == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert data.test.class_counts == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)


def test_known_means(data_root):
    # The constants that people normalise with: MNIST 0.1307, Fashion-MNIST 0.2860, and CIFAR-10
    # 0.4914, 0.4822, 0.4465 for red, green and blue.
    def means(data):
        return (data.train.images.double().mean(dim=(0, 2, 3)) / 255).tolist()

    assert means(datasets.mnist(data_root)) == pytest.approx([0.1307], abs=5e-5)
    assert means(datasets.fashion_mnist(data_root)) == pytest.approx([0.2860], abs=5e-5)
    assert means(datasets.cifar10(data_root)) == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)


def test_coarse_labels_group_the_fine_ones(data_root):
    fine = datasets.cifar100(data_root)
    coarse = datasets.cifar100(data_root, coarse=True)
    assert torch.equal(fine.train.images, coarse.train.images)
    assert len(coarse.classes) == 20
    assert set(coarse.train.class_counts) == {2500}
    groups = {}
    for f, c in zip(fine.train.labels.tolist(), coarse.train.labels.tolist(), strict=True):
        groups.setdefault(f, set()).add(c)
    assert all(len(g) == 1 for g in groups.values())
    of = {fine.classes[f]: coarse.classes[next(iter(g))] for f, g in groups.items()}
    assert of["beaver"] == "aquatic_mammals"
    assert of["lawn_mower"] == "vehicles_2"
    assert of["worm"] == "non-insect_invertebrates"
    assert of["wardrobe"] == "household_furniture"


def test_joining_cifar10_and_cifar100(data_root):
    both = datasets.cifar10(data_root) + datasets.cifar100(data_root)
    assert (len(both.train), len(both.test)) == (100_000, 20_000)
    assert len(both.classes) == 110
    assert both.train.class_counts[:11] == (5000,) * 10 + (500,)
    assert both.name == "cifar-10+cifar-100"


@pytest.mark.parametrize(
    ("name", "limit"), [("mnist", 1.5), ("fashion-mnist", 2.0), ("cifar-10", 2.0)]
)
def test_loading_is_quick(name, limit, data_root):
    seconds = []
    for _ in range(3):  # the best of three: other work on the machine does not count
        start = time.perf_counter()
        datasets.load(name, data_root).train.fingerprint  # noqa: B018
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < limit


def test_unpacked_idx_files_give_the_same(data_root, tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for file in (data_root / "mnist").glob("*.gz"):
        (folder / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    data = datasets.mnist(tmp_path)
    assert data.train.fingerprint == datasets.mnist(data_root).train.fingerprint


@pytest.mark.parametrize("info", [CIFAR10_INFO, CIFAR100_INFO], ids=lambda i: i.name)
def test_the_python_version_gives_the_same_tensors(info, data_root, tmp_path):
    binary = datasets.load(info.name, data_root)
    folder = tmp_path / info.python_folder
    folder.mkdir()
    kinds = len(info.cifar.label_names)
    for file, name in zip(info.files, info.python_files, strict=True):
        raw = np.fromfile(data_root / info.folder / file, np.uint8).reshape(-1, info.cifar.record)
        (folder / name).write_bytes(python_batch(info, raw[:, :kinds], raw[:, kinds:].copy()))
    python = datasets.load(info.name, tmp_path)
    assert torch.equal(python.train.images, binary.train.images)
    assert torch.equal(python.train.labels, binary.train.labels)
    assert torch.equal(python.test.images, binary.test.images)
    assert torch.equal(python.test.labels, binary.test.labels)


def test_archives_give_the_same(data_root, tmp_path):
    write_tar(tmp_path / "cifar-100-binary.tar", data_root / "cifar-100-binary", mode="w")
    data = datasets.load(CIFAR100_COARSE_INFO.name, tmp_path)
    assert data.train.fingerprint == CIFAR100_COARSE_INFO.fingerprints[0]


def test_one_altered_pixel_among_150_million_is_noticed(data_root, tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in CIFAR10_INFO.files:
        (folder / name).symlink_to(data_root / "cifar-10-batches-bin" / name)
    victim = folder / "data_batch_2.bin"
    content = bytearray(victim.read_bytes())
    content[5_000_000] ^= 1
    victim.unlink()
    victim.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"data_batch_2.bin: expected the published file"):
        datasets.cifar10(tmp_path)


def test_fashion_mnist_in_the_folder_of_mnist_is_noticed(data_root, tmp_path):
    (tmp_path / "mnist").symlink_to(data_root / "fashion-mnist")
    with pytest.raises(
        CorruptDataError, match=r"train-images-idx3-ubyte.gz: expected the published"
    ):
        datasets.mnist(tmp_path)
