"""What a stage produces, and the file it is kept in: tensors and JSON in one safetensors file.

A file is only believed when its key, its SHA-256 digest and its tensors all fit; anything else
counts as not there, so that the stage is computed again.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from imgcomp._files import write_bytes_atomically

FORMAT = "imgcomp-stage-1"
_LONGEST_HEADER = 100_000_000
"""Bytes; safetensors refuses longer ones as well."""


@dataclass(frozen=True, eq=False)
class Artifact:
    """The result of one stage.

    Attributes:
        tensors: Named tensors of any dtype that safetensors knows, on the CPU.
        data: Anything that JSON can hold (numbers, text, lists, string-keyed dicts); finite
            numbers only.
    """

    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]


class Origin(NamedTuple):
    """How an artifact came about.

    Attributes:
        seconds: How long its stage took.
        made_with: What the runner was told of the program and the machine, such as
            ``source_revision``; empty in files from before this was recorded.
    """

    seconds: float
    made_with: Mapping[str, Any]


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no white space, finite numbers only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(key: str, text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    digest.update(f"{FORMAT}\n{key}\n{len(text)}\n{text}".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def encode_artifact(key: str, artifact: Artifact, origin: Origin) -> bytes:
    """The file content for an artifact.

    The origin is written beside the content and is no part of its digest: it says when and where,
    not what.
    """
    from safetensors.torch import save

    # A copy of its own for each tensor: safetensors refuses tensors that share memory.
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in artifact.tensors.items()
    }
    # In the order of insertion: readers see dicts as the stage made them.
    text = json.dumps(artifact.data, separators=(",", ":"), allow_nan=False)
    metadata = {
        "format": FORMAT,
        "key": key,
        "data": text,
        "seconds": repr(float(origin.seconds)),
        "made_with": canonical_json(origin.made_with),
        "sha256": _digest(key, text, tensors),
    }
    return save(tensors, metadata)


def decode_artifact(key: str, raw: bytes) -> tuple[Artifact, Origin]:
    """Read what `encode_artifact` wrote.

    Returns:
        The artifact and how it came about.

    Raises:
        ValueError: the content is not a stage file, is damaged, or belongs to another key.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        metadata = _metadata(raw)
        tensors = load(raw)
        text = metadata["data"]
        found = metadata["format"], metadata["key"], metadata["sha256"]
        origin = _origin(metadata)
        data = json.loads(text)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a stage file ({type(error).__name__}: {error})") from None
    if found[:2] != (FORMAT, key):
        raise ValueError(f"expected {FORMAT} with key {key[:12]}…, found {found[0]!s:.40}")
    if found[2] != _digest(key, text, tensors):
        raise ValueError("its SHA-256 digest does not fit its content")
    return Artifact(tensors, data), origin


def is_stage_file(path: Path) -> bool:
    """Whether a file says of itself that a stage wrote it; it may still be damaged."""
    try:
        return _metadata(_head(path))["format"] == FORMAT
    except (ValueError, KeyError, TypeError):
        return False


def _head(path: Path) -> bytes:
    """As much of a file as `_metadata` needs."""
    with path.open("rb") as file:
        head = file.read(8)
        return head + file.read(min(int.from_bytes(head, "little"), _LONGEST_HEADER))


def _origin(metadata: Mapping[str, str]) -> Origin:
    return Origin(float(metadata["seconds"]), dict(json.loads(metadata.get("made_with", "{}"))))


def read_artifact(path: Path) -> tuple[str, Artifact]:
    """A stage's file by its path.

    Returns:
        The key of the stage, and what it gave.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no stage file, or damaged.
    """
    raw = path.read_bytes()
    try:
        key = str(_metadata(raw)["key"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not a stage file ({type(error).__name__}: {error})") from None
    return key, decode_artifact(key, raw)[0]


def _metadata(raw: bytes) -> dict[str, str]:
    """Of a safetensors file that begins so; where it is none, a ValueError, KeyError, TypeError."""
    size = int.from_bytes(raw[:8], "little")
    found: dict[str, str] = json.loads(raw[8 : 8 + size])["__metadata__"]
    return found


def slug(label: str) -> str:
    """A label as part of a file name: letters, digits, dots, hyphens; at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-.")[:80] or "stage"


class ArtifactStore:
    """A folder of stage files, found by the stages' keys; labels only make the names readable.

    Artifacts that somebody still holds are shared, others are read again when asked for: a run
    of many stages needs no more memory than the stages at work do.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: weakref.WeakValueDictionary[str, Artifact] = weakref.WeakValueDictionary()
        self._origins: dict[str, Origin] = {}
        self._lock = threading.Lock()

    def load(self, key: str) -> Artifact | None:
        """The stored artifact, or None where there is none that can be believed."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                return held
            for path in self._files(key):
                try:
                    artifact, origin = decode_artifact(key, path.read_bytes())
                except (OSError, ValueError) as error:
                    warnings.warn(
                        f"{path}: {error}; it is computed again", RuntimeWarning, stacklevel=2
                    )
                    continue
                self._held[key] = artifact
                self._origins[key] = origin
                return artifact
            return None

    def holds(self, key: str) -> bool:
        """Whether there is a file for an artifact; it is not read."""
        return bool(self._files(key))

    def _files(self, key: str) -> list[Path]:
        return sorted(self.folder.glob(f"*.{key[:12]}.safetensors"))

    def save(self, label: str, key: str, artifact: Artifact, origin: Origin) -> Artifact:
        """Store an artifact; returns it as every later reader will see it."""
        raw = encode_artifact(key, artifact, origin)
        write_bytes_atomically(self.folder / f"{slug(label)}.{key[:12]}.safetensors", raw)
        stored, _ = decode_artifact(key, raw)
        with self._lock:
            self._held[key] = stored
            self._origins[key] = origin
        return stored

    def origin(self, key: str) -> Origin | None:
        """How an artifact came about; None where there is none."""
        with self._lock:
            if key not in self._origins:
                for path in self._files(key):
                    try:
                        metadata = _metadata(_head(path))
                        if metadata["key"] == key:
                            self._origins[key] = _origin(metadata)
                    except (OSError, ValueError, KeyError, TypeError):
                        continue  # `load` says so where somebody needs its content
            return self._origins.get(key)
