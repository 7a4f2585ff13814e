"""An ``.imc`` file as a torch Dataset, for training straight from compressed images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from imgcomp.codec.archive import Archive
from imgcomp.codec.codec import Codec


class ArchiveDataset(Dataset[Any]):
    """Images of an ``.imc`` file, with their labels where it has them.

    A ``torch.utils.data.DataLoader`` asks for a whole batch at a time (``__getitems__``), whose
    images go through the network together; each block that they lie in is decoded once. With
    random order a batch touches many blocks: write the file with a small ``block_images`` for that.
    It may be given to worker processes, each of which opens the file again.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        codec: Codec | str | Path | None = None,
        transform: Callable[[torch.Tensor], Any] | None = None,
    ) -> None:
        """Opens the file and reads its labels.

        Args:
            path: of the file.
            codec: as for :func:`imgcomp.codec.open`.
            transform: of each image, uint8 (C, H, W); None leaves it as it is.

        Raises:
            FileNotFoundError: there is no such file.
            CorruptStreamError: it is damaged, or something else.
        """
        self._path = Path(path)
        self._codec = codec
        self._transform = transform
        self._archive: Archive | None = Archive(self._path, codec=codec)
        self.labels = self._archive.labels
        self.classes = self._archive.classes
        self._count = len(self._archive)

    def __len__(self) -> int:
        """How many images there are."""
        return self._count

    def __getitem__(self, index: int) -> Any:
        """One image (C, H, W), or (image, label).

        Raises:
            IndexError: there is no such image.
        """
        return self.__getitems__([index])[0]

    def __getitems__(self, indexes: Sequence[int]) -> list[Any]:
        """The same for several, decoded together."""
        if self._archive is None:
            self._archive = Archive(self._path, codec=self._codec)
        images: list[Any] = list(self._archive.take(indexes))
        if self._transform is not None:
            images = [self._transform(image) for image in images]
        if self.labels is None:
            return list(images)
        labels = self.labels[list(indexes)].tolist()
        return list(zip(images, labels, strict=True))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_archive": None}
