"""Makes small data-set files in every form that is found in the wild, for the tests."""

import dataclasses
import gzip
import hashlib
import io
import pickle
import tarfile
from typing import ClassVar

import numpy as np

from imgcomp.datasets._cifar import read_batches
from imgcomp.datasets._registry import CIFAR10_INFO, CIFAR100_INFO, MNIST_INFO, RemoteFile
from imgcomp.datasets._split import Split


def idx_bytes(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def random_images(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def cycling_labels(count, classes=10):
    return (np.arange(count) % classes).astype(np.uint8)


def write_idx_set(folder, train=30, test=20, *, packed=True, dotted=False, seed=0):
    """Four IDX files as MNIST's; gives their contents, unpacked, by published name."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {}
    for part, count, number in (("train", train, seed), ("t10k", test, seed + 1)):
        images = idx_bytes(random_images(count, (28, 28), number))
        contents[f"{part}-images-idx3-ubyte"] = images
        contents[f"{part}-labels-idx1-ubyte"] = idx_bytes(cycling_labels(count))
    for name, content in contents.items():
        file = name.replace("-idx", ".idx") if dotted else name
        if packed:
            (folder / f"{file}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / file).write_bytes(content)
    return contents


def cifar_records(count, label_counts, seed=0):
    """Label columns (N, kinds) and pixels (N, 3072)."""
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.integers(0, c, count) for c in label_counts], axis=1).astype(np.uint8)
    return labels, rng.integers(0, 256, (count, 3072), dtype=np.uint8)


def cifar_parts(info, per_file=4):
    """Label columns and pixels of each batch file of CIFAR-10 or CIFAR-100."""
    return [
        cifar_records(per_file, info.cifar.label_counts, seed) for seed in range(len(info.files))
    ]


def write_cifar_binary(folder, info, per_file=4):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (labels, pixels) in zip(info.files, cifar_parts(info, per_file), strict=True):
        (folder / name).write_bytes(np.concatenate([labels, pixels], axis=1).tobytes())


class Python2Pickler(pickle._Pickler):
    """Writes byte strings as Python 2 did, which is how the published batches are pickled."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, obj):
        if len(obj) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(obj)]) + obj)
        else:
            self.write(pickle.BINSTRING + len(obj).to_bytes(4, "little") + obj)
        self.memoize(obj)

    def save_global(self, obj, name=None):
        module = obj.__module__.replace("numpy._core", "numpy.core")
        self.write(pickle.GLOBAL + f"{module}\n{obj.__qualname__}\n".encode())
        self.memoize(obj)

    dispatch[bytes] = save_bytes
    dispatch[type(cifar_parts)] = save_global
    dispatch[type] = save_global


def python2_pickle(value):
    stream = io.BytesIO()
    Python2Pickler(stream, 2).dump(value)
    return stream.getvalue()


def python_batch(info, labels, pixels, protocol=None):
    """A pickled batch: as Python 2 wrote it, or with a protocol of Python 3."""
    batch = {b"batch_label": b"a batch", b"data": pixels, b"filenames": [b"x.png"] * len(pixels)}
    for column, name in enumerate(info.cifar.label_names):
        batch[name.encode()] = [int(v) for v in labels[:, column]]
    if protocol is None:
        return python2_pickle(batch)
    return pickle.dumps({k.decode(): v for k, v in batch.items()}, protocol=protocol)


def write_cifar_python(folder, info, per_file=4, protocol=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (labels, pixels) in zip(info.python_files, cifar_parts(info, per_file), strict=True):
        (folder / name).write_bytes(python_batch(info, labels, pixels, protocol))


def write_tar(path, folder, prefix="", mode="w:gz"):
    """An archive of a folder's files, under the folder's name."""
    with tarfile.open(path, mode) as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, f"{prefix}{folder.name}/{file.name}")


def checksum(path, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, path.read_bytes()).hexdigest()}"


def small_mnist(folder, homes=(), train=30, test=20):
    """A stand-in for MNIST's entry in the registry, for the small files written in ``folder``."""
    contents = write_idx_set(folder, train, test)
    fingerprints = []
    for part, count in (("train", train), ("t10k", test)):
        images = np.frombuffer(contents[f"{part}-images-idx3-ubyte"][16:], np.uint8)
        labels = np.frombuffer(contents[f"{part}-labels-idx1-ubyte"][8:], np.uint8)
        fingerprints.append(fingerprint(images.reshape(count, 1, 28, 28), labels))
    files = {name: checksum(folder / name) for name in MNIST_INFO.files}
    return dataclasses.replace(
        MNIST_INFO,
        counts=(train, test),
        fingerprints=tuple(fingerprints),
        checksums=files,
        remote=tuple(
            RemoteFile(name, (folder / name).stat().st_size, value, tuple(homes))
            for name, value in files.items()
        ),
    )


def small_cifar(folder, info=CIFAR10_INFO, homes=(), per_file=4):
    """A stand-in for CIFAR's entry; ``folder`` then holds the archive that a home serves."""
    unpacked = folder / "unpacked" / info.folder
    write_cifar_binary(unpacked, info, per_file)
    archive = folder / info.remote[0].name
    write_tar(archive, unpacked)
    train = [unpacked / name for name in info.files[:-1]]
    test = [unpacked / info.files[-1]]
    splits = [
        Split(*read_batches("binary", files, info.cifar), info.classes) for files in (train, test)
    ]
    return dataclasses.replace(
        info,
        counts=(per_file * len(train), per_file),
        fingerprints=tuple(split.fingerprint for split in splits),
        checksums={
            archive.name: checksum(archive, "md5"),
            info.remote[0].name.replace("binary", "python"): "md5:0",
            **{name: checksum(unpacked / name) for name in info.files},
        },
        remote=(RemoteFile(archive.name, archive.stat().st_size, checksum(archive), tuple(homes)),),
    )


def fingerprint(images, labels):
    """The fingerprint by its documented formula, written independently of the package."""
    shape = "x".join(str(s) for s in images.shape)
    data = f"imgcomp split 1 {shape}\n".encode() + images.tobytes()
    return hashlib.sha256(data + labels.astype("<i8").tobytes()).hexdigest()


__all__ = [
    "CIFAR10_INFO",
    "CIFAR100_INFO",
    "checksum",
    "cifar_parts",
    "cifar_records",
    "cycling_labels",
    "fingerprint",
    "idx_bytes",
    "python2_pickle",
    "python_batch",
    "random_images",
    "small_cifar",
    "small_mnist",
    "write_cifar_binary",
    "write_cifar_python",
    "write_idx_set",
    "write_tar",
]
