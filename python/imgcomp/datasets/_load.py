"""Loads the published data sets by name: find or fetch, read, and check that they are themselves.

A data set that carries a published name is the published one, bit for bit: its content, whatever
form the files have, must have the known fingerprint. This costs little, because the fingerprint is
kept and used as the key of cached results.
"""

from __future__ import annotations

import functools
import operator
import os
import shlex
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from imgcomp.datasets._cifar import read_batches, read_tar_members
from imgcomp.datasets._digits import enlarge, split_indices
from imgcomp.datasets._download import download, is_offline
from imgcomp.datasets._files import file_checksum
from imgcomp.datasets._folder import from_folder
from imgcomp.datasets._idx import read_idx
from imgcomp.datasets._locate import Found, cache_dir, data_dir, locate, searched
from imgcomp.datasets._registry import (
    CIFAR100_COARSE_INFO,
    CIFAR100_INFO,
    DatasetInfo,
    lookup,
)
from imgcomp.datasets._split import Dataset, Split
from imgcomp.errors import CorruptDataError, DatasetError, DatasetNotFoundError

__all__ = ["cifar10", "cifar100", "digits", "fashion_mnist", "load", "mnist", "not_found", "read"]

Root = str | os.PathLike[str]


def load(
    name: str,
    root: Root | None = None,
    *,
    coarse: bool = False,
    offline: bool | None = None,
    progress: bool | None = None,
    verify: bool = True,
) -> Dataset:
    """Load a data set by name, from the first of: ``root``, IMGCOMP_DATA, the cache, its homes.

    Args:
        name: One of `names`, in any case, with hyphens, underscores or neither; several joined
            by ``+``, such as ``cifar-10+cifar-100``; or the path of an image folder (with a slash
            in it), which is given to `from_folder`.
        root: Folder to look in, and only there: one that holds the data set's folder, that folder
            itself, or a CIFAR archive. No other place is tried.
        coarse: For CIFAR-100, the 20 coarse classes instead of the 100 fine ones.
        offline: Never use the network. None: as the environment variable IMGCOMP_OFFLINE says.
        progress: Show a bar while downloading; None shows one in terminals and notebooks.
        verify: See that images and labels are the published ones. Without it, files of the same
            form with any number of images and other content are taken too.

    Returns:
        The data set, images as uint8 (N, C, H, W), labels as int64 (N,).

    Raises:
        DatasetNotFoundError: If it is not in ``root``, or nowhere and offline.
        CorruptDataError: If a file is cut short, altered or not what its name says. The search
            ends there; no other source is tried.
        DownloadError: If it could not be downloaded.
        DatasetError: If the name is unknown or a file cannot be read.
    """
    if os.sep in name or name.startswith(("~", ".")):
        return from_folder(Path(name).expanduser())
    parts = [_find(part, root, coarse, offline, progress) for part in name.split("+")]
    return functools.reduce(operator.add, (read(info, found, verify) for info, found in parts))


def _find(
    name: str, root: Root | None, coarse: bool, offline: bool | None, progress: bool | None
) -> tuple[DatasetInfo, Found]:
    """Look a data set up, and find or fetch its files."""
    info = lookup(name)
    if coarse and info is CIFAR100_INFO:
        info = CIFAR100_COARSE_INFO
    elif coarse and info is not CIFAR100_COARSE_INFO:
        raise DatasetError(f"{info.name} has no coarse classes; only cifar-100 has")
    found = locate(info, root)
    if found is None:
        if is_offline(offline):
            raise not_found(info)
        download(info, cache_dir(), progress=progress)
        found = locate(info, cache_dir())
        assert found is not None  # locate with a root gives the files or raises
    return info, found


def mnist(
    root: Root | None = None,
    *,
    offline: bool | None = None,
    progress: bool | None = None,
    verify: bool = True,
) -> Dataset:
    """MNIST: 60,000 + 10,000 handwritten digits, 1x28x28, 10 classes.

    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
    Arguments and errors are those of `load`.
    """
    return load("mnist", root, offline=offline, progress=progress, verify=verify)


def fashion_mnist(
    root: Root | None = None,
    *,
    offline: bool | None = None,
    progress: bool | None = None,
    verify: bool = True,
) -> Dataset:
    """Fashion-MNIST: 60,000 + 10,000 pictures of clothes, 1x28x28, 10 classes.

    H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747. Arguments and errors are those of
    `load`.
    """
    return load("fashion-mnist", root, offline=offline, progress=progress, verify=verify)


def cifar10(
    root: Root | None = None,
    *,
    offline: bool | None = None,
    progress: bool | None = None,
    verify: bool = True,
) -> Dataset:
    """CIFAR-10: 50,000 + 10,000 small photographs, 3x32x32, 10 classes.

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Arguments and
    errors are those of `load`.
    """
    return load("cifar-10", root, offline=offline, progress=progress, verify=verify)


def cifar100(
    root: Root | None = None,
    *,
    coarse: bool = False,
    offline: bool | None = None,
    progress: bool | None = None,
    verify: bool = True,
) -> Dataset:
    """CIFAR-100: 50,000 + 10,000 small photographs, 3x32x32, 100 fine or 20 coarse classes.

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Arguments and
    errors are those of `load`.
    """
    return load("cifar-100", root, coarse=coarse, offline=offline, progress=progress, verify=verify)


def digits() -> Dataset:
    """The embedded data set: 1,437 + 360 handwritten digits, 1x28x28, 10 classes.

    They are the 1,797 8x8 digits (values 0 to 16) of the test set of E. Alpaydin and C. Kaynak,
    "Optical Recognition of Handwritten Digits", 1998, as bundled with scikit-learn, enlarged to
    20x20 by bilinear interpolation at pixel centres, scaled to 0 to 255, and set into a black
    frame of 4 pixels as MNIST's are. The test images are a fixed stratified choice.

    Raises:
        CorruptDataError: If the installed package is damaged.
    """
    return load("digits")


