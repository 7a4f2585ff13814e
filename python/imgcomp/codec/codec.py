"""A network with a code of its own: images to bytes and back, saved and loaded as one file."""

from __future__ import annotations

import copy
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from imgcomp._checks import real_number, whole_number
from imgcomp.codec._inputs import checked_images, whole_numbers
from imgcomp.codec.codec_file import Code, code_from, content_of
from imgcomp.codec.codes import BinaryCode
from imgcomp.codec.context_code import ContextCode, quality_for
from imgcomp.codec.refining import checked_judge, refined
from imgcomp.codec.writer import BLOCK_IMAGES, ArchiveWriter
from imgcomp.errors import CheckpointError, CorruptStreamError, SpecError, UsageError
from imgcomp.models import sizes
from imgcomp.models.model import ArrayLike, Autoencoder, Classifier
from imgcomp.models.pixels import codes_of, images_of
from imgcomp.training.checkpoint import ModelFile, read_model_file, write_model_file


class Codec:
    """What compresses images of one shape: a network, and how its code becomes bytes."""

    def __init__(self, model: Autoencoder, code: Code, *, name: str = "") -> None:
        """Puts both together.

        Args:
            model: taken as it is, not copied.
            code: of the shape of the model's code.
            name: to be shown.

        Raises:
            UsageError: they do not fit.
        """
        if not isinstance(model, Autoencoder):
            raise UsageError(f"model must be an Autoencoder, not {type(model).__name__}")
        if not isinstance(code, Code):
            raise UsageError(
                f"code must be a StaticCode, BinaryCode or ContextCode, not {type(code).__name__}"
            )
        if code.shape != model.code_shape:
            raise UsageError(
                f"code is of shape {code.shape}, that of {model!r} of shape {model.code_shape}"
            )
        if isinstance(code, ContextCode):
            rates = len(model.spec.get("lambdas", ())) or 1
            if rates != len(code.log_gain):
                raise UsageError(
                    f"code has {len(code.log_gain)} levels, {model!r} has {rates} (lambdas)"
                )
        self.model = model
        self.code = code
        self.name = str(name)
        self._effort = 0
        self._judge: Classifier | None = None  # of an encoder with an effort, where one is needed
        self._origin = self  # what files are written of: for_images and at give other views of it
        self._image_shape = model.input_shape

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        return self._image_shape

    @property
    def quality(self) -> int | None:
        """1 … 100, higher is better and larger; None for a codec of one rate."""
        return self.code.quality if isinstance(self.code, ContextCode) else None

    @property
    def effort(self) -> int:
        """How long the encoder looks for a better code; see :meth:`with_effort`."""
        return self._effort

    @property
    def judge(self) -> Classifier | None:
        """The classifier for which the encoder looks for a better code; None where for none."""
        return self._judge

    @property
    def any_size(self) -> bool:
        """Whether :meth:`for_images` gives the same codec for images of other sizes."""
        return isinstance(self.code, ContextCode) and sizes.is_convolutional(self.model.spec)

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that stand for the network's weights and the code.

        The name, the quality and the size of the images do not belong to them, nor does what was
        trained for.
        """
        content = self._content()
        if content.codec is not None:
            content.codec.pop("name")
            content.codec.pop("objective", None)
        return content.digest()

    def at(self, quality: int) -> Codec:
        """The same codec of another quality; nothing is copied.

        Args:
            quality: 1 … 100, higher is better and larger.

        Raises:
            UsageError: the codec has one rate only, or there is no such quality.
        """
        if not isinstance(self.code, ContextCode):
            raise UsageError(f"the codec {self.name!r} has one rate: there is no quality to choose")
        twin = copy.copy(self)
        twin.code = self.code.at(quality)
        return twin

    def with_effort(self, effort: int, *, judge: Classifier | None = None) -> Codec:
        """The same codec, whose encoder looks longer for a better code; nothing is copied.

        Files are smaller at the same quality and are read as ever. With an effort of 1 or more the
        code of each image is refined: moved, ``25 · 2^effort`` times, to where its bits and what
        the codec was trained to keep small (squared errors, or what is lost of MS-SSIM or to a
        classifier) cost least together. Each effort takes twice as long as the one before it.

        Args:
            effort: 0, which is the usual one, … `MOST_EFFORT`.
            judge: the classifier that is to recognise the images, of a codec that was trained for
                one; by default, in the package's codecs, the one that they were trained for.

        Raises:
            UsageError: there is no such effort, the codec has no code to refine (it has one rate
                only, or does not say what it was trained for), or the judge does not fit.
        """
        found = checked_judge(effort, self.code, self.name, judge)
        twin = copy.copy(self)
        twin._effort, twin._judge = effort, found
        return twin

    def for_images(self, height: int, width: int) -> Codec:
        """The same codec for images of another size.

        They are padded where the network's strides ask for it, and cropped again.

        Args:
            height: of the images, at least 1.
            width: likewise.

        Raises:
            UsageError: the codec takes one size only.
        """
        if (height, width) == self.image_shape[1:]:
            return self
        if not self.any_size or not isinstance(self.code, ContextCode):
            raise UsageError(
                f"the codec {self.name!r} takes images of {self.image_shape[1:]} only, not of "
                f"{(height, width)} (height, width)"
            )
        height, width = whole_number("height", height), whole_number("width", width)
        steps = sizes.multiples(self.model.spec)
        rows, columns = (
            -(-side // step) * step for side, step in zip((height, width), steps, strict=True)
        )
        twin = copy.copy(self)
        twin.model = self.model.for_images(rows, columns)
        twin.code = self.code.of_size(*twin.model.code_shape[1:])
        twin._image_shape = (self.image_shape[0], height, width)
        return twin

    def codes(self, images: ArrayLike) -> torch.Tensor:
        """What the network makes of images.

        Args:
            images: uint8 (N, C, H, W).

        Returns:
            ``(N, *code_shape)``, float32, not yet quantised.

        Raises:
            UsageError: wrong shape or dtype.
        """
        given = self.checked(images)
        if self._image_shape != self.model.input_shape:
            given = sizes.pad(given, sizes.multiples(self.model.spec))
        if not isinstance(self.code, ContextCode):
            return codes_of(self.model, given, level=self._level)
        # The code weighs each step itself.
        codes = codes_of(self.model, given, level=self._level, rounds=False)
        if not self._effort or not len(given):
            return codes
        return refined(self.model, self.code, given, codes, self._effort, self._judge)

    def images(self, codes: torch.Tensor) -> torch.Tensor:
        """What the network makes of codes.

        Args:
            codes: ``(N, *code_shape)``, float32; of a recurrent network also of fewer iterations.

        Returns:
            uint8 (N, C, H, W).

        Raises:
            UsageError: wrong shape or dtype.
        """
        _, height, width = self._image_shape
        found = images_of(self.model, codes, level=self._level)
        return found[:, :, :height, :width].contiguous()

    def checked(self, images: ArrayLike) -> torch.Tensor:
        """Images as a tensor.

        Raises:
            UsageError: they are not uint8 (N, C, H, W) of this codec's shape.
        """
        return checked_images(images, self._image_shape)

    def quality_for(self, images: ArrayLike, bits_per_pixel: float) -> int:
        """The highest quality that codes images in so many bits per pixel, or the lowest of all.

        What the codes cost is counted, without a file's header and index.

        Args:
            images: uint8 (N, C, H, W), N at least 1; some hundreds stand for many.
            bits_per_pixel: above 0.

        Raises:
            UsageError: the codec has one rate only, or an argument does not fit.
        """
        given = self.checked(images)
        pixels = len(given) * given.shape[2] * given.shape[3]
        if not pixels:
            raise UsageError("images must not be empty")

        def rate(quality: int) -> float:
            codec = self.at(quality)
            return codec.code.bits(codec.codes(given)) / pixels  # type: ignore[union-attr]

        return quality_for(real_number("bits_per_pixel", bits_per_pixel, above=True), rate)

    def compress(
        self,
        images: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        embed_model: bool = False,
        block_images: int = BLOCK_IMAGES,
    ) -> bytes:
        """Images as an ``.imc`` file, which :func:`imgcomp.codec.open` reads.

        Args:
            images: uint8 (N, C, H, W).
            labels: whole numbers (N,) of at least 0.
            names: N relative paths with slashes.
            classes: names of the labels.
            metadata: as for :class:`ArchiveWriter`, and the others too.
            embed_model: see there.
            block_images: see there.

        Raises:
            UsageError: an argument does not fit.
        """
        file = io.BytesIO()
        most: int | Sequence[str] | None = classes
        if labels is not None and classes is None:
            given = whole_numbers(labels, "labels")
            most = max(0, int(given.max())) + 1 if given.numel() else 1
        with ArchiveWriter(
            file,
            self,
            classes=most,
            names=names is not None,
            metadata=metadata,
            embed_model=embed_model,
            block_images=block_images,
        ) as writer:
            writer.add(images, labels, names)
        return file.getvalue()

    def decompress(self, data: bytes) -> torch.Tensor:
        """The images of an ``.imc`` file that was written with this codec.

        Returns:
            uint8 (N, C, H, W).

        Raises:
            CorruptStreamError: the file is truncated, altered, something else or of another codec.
        """
        from imgcomp.codec.archive import Archive

        with Archive(data, codec=self) as archive:
            return archive[:]

    def encode(self, images: ArrayLike) -> bytes:
        """Images as one bare stream: nothing but the coded bits.

        Args:
            images: uint8 (N, C, H, W).

        Raises:
            UsageError: wrong shape or dtype.
        """
        codes = self.codes(images)
        if isinstance(self.code, BinaryCode):
            return self.code.encode(codes).data
        return self.code.encode(codes)

    def decode(self, data: bytes, count: int = 1) -> torch.Tensor:
        """The images of a bare stream.

        The numbers in the stream are the same everywhere; the pixels may differ by rounding between
        processors.

        Args:
            data: of :meth:`encode`.
            count: of images in it.

        Returns:
            uint8 (count, C, H, W).

        Raises:
            CorruptStreamError: the bytes are no stream of so many images. Not every change is
                found: a bare stream has no check.
            UsageError: an argument does not fit.
        """
        return self.images(self.code.decode(data, whole_number("count", count, 0)))

    def save(self, path: str | Path) -> None:
        """Writes network and code to one safetensors file, atomically.

        :func:`imgcomp.load` reads the network from it.

        Raises:
            OSError: the file cannot be written.
        """
        write_model_file(path, self._content())

    def to_bytes(self) -> bytes:
        """The file that :meth:`save` writes."""
        return self._content().to_bytes()

    @classmethod
    def load(cls, path: str | Path) -> Codec:
        """Reads a file of :meth:`save`.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: the file is truncated, altered, or holds no codec.
        """
        return cls._from_file(path, str(path))

    @classmethod
    def from_bytes(cls, data: bytes) -> Codec:
        """Reads what :meth:`to_bytes` gave.

        Args:
            data: the file.

        Raises:
            CorruptStreamError: it is no codec.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "codec.safetensors"
            path.write_bytes(data)
            try:
                return cls._from_file(path, "the codec in the file")
            except CheckpointError as error:
                raise CorruptStreamError(str(error)) from None

    @classmethod
    def _from_file(cls, path: str | Path, what: str) -> Codec:
        content = read_model_file(path)
        if content.codec is None:
            raise CheckpointError(f"{what}: a model file, but without a codec")
        try:
            code, name = code_from(content), content.codec["name"]
            return cls(content.model(), code, name=name)  # type: ignore[arg-type]
        except (SpecError, UsageError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"{what}: its codec cannot be built: {error}") from None

    @property
    def _level(self) -> float | None:
        return self.code.level if isinstance(self.code, ContextCode) else None

    def _content(self) -> ModelFile:
        origin = self._origin
        return content_of(origin.name, origin.model, origin.code)

    def __repr__(self) -> str:
        """Names the network and the code."""
        name = f"{self.name!r}, " if self.name else ""
        return f"Codec({name}{self.model!r}, {type(self.code).__name__} {self.code.shape})"
