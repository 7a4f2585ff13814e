"""Networks with compressed dense layers: made, counted, written and read."""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from imgcomp._checks import whole_number
from imgcomp.errors import CheckpointError, ImgcompError, UsageError
from imgcomp.models.compress.forms import (
    FORMS,
    PrunedWeight,
    QuantizedWeight,
    UniformWeight,
    Weight,
)
from imgcomp.models.compress.kmeans import kmeans
from imgcomp.models.model import Autoencoder, Classifier, Model, from_spec

_MAGIC = b"imgcomp-compressed-1\n"


@dataclass(frozen=True, eq=False)
class CompressedModel:
    """A network some of whose weights are kept in a smaller form.

    Attributes:
        model: The network with the weights as they come back, in 32-bit floats.
        weights: Name of a weight, such as ``encoder.dense1.weight`` → its form. All others, biases
            for one, are kept as they are. Empty: the network as it is, to compare sizes with.
    """

    model: Autoencoder | Classifier
    weights: Mapping[str, Weight] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The whole network as a file: a header with its spec in JSON, then every weight.

        `from_bytes` gives back the same network, bit for bit.
        """
        heads: list[dict[str, Any]] = []
        contents: list[bytes] = []
        for name, tensor in self.model.state_dict().items():
            form = self.weights.get(name)
            if form is None:
                head: dict[str, Any] = {"form": "float32"}
                content = tensor.cpu().numpy().astype("<f4", copy=False).tobytes()
            else:
                head, content = form.write()
            heads.append({"name": name, "size": len(content), **head})
            contents.append(content)
        header = {"spec": self.model.spec, "weights": heads}
        text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
        return _MAGIC + len(text).to_bytes(4, "little") + text + b"".join(contents)

    @staticmethod
    def from_bytes(raw: bytes) -> CompressedModel:
        """Read what `to_bytes` wrote.

        Raises:
            CheckpointError: the content is something else or damaged.
        """
        try:
            return _read(raw)
        except ImgcompError:
            raise
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise CheckpointError(
                f"expected a compressed network, got something else or a part ({error})"
            ) from None

    @property
    def num_bytes(self) -> int:
        """Bytes of `to_bytes`: weights, positions or numbers, biases, header."""
        return len(self.to_bytes())

    def packed_bytes(self, method: Literal["lzma", "zlib"] = "lzma") -> int:
        """Bytes that a general compressor makes of `to_bytes`."""
        pack = {"lzma": lzma.compress, "zlib": lambda raw: zlib.compress(raw, 9)}.get(method)
        if pack is None:
            raise UsageError(f"method: expected lzma or zlib, got {method!r}")
        return len(pack(self.to_bytes()))


def _read(raw: bytes) -> CompressedModel:
    start = len(_MAGIC) + 4
    if raw[: len(_MAGIC)] != _MAGIC:
        raise CheckpointError(f"expected a compressed network, got {raw[:20]!r} at its start")
    place = start + int.from_bytes(raw[len(_MAGIC) : start], "little")
    header = json.loads(raw[start:place])
    model = from_spec(header["spec"])
    state, weights = model.state_dict(), {}
    for head in header["weights"]:
        name, content = head["name"], raw[place : place + head["size"]]
        place += head["size"]
        if len(content) != head["size"]:
            raise CheckpointError(
                f"expected {head['size']:,} bytes of {name}, got {len(content):,}"
            )
        shape = tuple(state[name].shape)
        if head["form"] == "float32":
            values = np.frombuffer(content, "<f4").astype(np.float32).reshape(shape)
            state[name] = torch.from_numpy(values)
        else:
            form: Weight = FORMS[head["form"]].read(head, (shape[0], shape[1]), content)
            weights[name] = form
            state[name] = form.build(form.free)
    if place != len(raw):
        raise CheckpointError(f"expected {place:,} bytes, got {len(raw):,}")
    model.load_state_dict(state)
    return CompressedModel(model, weights)


def dense_layers(model: Model) -> list[str]:
    """The dense layers that have a weight of their own, as ``part.layer``."""
    return [
        f"{part}.{layer['name']}"
        for part, layers in model.spec["parts"].items()
        for layer in layers
        if layer["kind"] == "dense" and "tied_to" not in layer
    ]


def prune(model: Model, share: float, layers: Sequence[str] | None = None) -> CompressedModel:
    """Take away the weights of the smallest magnitude from dense layers.

    Args:
        model: A trained network; it stays as it is.
        share: Of each layer's weights, 0 to below 1, rounded to whole weights.
        layers: Which, as `dense_layers` names them; None for all of these. Biases stay. A layer
            tied to one of them loses the same weights.

    Raises:
        UsageError: the share is not from 0 to below 1, or there is no such dense layer.
    """
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise UsageError(f"share: expected a number from 0 to below 1, got {share!r}")

    def cut(weight: torch.Tensor) -> PrunedWeight:
        flat = weight.flatten()
        order = torch.argsort(flat.abs(), descending=True, stable=True)
        positions = order[: flat.numel() - round(share * flat.numel())].sort().values
        return PrunedWeight((weight.shape[0], weight.shape[1]), positions, flat[positions])

    weights = {name: cut(weight) for name, weight in _chosen(model, layers).items()}
    return with_weights(model, weights, model.state_dict())


def product_quantize(
    model: Model,
    length: int = 4,
    codewords: int = 16,
    layers: Sequence[str] | None = None,
    *,
    iterations: int = 25,
    seed: int = 0,
) -> CompressedModel:
    """Put the rows of dense layers' weights together from learned codewords.

    The columns are cut into groups of `length`; k-means over the rows finds each group's codebook.

    Args:
        model: A trained network; it stays as it is.
        length: Columns in a group; has to divide the layer's number of inputs.
        codewords: In each codebook, 1 up to the layer's number of outputs.
        layers: Which, as `dense_layers` names them; None for all of these. Biases stay. A layer
            tied to one of them follows.
        iterations: Of k-means, at most.
        seed: Of the rows that k-means starts with.

    Raises:
        UsageError: length or codewords do not fit a layer, or there is no such dense layer.
    """
    length, codewords = whole_number("length", length), whole_number("codewords", codewords)
    iterations = whole_number("iterations", iterations)
    generator = torch.Generator().manual_seed(seed)

    def quantize(weight: torch.Tensor, name: str) -> QuantizedWeight:
        rows, columns = weight.shape
        if columns % length:
            raise UsageError(f"length: {name} has {columns} inputs, {length} does not divide them")
        if codewords > rows:
            raise UsageError(f"codewords: {name} has {rows} outputs, fewer than {codewords}")
        points = weight.reshape(rows, columns // length, length).permute(1, 0, 2).contiguous()
        codebooks, numbers = kmeans(points, codewords, iterations, generator)
        return QuantizedWeight((rows, columns), codebooks, numbers)

    weights = {name: quantize(weight, name) for name, weight in _chosen(model, layers).items()}
    return with_weights(model, weights, model.state_dict())


def uniform_quantize(
    model: Model, bits: int = 8, layers: Sequence[str] | None = None
) -> CompressedModel:
    """Round dense layers' weights to equally spaced values: the plain way that others must beat.

    Args:
        model: A trained network; it stays as it is.
        bits: Of each weight, 1 to 16; the values span from the layer's smallest to its largest.
        layers: Which, as `dense_layers` names them; None for all of these. Biases stay. A layer
            tied to one of them follows.

    Raises:
        UsageError: bits out of range, or there is no such dense layer.
    """
    bits = whole_number("bits", bits, maximum=16)

    def quantize(weight: torch.Tensor) -> UniformWeight:
        ends = torch.stack([weight.min(), weight.max()])
        span = (ends[1] - ends[0]).clamp(min=torch.finfo(torch.float32).tiny)
        numbers = ((weight - ends[0]) / span * (2**bits - 1)).round().to(torch.int64)
        return UniformWeight((weight.shape[0], weight.shape[1]), bits, ends, numbers)

    weights = {name: quantize(weight) for name, weight in _chosen(model, layers).items()}
    return with_weights(model, weights, model.state_dict())


def _chosen(model: Model, layers: Sequence[str] | None) -> dict[str, torch.Tensor]:
    """Name of the weight → weight (out, in) of the layers asked for."""
    if not isinstance(model, Autoencoder | Classifier):
        raise UsageError(f"expected an imgcomp model to compress, got {type(model).__name__}")
    known = dense_layers(model)
    asked = known if layers is None else list(layers)
    for layer in asked:
        if layer not in known:
            raise UsageError(
                f"layers: expected dense layers with a weight of their own "
                f"({', '.join(known) or 'there are none'}), got {layer!r}"
            )
    state = model.state_dict()
    return {f"{layer}.weight": state[f"{layer}.weight"].cpu().clone() for layer in asked}


def with_weights(
    model: Model, weights: Mapping[str, Weight], others: Mapping[str, torch.Tensor]
) -> CompressedModel:
    """A network of its own: compressed weights as they come back, and all others."""
    twin = from_spec(model.spec)
    twin.load_state_dict({**others, **{name: w.build(w.free) for name, w in weights.items()}})
    return CompressedModel(twin, weights)
