import io
import os
import struct
import tarfile

import numpy as np
import pytest
import torch
from dataset_files import (
    CIFAR10_INFO,
    CIFAR100_INFO,
    cifar_parts,
    python_batch,
    write_cifar_binary,
    write_cifar_python,
    write_tar,
)

from imgcomp.datasets import load
from imgcomp.datasets._cifar import read_batches, read_tar_members
from imgcomp.errors import CorruptDataError, DatasetError

INFOS = pytest.mark.parametrize("info", [CIFAR10_INFO, CIFAR100_INFO], ids=lambda i: i.name)


def expected(info, files, use=None):
    parts = cifar_parts(info)[files]
    labels = np.concatenate([labels for labels, _ in parts])
    images = np.concatenate([pixels for _, pixels in parts]).reshape(-1, 3, 32, 32)
    return images, labels[:, info.cifar.use if use is None else use]


def assert_is(dataset, info, use=None):
    for split, files in ((dataset.train, slice(0, -1)), (dataset.test, slice(-1, None))):
        images, labels = expected(info, files, use)
        assert (split.images.numpy() == images).all()
        assert (split.labels.numpy() == labels).all()
        assert split.images.is_contiguous()
        assert split.images.dtype == torch.uint8


def test_a_literal_record(tmp_path):
    path = tmp_path / "train.bin"
    red, green, blue = bytes([1] * 1023 + [9]), bytes([2] * 1024), bytes([3] * 1024)
    path.write_bytes(bytes([19, 99]) + red + green + blue)
    images, labels = read_batches("binary", [path], CIFAR100_INFO.cifar)
    assert labels.tolist() == [99]
    assert images.shape == (1, 3, 32, 32)
    assert images[0, :, 0, 0].tolist() == [1, 2, 3]
    assert images[0, 0, 31, 31] == 9


@INFOS
def test_binary_folder(tmp_path, info):
    write_cifar_binary(tmp_path / info.folder, info)
    assert_is(load(info.name, tmp_path, verify=False), info)


@INFOS
@pytest.mark.parametrize("protocol", [None, 2, 5], ids=["Python 2", "protocol 2", "protocol 5"])
def test_python_folder(tmp_path, info, protocol):
    write_cifar_python(tmp_path / info.python_folder, info, protocol=protocol)
    assert_is(load(info.name, tmp_path, verify=False), info)


