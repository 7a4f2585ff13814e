"""A network with a code of its own: images to bytes and back, saved and loaded as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from imgcomp._checks import whole_number
from imgcomp.codec.codes import BinaryCode, StaticCode, Tables
from imgcomp.codec.quantizer import Quantizer, has_levels
from imgcomp.codec.tables import FrequencyTables
from imgcomp.errors import CheckpointError, SpecError, UsageError
from imgcomp.models.model import ArrayLike, Autoencoder, as_tensor, from_spec
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
        return _codes(self.model, images)

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
        codes = self.code.decode(data, whole_number("count", count, 0))
        return images_of(self.model, codes)

    def save(self, path: str | Path) -> None:
        """Writes network and code to one safetensors file, atomically.

        :func:`imgcomp.load` reads the network from it.

        Raises:
            OSError: the file cannot be written.
        """
        write_model_file(path, self._content())

    @classmethod
    def load(cls, path: str | Path) -> Codec:
        """Reads a file of :meth:`save`.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: the file is truncated, altered, or holds no codec.
        """
        content = read_model_file(path)
        if content.codec is None:
            raise CheckpointError(f"{path}: a model file, but without a codec")
        try:
            model = from_spec(content.spec)
            model.load_state_dict(content.weights)
            code = _code_from(content)
            return cls(model, code, name=content.codec["name"])  # type: ignore[arg-type]
        except (SpecError, UsageError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"{path}: its codec cannot be built: {error}") from None

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


def _codes(model: Autoencoder, images: ArrayLike) -> torch.Tensor:
    given = as_tensor(images, "images")
    if given.dtype != torch.uint8 or tuple(given.shape[1:]) != model.input_shape:
        raise UsageError(
            f"images must be uint8 of shape (N, {', '.join(map(str, model.input_shape))}), not "
            f"{given.dtype} of shape {tuple(given.shape)}"
        )
    return codes_of(model, given)


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
    codes = _codes(model, images)
    if len(codes) < 2:
        raise UsageError(f"data must have at least 2 images, not {len(codes)}")
    quantizer = Quantizer.of(model) if has_levels(model) else Quantizer.fit(codes, bits)
    return Codec(model, StaticCode.fit(codes, quantizer, tables=tables), name=name)
