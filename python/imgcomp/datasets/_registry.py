"""What is known of each published data set: files, homes, checksums, class names, fingerprints.

Checksums are the published ones, as carried by torchvision (MD5), Keras and TensorFlow Datasets
(SHA-256); fingerprints are those of the splits read from files with these checksums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from imgcomp.datasets._cifar import CifarFormat
from imgcomp.datasets._class_names import (
    CIFAR10,
    CIFAR100_COARSE,
    CIFAR100_FINE,
    DIGITS,
    FASHION,
)
from imgcomp.errors import DatasetError

__all__ = ["ALL", "DatasetInfo", "RemoteFile", "lookup", "names", "normalise"]


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Attributes:
        name: File name.
        size: Bytes.
        checksum: Such as ``sha256:…``, in the form that pooch takes.
        homes: Base URLs in the order in which they are tried; the name is appended.
    """

    name: str
    size: int
    checksum: str
    homes: tuple[str, ...]


@dataclass(frozen=True)
class DatasetInfo:
    """One published data set.

    Attributes:
        name: Its name here, such as ``fashion-mnist``.
        kind: Format: ``idx``, ``cifar`` or ``embedded``.
        folder: Folder that a download makes in the cache, and that IMGCOMP_DATA holds.
        folders: Normalised names of folders that may hold the data set.
        counts: Number of training and of test images.
        image_shape: (C, H, W).
        classes: Class names.
        fingerprints: `Split.fingerprint` of the training and of the test images.
        remote: What a download fetches.
        files: Names of the files in ``folder``, training before test.
        cifar: How labels are stored, for ``cifar``.
        python_folder: Folder of the Python version, for ``cifar``.
        python_files: Names of its batch files, training before test.
        checksums: Checksum of every published file by name, in the form that pooch takes.
    """

    name: str
    kind: Literal["idx", "cifar", "embedded"]
    folder: str
    folders: tuple[str, ...]
    counts: tuple[int, int]
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    fingerprints: tuple[str, str]
    remote: tuple[RemoteFile, ...] = ()
    files: tuple[str, ...] = ()
    cifar: CifarFormat | None = None
    python_folder: str = ""
    python_files: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of images, training and test together."""
        return sum(self.counts)


def normalise(name: str) -> str:
    """A data set's or folder's name without case, hyphens, underscores, dots and spaces."""
    return "".join(c for c in name.casefold() if c not in "-_. ")


_IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _idx_set(
    name: str,
    folders: tuple[str, ...],
    classes: tuple[str, ...],
    fingerprints: tuple[str, str],
    files: tuple[tuple[int, str], ...],
    homes: tuple[str, ...],
) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        kind="idx",
        folder=name,
        folders=folders,
        counts=(60_000, 10_000),
        image_shape=(1, 28, 28),
        classes=classes,
        fingerprints=fingerprints,
        remote=tuple(
            RemoteFile(file, size, f"sha256:{sha256}", homes)
            for file, (size, sha256) in zip(_IDX_FILES, files, strict=True)
        ),
        files=_IDX_FILES,
        checksums={
            file: f"sha256:{sha256}" for file, (_, sha256) in zip(_IDX_FILES, files, strict=True)
        },
    )


MNIST_INFO = _idx_set(
    "mnist",
    ("mnist",),
    DIGITS,
    (
        "cac1ec2da91fe9ae4a8e8abfe063d6d9e146be74ad4c73419f84f158811a371c",
        "3faf7e0c354f047c66b04a682af39c64047ba85e256cdb253f87f4fcdf8fc533",
    ),
    (
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

FASHION_MNIST_INFO = _idx_set(
    "fashion-mnist",
    ("fashionmnist", "fashion"),
    FASHION,
    (
        "bc629d4bf73499c41c5bd2ea3884c3eb02eac286461d394616b3dd188d0aa4b9",
        "643a3f1ea13de967b6937b7b2b238d24ca6d8d6dab358c3bf9fe0051f6cacc20",
    ),
    (
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
)

_CIFAR_HOMES = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://cave.cs.toronto.edu/kriz/",
    "https://storage.googleapis.com/mirror.tensorflow.org/www.cs.toronto.edu/~kriz/",
)

_CIFAR10_CHECKSUMS = {
    "cifar-10-binary.tar.gz": "md5:c32a1d4ab5d03f1284b67883e8d87530",
    "cifar-10-python.tar.gz": "md5:c58f30108f718f92721af3b95e74349a",
    "data_batch_1.bin": "sha256:cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "sha256:a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "sha256:bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "sha256:014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "sha256:755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "sha256:8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
    "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
    "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "md5:40351d587109b95175f43aff81a1287e",
}

CIFAR10_INFO = DatasetInfo(
    name="cifar-10",
    kind="cifar",
    folder="cifar-10-batches-bin",
    folders=("cifar10batchesbin", "cifar10batchespy", "cifar10", "cifar10binary", "cifar10python"),
    counts=(50_000, 10_000),
    image_shape=(3, 32, 32),
    classes=CIFAR10,
    fingerprints=(
        "fc97356d049d7b20ac2ebe03eb135aec9cae5d2a9f8b2ab8e22a05abab448068",
        "2351ab072d0d99917c49b8a50fe27478c1d2d3b0eda6a4e837ec3597aa75c1fb",
    ),
    remote=(
        RemoteFile(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            _CIFAR_HOMES,
        ),
    ),
    files=(*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"),
    cifar=CifarFormat(("labels",), (10,)),
    python_folder="cifar-10-batches-py",
    python_files=(*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"),
    checksums=_CIFAR10_CHECKSUMS,
)


def _cifar100(coarse: bool) -> DatasetInfo:
    return DatasetInfo(
        name="cifar-100-coarse" if coarse else "cifar-100",
        kind="cifar",
        folder="cifar-100-binary",
        folders=("cifar100binary", "cifar100python", "cifar100"),
        counts=(50_000, 10_000),
        image_shape=(3, 32, 32),
        classes=CIFAR100_COARSE if coarse else CIFAR100_FINE,
        fingerprints=(
            "04d71a5d79a30667cf9d337d97c88637d7e7e7227d180b6367c5ed91daf92255"
            if coarse
            else "f3e91ca4c0f85dad0df10763dd9c1ea713e853151398d8cf0e98226737ad4e52",
            "ef21e3fdc654c2a5f038351f0a4481ab49b41d3b92974751c5b3f9c7b55162d9"
            if coarse
            else "a09c88383fbd573a03b40dc296fb4531757305c41832017c64e2e1d7e6d7e5ff",
        ),
        remote=(
            RemoteFile(
                "cifar-100-binary.tar.gz",
                168_513_733,
                "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                _CIFAR_HOMES,
            ),
        ),
        files=("train.bin", "test.bin"),
        cifar=CifarFormat(("coarse_labels", "fine_labels"), (20, 100), use=0 if coarse else 1),
        python_folder="cifar-100-python",
        python_files=("train", "test"),
        checksums={
            "cifar-100-binary.tar.gz": "md5:03b5dce01913d631647c71ecec9e9cb8",
            "cifar-100-python.tar.gz": "md5:eb9058c3a382ffc7106e4002c42a8d85",
            "train.bin": "sha256:f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
            "test.bin": "sha256:d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
            "train": "md5:16019d7e3df5f24257cddd939b257f8d",
            "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
        },
    )


CIFAR100_INFO = _cifar100(coarse=False)
CIFAR100_COARSE_INFO = _cifar100(coarse=True)

_DIGITS_CHECKSUMS = {
    "digits-images-idx3-ubyte.gz": (
        "sha256:c41c947a1014aa9bb82e371b01f16724f9ef929893351173edcc47aa0fc03930"
    ),
    "digits-labels-idx1-ubyte.gz": (
        "sha256:147c9192405199869317e6d9c62ea444f9770c3f8c6dd65035ba3a3690cc5460"
    ),
}

DIGITS_INFO = DatasetInfo(
    name="digits",
    kind="embedded",
    folder="digits",
    folders=(),
    counts=(1_437, 360),
    image_shape=(1, 28, 28),
    classes=DIGITS,
    fingerprints=(
        "923c248c0de705d62388d8a7a3dc0f5c96af75b4a68be7558d8c902a9321d64f",
        "de959e41691f47be6c03e872f57224d162e357751ecad147c3db3648cefb9b6e",
    ),
    files=("digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"),
    checksums=_DIGITS_CHECKSUMS,
)

ALL = (MNIST_INFO, FASHION_MNIST_INFO, CIFAR10_INFO, CIFAR100_INFO, DIGITS_INFO)


def names() -> tuple[str, ...]:
    """Names of the data sets that can be loaded by name.

    ``cifar-100-coarse``, CIFAR-100 with its 20 coarse classes, is understood too.
    """
    return tuple(info.name for info in ALL)


def lookup(name: str) -> DatasetInfo:
    """The data set of this name; case, hyphens and underscores do not matter.

    Raises:
        DatasetError: If there is none.
    """
    for info in (*ALL, CIFAR100_COARSE_INFO):
        if normalise(info.name) == normalise(name):
            return info
    raise DatasetError(
        f"unknown data set {name!r}: expected one of {', '.join(names())}, or the path of an image "
        "folder (with a slash in it)"
    )
