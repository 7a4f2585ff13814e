"""Model files and checkpoints: one safetensors file with JSON metadata.

The tensors are ``weights/NAME`` (what :func:`load` gives back), ``last/NAME`` (the weights to go
on from, where they are not those of the best epoch), ``optimizer/SLOT.NAME`` and, in the file of
a codec, ``code/NAME``. The metadata has one entry, ``imgcomp``: JSON with the format's version, the
spec, for a checkpoint the configuration, the progress and the history, and for a codec what its
code is. A digest over everything finds any change.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from imgcomp._files import write_bytes_atomically
from imgcomp.errors import CheckpointError, SpecError, UsageError
from imgcomp.models.model import Autoencoder, Classifier, Model, from_spec
from imgcomp.training.stored_weights import completed

_FORMAT = 1
_KEY = "imgcomp"
_FEW_PARAMETERS = 2**20
"""As many are never too many: which weights are missing can be said then."""


@dataclass
class ModelFile:
    """The content of a model file, read and verified."""

    spec: dict[str, Any]
    weights: dict[str, torch.Tensor]
    last: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer: dict[str, torch.Tensor] = field(default_factory=dict)
    training: dict[str, Any] | None = None  # None in a file that holds a model alone
    code: dict[str, torch.Tensor] = field(default_factory=dict)
    codec: dict[str, Any] | None = None  # None in a file without a codec

    def digest(self) -> str:
        """SHA-256 of everything in the file, 64 hexadecimal digits."""
        return _digest(self.header(), self.tensors())

    def model(self) -> Autoencoder | Classifier:
        """The network with its weights.

        Raises:
            SpecError: the spec cannot be built, or not with as many weights as there are.
            UsageError: the weights are not those of the spec.
        """
        weights = completed(self.spec, self.weights, self.codec, self.code)
        # What no file of this size can fill is refused before memory is taken for it.
        count = sum(tensor.numel() for tensor in weights.values())
        model = from_spec(self.spec, max_parameters=max(count, _FEW_PARAMETERS))
        model.load_state_dict(weights)
        return model

    def to_bytes(self) -> bytes:
        """The file."""
        import safetensors.torch

        metadata = {_KEY: json.dumps({**self.header(), "digest": self.digest()})}
        return safetensors.torch.save(self.tensors(), metadata)

    def header(self) -> dict[str, Any]:
        """What of the content is JSON."""
        header = {
            "format": _FORMAT,
            "spec": self.spec,
            "training": _without_nan(self.training),
        }
        return header if self.codec is None else {**header, "codec": self.codec}

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors by their names in the file."""
        groups = {
            "weights": self.weights,
            "last": self.last,
            "optimizer": self.optimizer,
            "code": self.code,
        }
        return {
            f"{group}/{name}": tensor.detach().cpu().contiguous()
            for group, named in groups.items()
            for name, tensor in named.items()
        }


def save(model: Model, path: str | Path) -> None:
    """Writes a model to one safetensors file, atomically.

    Raises:
        UsageError: ``model`` is not a model.
        OSError: the file cannot be written.
    """
    if not isinstance(model, Model):
        raise UsageError(f"save takes an imgcomp model, not {type(model).__name__}")
    write_model_file(path, ModelFile(model.spec, model.state_dict()))


def load(path: str | Path) -> Autoencoder | Classifier:
    """Reads a model from a file of :func:`save` or from a checkpoint of :func:`imgcomp.fit`.

    A checkpoint gives the best epoch's weights where it was trained with ``keep_best``, else the
    last ones.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is truncated, altered, or not one of imgcomp's.
    """
    content = read_model_file(path)
    try:
        return content.model()
    except (SpecError, UsageError) as error:
        raise CheckpointError(f"{path}: its network cannot be built: {error}") from None


def write_model_file(path: str | Path, content: ModelFile) -> None:
    """Writes ``content`` to one safetensors file, atomically."""
    write_bytes_atomically(Path(path), content.to_bytes())


def read_model_file(path: str | Path) -> ModelFile:
    """Reads and verifies a model file.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is truncated, altered, or not one of imgcomp's.
    """
    import safetensors

    path = Path(path)
    if path.is_dir():
        raise CheckpointError(f"{path}: a folder, not a model file")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such model file")
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, torch.Tensor] = {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not a readable safetensors file, truncated or altered ({error})"
        ) from None
    if _KEY not in metadata:
        raise CheckpointError(f"{path}: a safetensors file, but not one of imgcomp's")
    try:
        header = json.loads(metadata[_KEY])
        digest = header.pop("digest")
        version = header["format"]
        spec, training, codec = header["spec"], header["training"], header.get("codec")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointError(f"{path}: its metadata is damaged") from None
    if version != _FORMAT:
        raise CheckpointError(
            f"{path}: written in format {version}, this imgcomp reads format {_FORMAT}"
        )
    if digest != _digest(header, tensors):
        raise CheckpointError(f"{path}: its content does not match its digest; it was altered")
    groups: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        group, _, name = key.partition("/")
        groups[group][name] = tensor
    return ModelFile(
        spec,
        groups["weights"],
        groups["last"],
        groups["optimizer"],
        training,
        groups["code"],
        codec,
    )


def epoch_path(path: Path, epoch: int) -> Path:
    """Where the checkpoint of one epoch is kept: ``run.safetensors`` → ``run.epoch-0001.…``."""
    return path.with_name(f"{path.stem}.epoch-{epoch:04d}{path.suffix}")


def _digest(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _without_nan(value: Any) -> Any:
    """The same with None for NaN, which JSON has no word for."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value
