"""The two objects that every data set is made of: `Split` (images and labels) and `Dataset`.

Images stay 8-bit from the file to the training loop, so that a whole data set fits in memory and a
batch is cast and scaled where it is used.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch

from imgcomp.errors import DatasetError

__all__ = ["Dataset", "Split", "proportional"]

Index = slice | Sequence[int] | torch.Tensor | npt.NDArray[Any]


def proportional(n: int, full: int, available: int) -> int:
    """Shrink a paper's split size to a data set smaller than the one it was stated for.

    ``proportional(5_000, 60_000, 1_437)`` is 120: the same share of 1,437 images that 5,000 are of
    60,000, rounded half up, and at least 1. Where at least ``full`` images are there, it is ``n``.

    Args:
        n: Number of images that the paper takes.
        full: Number of images that the paper takes them from.
        available: Number of images that are there.

    Raises:
        DatasetError: If not 1 <= n <= full, or if no image is there.
    """
    if not 1 <= n <= full:
        raise DatasetError(f"expected 1 <= n <= full, got n={n} and full={full}")
    if available < 1:
        raise DatasetError(f"expected at least one image to take {n} of {full} from, got none")
    if available >= full:
        return n
    return max(1, (2 * n * available + full) // (2 * full))


def _permutation(n: int, seed: int) -> npt.NDArray[np.int64]:
    """A seeded permutation of 0 … n-1 that is the same with every version of NumPy."""
    if not 0 <= seed < 2**32:
        raise DatasetError(f"expected a seed from 0 to 2**32 - 1, got {seed}")
    # NumPy freezes the stream of the legacy generator for ever (NEP 19), the new ones' not.
    return np.random.RandomState(seed).permutation(n).astype(np.int64)


def _allocate(counts: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """Share out ``n`` among classes in proportion to ``counts``, by largest remainder."""
    total = int(counts.sum())
    shares = counts * n // total
    remainders = counts * n % total
    order = np.argsort(-remainders, kind="stable")  # ties go to the lower class number
    shares[order[: n - int(shares.sum())]] += 1
    return shares


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images with their labels, such as the training images of a data set.

    Attributes:
        images: uint8 of shape (N, C, H, W), contiguous, on the CPU, values 0 to 255.
        labels: int64 of shape (N,), each from 0 to ``len(classes) - 1``.
        classes: Name of each class, all different.
        name: Where the images come from, such as ``mnist/train``.

    Raises:
        DatasetError: If shapes, types or lengths do not fit or a label is out of range.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    name: str = "images"
    _fingerprint: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        _check_tensors(self.images, self.labels, self.name)
        classes = tuple(self.classes)
        if not all(isinstance(c, str) for c in classes):
            raise DatasetError(f"{self.name}: expected the class names to be str, got {classes}")
        if len(set(classes)) != len(classes):
            twice = next(c for c in classes if classes.count(c) > 1)
            raise DatasetError(f"{self.name}: expected different class names, got {twice!r} twice")
        if len(self.labels):
            lowest, highest = (int(v) for v in torch.aminmax(self.labels))
            if lowest < 0 or highest >= len(classes):
                bad = lowest if lowest < 0 else highest
                at = int(torch.nonzero(self.labels == bad)[0])
                raise DatasetError(
                    f"{self.name}: expected labels from 0 to {len(classes) - 1}, "
                    f"got {bad} for image {at}"
                )
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "images", self.images.contiguous())
        object.__setattr__(self, "labels", self.labels.contiguous())

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def __repr__(self) -> str:
        """For people, such as ``Split('mnist/train', 60000 x 1x28x28, 10 classes)``."""
        shape = "x".join(str(s) for s in self.image_shape)
        return f"Split({self.name!r}, {len(self)} x {shape}, {len(self.classes)} classes)"

    def __iter__(self) -> Iterator[tuple[torch.Tensor, int]]:
        """One (image, label) after the other."""
        return ((self.images[i], int(self.labels[i])) for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]: ...
    @overload
    def __getitem__(self, index: Index) -> Split: ...

    def __getitem__(self, index: int | Index) -> Split | tuple[torch.Tensor, int]:
        """One image (C, H, W) with its label for an int; else the chosen images as a `Split`.

        Slices, sequences of positions, integer tensors or arrays, and boolean masks of length N
        are taken. A slice of step 1 shares memory with this split.
        """
        if isinstance(index, (int, np.integer)):
            try:
                return self.images[int(index)], int(self.labels[int(index)])
            except IndexError:
                raise IndexError(f"{self.name}: no image {index} among {len(self)}") from None
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step > 0:
                return self._with(self.images[start:stop:step], self.labels[start:stop:step])
            index = np.arange(start, stop, step)
        chosen = self._positions(index)
        return self._with(self.images[chosen], self.labels[chosen])

    def __add__(self, other: Split) -> Split:
        """Both splits' images, one after the other; classes of the same name become one."""
        if not isinstance(other, Split):
            return NotImplemented
        if self.image_shape != other.image_shape:
            raise DatasetError(
                f"cannot join {self.name} and {other.name}: expected images of one shape, got "
                f"{self.image_shape} and {other.image_shape}"
            )
        classes = self.classes + tuple(c for c in other.classes if c not in self.classes)
        renumber = torch.tensor([classes.index(c) for c in other.classes], dtype=torch.int64)
        return Split(
            torch.cat([self.images, other.images]),
            torch.cat([self.labels, renumber[other.labels]]),
            classes,
            f"{self.name}+{other.name}",
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Number of images of each class."""
        return tuple(torch.bincount(self.labels, minlength=len(self.classes)).tolist())

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) over shape, pixels and labels; computed once.

        Two splits with the same fingerprint hold the same images in the same order with the same
        label numbers, whatever files they came from. The tensors must not be changed in place.
        """
        if not self._fingerprint:
            shape = "x".join(str(s) for s in self.images.shape)
            digest = hashlib.sha256(f"imgcomp split 1 {shape}\n".encode())
            digest.update(self.images.numpy().reshape(-1).data)
            digest.update(self.labels.numpy().astype("<i8", copy=False).data)
            self._fingerprint.append(digest.hexdigest())
        return self._fingerprint[0]

    def take(self, n: int) -> Split:
        """The first ``n`` images.

        Raises:
            DatasetError: If there are fewer than ``n``.
        """
        if not 0 <= n <= len(self):
            raise DatasetError(f"{self.name}: expected at most {len(self)} images, asked for {n}")
        return self[:n]

    def take_proportional(self, n: int, full: int) -> Split:
        """The first ``n`` images, or fewer where this split is smaller than ``full``.

        A paper that takes 5,000 of 60,000 images says ``take_proportional(5_000, 60_000)`` and
        gets the same share, at least one image, of a smaller data set. See `proportional`.
        """
        return self.take(proportional(n, full, len(self)))

    def subset(self, n: int, seed: int = 0, stratified: bool = True) -> Split:
        """``n`` images chosen at random, in their original order.

        Args:
            n: Number of images, at most ``len(self)``.
            seed: The same seed gives the same images with every version and on every machine.
            stratified: Keep the classes' shares (by largest remainder) instead of leaving them
                to chance.

        Raises:
            DatasetError: If there are fewer than ``n`` images.
        """
        return self[self._choose(n, seed, stratified)]

    def split(
        self, fraction: float, seed: int = 0, stratified: bool = False
    ) -> tuple[Split, Split]:
        """Two parts chosen at random, each in the original order, that together are this split.

        Args:
            fraction: Share of the first part, from 0 to 1; its size is rounded half up.
            seed: The same seed gives the same parts with every version and on every machine.
            stratified: Keep the classes' shares in both parts.

        Raises:
            DatasetError: If ``fraction`` is not from 0 to 1.
        """
        if not 0.0 <= fraction <= 1.0:
            raise DatasetError(f"expected a fraction from 0 to 1, got {fraction}")
        chosen = self._choose(int(fraction * len(self) + 0.5), seed, stratified)
        mask = np.zeros(len(self), dtype=bool)
        mask[chosen] = True
        return self[mask], self[~mask]

    def _choose(self, n: int, seed: int, stratified: bool) -> npt.NDArray[np.int64]:
        if not 0 <= n <= len(self):
            raise DatasetError(f"{self.name}: expected at most {len(self)} images, asked for {n}")
        order = _permutation(len(self), seed)
        if stratified and n:
            counts = np.asarray(self.class_counts, dtype=np.int64)
            labels = self.labels.numpy()[order]
            shares = _allocate(counts, n)
            order = np.concatenate([order[labels == c][:k] for c, k in enumerate(shares) if k])
        return np.sort(order[:n])

    def _positions(self, index: Sequence[int] | torch.Tensor | npt.NDArray[Any]) -> torch.Tensor:
        """Check positions or a mask and give non-negative positions."""
        chosen = torch.as_tensor(np.asarray(index))
        if chosen.numel() == 0 and chosen.dtype != torch.bool:
            chosen = chosen.to(torch.int64)
        if chosen.dtype == torch.bool:
            if tuple(chosen.shape) != (len(self),):
                raise DatasetError(
                    f"{self.name}: expected a mask of shape ({len(self)},), "
                    f"got {tuple(chosen.shape)}"
                )
            return torch.nonzero(chosen)[:, 0]
        if chosen.dim() != 1 or chosen.is_floating_point() or chosen.is_complex():
            raise DatasetError(
                f"{self.name}: expected a slice, positions or a mask as the index, got "
                f"{chosen.dtype} of shape {tuple(chosen.shape)}"
            )
        chosen = chosen.to(torch.int64)
        outside = chosen[(chosen < -len(self)) | (chosen >= len(self))]
        if len(outside):
            raise IndexError(f"{self.name}: no image {int(outside[0])} among {len(self)}")
        return torch.where(chosen < 0, chosen + len(self), chosen)

    def _with(self, images: torch.Tensor, labels: torch.Tensor) -> Split:
        return Split(images, labels, self.classes, self.name)


def _check_tensors(images: torch.Tensor, labels: torch.Tensor, name: str) -> None:
    """See that images and labels are tensors of the promised type, shape and place."""
    for what, tensor, dtype, dim, form in (
        ("images", images, torch.uint8, 4, "(N, C, H, W)"),
        ("labels", labels, torch.int64, 1, "(N,)"),
    ):
        if not isinstance(tensor, torch.Tensor):
            raise DatasetError(
                f"{name}: expected {what} as a torch.Tensor, got {type(tensor).__name__}; "
                "imgcomp.datasets.from_arrays takes NumPy arrays"
            )
        if tensor.dtype != dtype or tensor.dim() != dim:
            raise DatasetError(
                f"{name}: expected {what} as {dtype} of shape {form}, got {tensor.dtype} of shape "
                f"{tuple(tensor.shape)}"
            )
        if tensor.device.type != "cpu":
            raise DatasetError(f"{name}: expected {what} on the CPU, got {tensor.device}")
    if len(images) != len(labels):
        raise DatasetError(
            f"{name}: expected as many labels as images, got {len(images)} images and "
            f"{len(labels)} labels"
        )
    if 0 in images.shape[1:]:
        raise DatasetError(f"{name}: expected images with pixels, got shape {tuple(images.shape)}")


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training and a test split of the same classes and image shape.

    Attributes:
        name: Name of the data set, such as ``fashion-mnist``.
        train: Images to learn from.
        test: Images to judge by; may be empty for a data set of one's own.

    Raises:
        DatasetError: If the two differ in classes or image shape.
    """

    name: str
    train: Split
    test: Split

    def __post_init__(self) -> None:
        for what in ("classes", "image_shape"):
            ours, theirs = operator.attrgetter(what)(self.train), getattr(self.test, what)
            if ours != theirs:
                raise DatasetError(
                    f"{self.name}: expected the same {what} for training and test, "
                    f"got {ours} and {theirs}"
                )

    def __repr__(self) -> str:
        """For people, such as ``Dataset('mnist', 60000 + 10000 x 1x28x28, 10 classes)``."""
        shape = "x".join(str(s) for s in self.image_shape)
        return (
            f"Dataset({self.name!r}, {len(self.train)} + {len(self.test)} x {shape}, "
            f"{len(self.classes)} classes)"
        )

    def __add__(self, other: Dataset) -> Dataset:
        """Both data sets' training images, and both's test images; see `Split`'s ``+``."""
        if not isinstance(other, Dataset):
            return NotImplemented
        return Dataset(
            f"{self.name}+{other.name}", self.train + other.train, self.test + other.test
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class."""
        return self.train.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        return self.train.image_shape

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) over both splits' fingerprints."""
        both = f"imgcomp dataset 1 {self.train.fingerprint} {self.test.fingerprint}\n"
        return hashlib.sha256(both.encode()).hexdigest()