def read(info: DatasetInfo, found: Found, verify: bool = True) -> Dataset:
    """Read what `locate` found; see `load` for the errors."""
    try:
        if info.kind == "embedded":
            train, test = _read_digits(info, found)
        else:
            train = _read_part(info, found, "train", verify)
            test = _read_part(info, found, "test", verify)
        if verify:
            _check_content(info, found, train, test)
    except CorruptDataError as error:
        if info.kind == "embedded":
            raise CorruptDataError(f"{error}; install imgcomp again") from error
        raise _with_cure(info, found, error) from error
    return Dataset(info.name, train, test)


def _read_part(
    info: DatasetInfo, found: Found, part: Literal["train", "test"], verify: bool
) -> Split:
    files = found.train if part == "train" else found.test
    count = info.counts[part == "test"]
    if info.kind == "idx":
        images, labels = _read_idx_pair(info, files, count if verify else None)
    else:
        assert info.cifar is not None  # every data set of this kind has its label layout
        members = None
        if found.form.endswith("-tar"):
            members = read_tar_members(found.path, [file.as_posix() for file in files])
        images, labels = read_batches(
            "binary" if found.form.startswith("binary") else "python",
            files if members is None else [found.path / file for file in files],
            info.cifar,
            members,
            count // len(files) if verify else None,
        )
    return Split(images, labels, info.classes, f"{info.name}/{part}")


def _read_idx_pair(
    info: DatasetInfo, files: tuple[Path, ...], count: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, H, W) and labels (N,) of one pair of IDX files."""
    images_file, labels_file = files
    images = read_idx(images_file, 3)
    labels = read_idx(labels_file, 1)
    _, height, width = info.image_shape
    wanted = (len(images) if count is None else count, height, width)
    if images.shape != wanted or not len(images):
        raise CorruptDataError(
            f"{images_file}: expected {wanted[0]:,} images of {height}x{width}, got "
            f"{' x '.join(f'{s:,}' for s in images.shape)}; replace the file"
        )
    if len(labels) != len(images):
        raise CorruptDataError(
            f"{labels_file}: expected {len(images):,} labels, got {len(labels):,}; replace the file"
        )
    bad = np.flatnonzero(labels >= len(info.classes))
    if len(bad):
        raise CorruptDataError(
            f"{labels_file}: expected labels from 0 to {len(info.classes) - 1}, got "
            f"{labels[bad[0]]} for image {bad[0]}; the file is altered: replace it"
        )
    pixels = torch.from_numpy(images.copy() if not images.flags.writeable else images)
    return pixels[:, None], torch.from_numpy(labels.astype(np.int64))


def _read_digits(info: DatasetInfo, found: Found) -> tuple[Split, Split]:
    """The embedded digits, enlarged, and cut into training and test images."""
    images_file, labels_file = found.train
    small, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    whole = Split(
        torch.from_numpy(enlarge(small))[:, None],
        torch.from_numpy(labels.astype(np.int64)),
        info.classes,
        info.name,
    )
    train, test = split_indices(labels, info.counts[1])

    def part(chosen: npt.NDArray[np.int64], name: str) -> Split:
        return Split(
            whole.images[chosen], whole.labels[chosen], info.classes, f"{info.name}/{name}"
        )

    return part(train, "train"), part(test, "test")


def _check_content(info: DatasetInfo, found: Found, train: Split, test: Split) -> None:
    """See that both splits are the published ones; name the file that is not, if it can be told."""
    for split, files, expected in zip(
        (train, test), (found.train, found.test or found.train), info.fingerprints, strict=True
    ):
        if split.fingerprint == expected:
            continue
        suspects = [found.path] if found.form.endswith("-tar") else list(files)
        for path in suspects:
            published = info.checksums.get(path.name)
            if published and (got := file_checksum(path, published.partition(":")[0])) != published:
                raise CorruptDataError(
                    f"{path}: expected the published file of {info.name} with {published}, got "
                    f"{got}; the file is altered: replace it (verify=False takes it as it is)"
                )
        raise CorruptDataError(
            f"{suspects[0]}: expected the published content of {split.name} (fingerprint "
            f"{expected[:16]}…), got {split.fingerprint[:16]}…; it or its fellows are altered: "
            "replace them (verify=False takes them as they are)"
        )


def not_found(info: DatasetInfo) -> DatasetNotFoundError:
    """The error for a data set that is nowhere and is not to be downloaded."""
    given = data_dir()
    places = f"in the cache {cache_dir()} (IMGCOMP_DATA is not set)"
    if given is not None:
        places = f"in IMGCOMP_DATA={given} and in the cache {cache_dir()}"
    return DatasetNotFoundError(
        f"{info.name} is not here: looked {places} for {searched(info)}; run "
        f"'imgcomp data get {info.name}' with a network (not offline), set IMGCOMP_DATA "
        "to a folder that holds it, or use the built-in data set digits"
    )


def _with_cure(info: DatasetInfo, found: Found, error: Exception) -> CorruptDataError:
    """A reading error with the command that puts good files in place of the broken ones."""
    where = "" if found.root == cache_dir() else f" --data-dir {shlex.quote(str(found.root))}"
    name = CIFAR100_INFO.name if info is CIFAR100_COARSE_INFO else info.name
    return CorruptDataError(
        f"{error} ('imgcomp data get {name} --force{where}' fetches good files)"
    )