@INFOS
@pytest.mark.parametrize("version", ["binary", "python"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_archive(tmp_path, info, version, packed, prefix):
    write, folder = {
        "binary": (write_cifar_binary, info.folder),
        "python": (write_cifar_python, info.python_folder),
    }[version]
    write(tmp_path / "made" / folder, info)
    archive = tmp_path / f"{info.name}-{version}.tar{'.gz' if packed else ''}"
    write_tar(archive, tmp_path / "made" / folder, prefix, "w:gz" if packed else "w")
    before = sorted(tmp_path.rglob("*"))
    assert_is(load(info.name, tmp_path, verify=False), info)
    assert_is(load(info.name, archive, verify=False), info)  # the file itself as root
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked


@pytest.mark.parametrize("name", ["cifar-100-coarse", "CIFAR100_Coarse"])
def test_coarse_labels(tmp_path, name):
    write_cifar_binary(tmp_path / "cifar-100-binary", CIFAR100_INFO)
    coarse = load(name, tmp_path, verify=False)
    assert_is(coarse, CIFAR100_INFO, use=0)
    assert len(coarse.classes) == 20
    assert coarse.name == "cifar-100-coarse"
    same = load("cifar100", tmp_path, coarse=True, verify=False)
    assert same.train.fingerprint == coarse.train.fingerprint


def test_only_cifar100_has_coarse_classes(tmp_path):
    with pytest.raises(DatasetError, match="cifar-10 has no coarse classes; only cifar-100 has"):
        load("cifar10", tmp_path, coarse=True)


@pytest.mark.parametrize("size", [0, 1, 3072, 4 * 3073 - 1, 4 * 3073 + 1, 4 * 3074])
def test_a_binary_file_of_wrong_size(tmp_path, size):
    folder = tmp_path / "cifar-10-batches-bin"
    write_cifar_binary(folder, CIFAR10_INFO)
    os.truncate(folder / "data_batch_3.bin", size)
    with pytest.raises(
        CorruptDataError, match=rf"data_batch_3.bin: expected a whole .* got {size:,} bytes"
    ):
        load("cifar10", tmp_path, verify=False)


def test_a_file_with_another_number_of_records_is_not_the_published_one(tmp_path):
    write_cifar_binary(tmp_path / "cifar-10-batches-bin", CIFAR10_INFO)
    with pytest.raises(
        CorruptDataError,
        match=r"data_batch_1.bin: expected 10,000 records of 3,073 bytes \(30,730,000 bytes\), "
        "got 12,292 bytes.*imgcomp data get cifar-10 --force --data-dir",
    ):
        load("cifar10", tmp_path)


@pytest.mark.parametrize(
    ("info", "offset", "value", "text"),
    [
        (CIFAR10_INFO, 0, 10, "expected labels from 0 to 9, got 10 for image 0"),
        (CIFAR10_INFO, 3 * 3073, 255, "got 255 for image 3"),
        (CIFAR100_INFO, 3074, 20, "expected coarse_labels from 0 to 19, got 20 for image 1"),
        (CIFAR100_INFO, 3074 + 1, 100, "expected fine_labels from 0 to 99, got 100 for image 1"),
    ],
)
def test_a_label_out_of_range_in_a_binary_file(tmp_path, info, offset, value, text):
    write_cifar_binary(tmp_path / info.folder, info)
    path = tmp_path / info.folder / info.files[-1]
    content = bytearray(path.read_bytes())
    content[offset] = value
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=f"{path.name}: .*{text}"):
        load(info.name, tmp_path, verify=False)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"labels": [0, 1, 2, 10]}, "expected labels from 0 to 9, got 10 for image 3"),
        ({"labels": [0, 1, -1, 2]}, "got -1 for image 2"),
        ({"labels": [0, 1, 2, 10**30]}, "got -1 for image 3"),
        ({"labels": [0, 1]}, r"as many labels as images \(4\), got 2"),
        ({"labels": [0, 1, 2, 0.5]}, "labels as a list of whole numbers"),
        ({"labels": "abcd"}, "labels as a list of whole numbers"),
        ({"data": np.zeros((4, 100), np.uint8)}, r"shape \(N, 3072\), got \(4, 100\)"),
        ({"data": np.zeros((4, 3, 32, 32), np.uint8)}, r"got \(4, 3, 32, 32\)"),
        ({"data": np.zeros((0, 3072), np.uint8), "labels": []}, "expected some images, got 0"),
        ({"data": [1, 2]}, r"shape \(N, 3072\), got list"),
    ],
)
def test_a_wrong_python_batch(tmp_path, change, text):
    import pickle

    folder = tmp_path / "cifar-10-batches-py"
    write_cifar_python(folder, CIFAR10_INFO)
    batch = {"data": np.zeros((4, 3072), np.uint8), "labels": [0, 1, 2, 3], **change}
    (folder / "data_batch_5").write_bytes(pickle.dumps(batch))
    with pytest.raises(CorruptDataError, match=f"data_batch_5: .*{text}"):
        load("cifar10", tmp_path, verify=False)


def test_a_python_batch_of_another_size_is_not_the_published_one(tmp_path):
    write_cifar_python(tmp_path / "cifar-10-batches-py", CIFAR10_INFO)
    with pytest.raises(CorruptDataError, match="data_batch_1: expected 10,000 images, got 4"):
        load("cifar10", tmp_path)


def test_a_huge_python_batch_is_not_read(tmp_path):
    write_cifar_python(tmp_path / "cifar-10-batches-py", CIFAR10_INFO)
    os.truncate(tmp_path / "cifar-10-batches-py" / "data_batch_1", 1 << 38)
    with pytest.raises(DatasetError, match=r"data_batch_1: expected at most 400\.0 MiB, got 256"):
        load("cifar10", tmp_path, verify=False)


# Archives


