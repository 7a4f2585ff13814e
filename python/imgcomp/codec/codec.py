"""A network with a code of its own: images to bytes and back, saved and loaded as one file."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from imgcomp._checks import whole_number
from imgcomp.codec._inputs import whole_numbers
from imgcomp.codec.codes import BinaryCode, StaticCode, Tables
from imgcomp.codec.quantizer import Quantizer, has_levels
from imgcomp.codec.tables import FrequencyTables
from imgcomp.codec.writer import BLOCK_IMAGES, ArchiveWriter
from imgcomp.errors import CheckpointError, CorruptStreamError, SpecError, UsageError
from imgcomp.models.model import ArrayLike, Autoencoder, as_tensor
from imgcomp.models.pixels import codes_of, images_of
from imgcomp.training.checkpoint import ModelFile, read_model_file, write_model_file


class Codec:
    """What compresses images of one shape: a network, and how its code becomes bytes."""

    def __init__(
        self, model: Autoencoder, code: StaticCode | BinaryCode, *, name: str = ""
    ) -> None:
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
        if not isinstance(code, StaticCode | BinaryCode):
            raise UsageError(f"code must be a StaticCode or BinaryCode, not {type(code).__name__}")
        if code.shape != model.code_shape:
            raise UsageError(
                f"code is of shape {code.shape}, that of {model!r} of shape {model.code_shape}"
            )
        self.model = model
        self.code = code
        self.name = str(name)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        return self.model.input_shape

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that stand for the network's weights and the code, not the name."""
        content = self._content()
        if content.codec is not None:
            content.codec.pop("name")
        return content.digest()

    def codes(self, images: ArrayLike) -> torch.Tensor:
        """What the network makes of images.

        Args:
            images: uint8 (N, C, H, W).

        Returns:
            ``(N, *code_shape)``, float32, not yet quantised.

        Raises:
            UsageError: wrong shape or dtype.
        """
        return codes_of(self.model, self.checked(images))

    def images(self, codes: torch.Tensor) -> torch.Tensor:
        """What the network makes of codes.

        Args:
            codes: ``(N, *code_shape)``, float32; of a recurrent network also of fewer iterations.

        Returns:
            uint8 (N, C, H, W).

        Raises:
            UsageError: wrong shape or dtype.
        """
        return images_of(self.model, codes)

    def checked(self, images: ArrayLike) -> torch.Tensor:
        """Images as a tensor.

        Raises:
            UsageError: they are not uint8 (N, C, H, W) of this codec's shape.
        """
        return _checked(self.model, images)

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
    def from_bytes(cls, data: bytes, *, max_activations: int | None = None) -> Codec:
        """Reads what :meth:`to_bytes` gave.

        Args:
            data: the file.
            max_activations: values that all layers may give for one image together, for files that
                come from elsewhere; None for any number.

        Raises:
            CorruptStreamError: it is no codec, or a larger one.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "codec.safetensors"
            path.write_bytes(data)
            try:
                codec = cls._from_file(path, "the codec in the file")
            except CheckpointError as error:
                raise CorruptStreamError(str(error)) from None
        if max_activations is not None and codec.model.activations > max_activations:
            raise CorruptStreamError(
                f"the network in the file computes {codec.model.activations:,} values for an "
                f"image; at most {max_activations:,} are accepted of such a file"
            )
        return codec

    @classmethod
    def _from_file(cls, path: str | Path, what: str) -> Codec:
        content = read_model_file(path)
        if content.codec is None:
            raise CheckpointError(f"{what}: a model file, but without a codec")
        try:
            code, name = _code_from(content), content.codec["name"]
            return cls(content.model(), code, name=name)  # type: ignore[arg-type]
        except (SpecError, UsageError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"{what}: its codec cannot be built: {error}") from None

    def _content(self) -> ModelFile:
        shape = list(self.code.shape)
        codec: dict[str, Any] = {"name": self.name, "kind": "binary", "shape": shape}
        tensors: dict[str, torch.Tensor] = {}
        if isinstance(self.code, StaticCode):
            tables = list(self.code.tables)
            codec |= {
                "kind": "static",
                "levels": self.code.quantizer.levels,
                "precision": self.code.tables.precision,
            }
            tensors = {
                "offset": self.code.quantizer.offset,
                "step": self.code.quantizer.step,
                "frequencies": torch.tensor([t.frequencies for t in tables], dtype=torch.int16),
            }
        return ModelFile(self.model.spec, self.model.state_dict(), code=tensors, codec=codec)

    def __repr__(self) -> str:
        """Names the network and the code."""
        name = f"{self.name!r}, " if self.name else ""
        return f"Codec({name}{self.model!r}, {type(self.code).__name__} {self.code.shape})"


def _checked(model: Autoencoder, images: ArrayLike) -> torch.Tensor:
    given = as_tensor(images, "images")
    if given.dtype != torch.uint8 or tuple(given.shape[1:]) != model.input_shape:
        raise UsageError(
            f"images must be uint8 of shape (N, {', '.join(map(str, model.input_shape))}), not "
            f"{given.dtype} of shape {tuple(given.shape)}"
        )
    return given


def _code_from(content: ModelFile) -> StaticCode | BinaryCode:
    codec, tensors = content.codec or {}, content.code
    shape = tuple(codec["shape"])
    if codec["kind"] == "binary":
        return BinaryCode(shape)
    if codec["kind"] != "static":
        raise UsageError(f"there are static and binary codes, not {codec['kind']!r}")
    quantizer = Quantizer(tensors["offset"], tensors["step"], codec["levels"])
    tables = FrequencyTables.from_frequencies(tensors["frequencies"], precision=codec["precision"])
    return StaticCode(shape, quantizer, tables)


def from_model(
    model: Autoencoder,
    data: Any,
    *,
    bits: int = 4,
    tables: Tables = "auto",
    name: str = "",
) -> Codec:
    """Makes a codec of an autoencoder.

    Levels and tables are fitted to the codes of images, which should be the training images. A
    network whose encoder ends with ``quantize`` or ``binarize`` has its levels already.

    Args:
        model: whose code is to be stored.
        data: a Split, or uint8 (N, C, H, W), N at least 2.
        bits: of each value of the code before entropy coding, 1 … 12; not looked at where the
            network has levels.
        tables: one for each channel of the code, each element, or whichever is better.
        name: to be shown.

    Raises:
        UsageError: an argument does not fit.
    """
    if not isinstance(model, Autoencoder):
        raise UsageError(f"model must be an Autoencoder, not {type(model).__name__}")
    whole_number("bits", bits, 1, 12)
    images = getattr(data, "images", data)
    if "recurrence" in model.spec:
        return Codec(model, BinaryCode(model.code_shape), name=name)  # type: ignore[arg-type]
    codes = codes_of(model, _checked(model, images))
    if len(codes) < 2:
        raise UsageError(f"data must have at least 2 images, not {len(codes)}")
    quantizer = Quantizer.of(model) if has_levels(model) else Quantizer.fit(codes, bits)
    return Codec(model, StaticCode.fit(codes, quantizer, tables=tables), name=name)