def tar_of(path, members, mode="w:gz"):
    """An archive of (name, content) or ready TarInfo members."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def special(name, kind, target="data"):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


WANTED = ["set/a.bin", "set/b.bin"]


def test_members_are_read_whatever_else_is_there(tmp_path):
    path = tar_of(
        tmp_path / "x.tar.gz",
        [
            special("set", tarfile.DIRTYPE),
            ("set/readme.html", b"?"),
            ("set/b.bin", b"B"),
            ("other/a.bin", b"no"),
            ("./set/a.bin", b"A"),
            special("set/z", tarfile.SYMTYPE),
        ],
    )
    assert read_tar_members(path, WANTED) == {"a.bin": b"A", "b.bin": b"B"}


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", b"x"),
        ("set/../../evil", b"x"),
        ("/etc/evil", b"x"),
        special("../link", tarfile.SYMTYPE),
        special("set/../../dir", tarfile.DIRTYPE),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_path_that_leads_out_is_refused(tmp_path, member, last):
    good = [("set/a.bin", b"A"), ("set/b.bin", b"B")]
    path = tar_of(tmp_path / "x.tar.gz", [*good, member] if last else [member, *good])
    with pytest.raises(CorruptDataError, match=r"x.tar.gz: .*which leads out of it; do not use"):
        read_tar_members(path, WANTED)
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
)
def test_a_link_in_place_of_a_file_is_refused(tmp_path, kind):
    path = tar_of(tmp_path / "x.tar", [special("set/a.bin", kind, "/etc/passwd")], "w")
    with pytest.raises(CorruptDataError, match=r"expected set/a.bin to be a plain file"):
        read_tar_members(path, WANTED)


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    path = tar_of(tmp_path / "x.tar", [("set/a.bin", b"1"), ("./set/a.bin", b"2")], "w")
    with pytest.raises(CorruptDataError, match=r"a.bin once in the archive, got it twice"):
        read_tar_members(path, WANTED)


def test_a_missing_member_is_named(tmp_path):
    path = tar_of(tmp_path / "x.tar", [("set/a.bin", b"1")], "w")
    with pytest.raises(CorruptDataError, match=r"x.tar: expected set/b.bin in the archive"):
        read_tar_members(path, WANTED)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_any_cut_of_an_archive_is_noticed(tmp_path, mode):
    noise = os.urandom(3000)
    path = tar_of(tmp_path / "x.tar", [("set/a.bin", noise), ("set/b.bin", noise)], mode)
    whole = path.read_bytes()
    ends = 2 * 512 + 2 * 3072  # what follows the second member is padding
    for length in range(0, min(ends, len(whole) - 2100 if mode == "w:gz" else ends), 61):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptDataError, match=r"x.tar: expected"):
            read_tar_members(path, WANTED)


@pytest.mark.parametrize("content", [b"", b"text", bytes(2000), b"\x1f\x8b\x08" + bytes(50)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"x.tar.gz: expected"):
        read_tar_members(path, WANTED)


@pytest.mark.parametrize(
    ("size", "text"),
    [(1 << 40, "at most 400.0 MiB, got 1,099,511,627,776"), (1 << 20, "cut short")],
)
def test_a_member_that_announces_more_than_there_is(tmp_path, size, text):
    info = tarfile.TarInfo("set/a.bin")
    info.size = size
    path = tmp_path / "x.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(CorruptDataError, match=text):
        read_tar_members(path, WANTED)


def test_an_archive_that_cannot_be_opened(tmp_path):
    with pytest.raises(DatasetError, match=r"none.tar: cannot be read .No such file"):
        read_tar_members(tmp_path / "none.tar", WANTED)


def test_a_negative_size_is_refused(tmp_path):
    info = tarfile.TarInfo("set/a.bin")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = struct.pack(">i", -1) * 3
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    path = tmp_path / "x.tar"
    path.write_bytes(header + bytes(1024))
    with pytest.raises(CorruptDataError):
        read_tar_members(path, WANTED)


def test_the_python_pickle_of_an_archive_is_not_run(tmp_path):
    folder = tmp_path / "made" / "cifar-10-batches-py"
    write_cifar_python(folder, CIFAR10_INFO)
    (folder / "test_batch").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    write_tar(tmp_path / "cifar-10-python.tar.gz", folder)
    with pytest.raises(CorruptDataError, match=r"test_batch: .*names os.system"):
        load("cifar10", tmp_path, verify=False)


def test_both_versions_give_the_same_bytes(tmp_path):
    labels, pixels = cifar_parts(CIFAR100_INFO)[0]
    binary = np.concatenate([labels, pixels], axis=1).tobytes()
    a = read_batches("binary", [tmp_path / "x"], CIFAR100_INFO.cifar, {"x": binary})
    batch = python_batch(CIFAR100_INFO, labels, pixels)
    b = read_batches("python", [tmp_path / "x"], CIFAR100_INFO.cifar, {"x": batch})
    assert torch.equal(a[0], b[0])
    assert torch.equal(a[1], b[1])
