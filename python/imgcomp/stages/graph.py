"""Stages: named pure steps whose key is the hash of everything that decides their result.

A paper writes functions, marks them with `stage`, and calls them to declare nodes of a graph;
nothing is computed until a `Runner` asks for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from imgcomp.errors import UsageError
from imgcomp.stages.artifact import Artifact, canonical_json


class StopLike(Protocol):
    """What is asked of a stop token: `imgcomp.StopToken`, or anything that behaves like it."""

    def set(self) -> None:
        """Ask everything that holds this token to stop soon."""

    def is_set(self) -> bool:
        """Whether somebody asked."""


@runtime_checkable
class Fingerprinted(Protocol):
    """An input that is no stage: it names its own content (`imgcomp.datasets.Split` does)."""

    @property
    def fingerprint(self) -> str:
        """A digest of the content; equal content, equal text."""


Progress = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Context:
    """What a stage function is told beside its inputs.

    Attributes:
        label: The stage's name in this run, for messages.
        config: The configuration that is part of the stage's key.
        threads: Threads that the stage may use.
        checkpoint: A file that is this stage's own, in a folder that exists; it is there already
            where an earlier run of the same stage was interrupted.
        stop: Set when the stage should stop as soon as it can.
        progress: Call with (epoch done, epochs in all, metrics of that epoch).
    """

    label: str
    config: Mapping[str, Any]
    threads: int
    checkpoint: Path
    stop: StopLike
    progress: Progress


@dataclass(frozen=True, eq=False)
class Stage:
    """A node of the graph: a function, its configuration and its inputs.

    Attributes:
        kind: The function's name.
        version: Raised by hand whenever the function's meaning changes.
        label: Unique, readable name within a run, such as ``train/cnn/seed0``; not in the key.
        config: JSON-able configuration.
        inputs: Other stages, or objects with a fingerprint.
        function: Called as ``function(context, **inputs)``, with artifacts in place of stages.
        cost: Rough relative duration; the runner starts the costliest ready stage first.
    """

    kind: str
    version: str
    label: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Stage | Fingerprinted]
    function: Callable[..., Artifact] = field(repr=False)
    cost: float = 1.0

    @cached_property
    def key(self) -> str:
        """SHA-256 over kind, version, configuration and the inputs' keys, in hexadecimal."""
        from imgcomp import __version__

        identity = {
            "imgcomp": __version__,
            "kind": self.kind,
            "version": self.version,
            "config": self.config,
            "inputs": {
                name: node.key if isinstance(node, Stage) else node.fingerprint
                for name, node in self.inputs.items()
            },
        }
        try:
            text = canonical_json(identity)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"stage '{self.label}': its configuration must be finite JSON values: {error}"
            ) from None
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def parents(self) -> list[Stage]:
        """Those inputs that are stages."""
        return [node for node in self.inputs.values() if isinstance(node, Stage)]


@dataclass(frozen=True)
class StageFunction:
    """A function marked with `stage`: call it to declare a node, use `.function` to run it."""

    kind: str
    version: str
    function: Callable[..., Artifact]

    def __call__(
        self,
        label: str,
        config: Mapping[str, Any] | None = None,
        *,
        cost: float = 1.0,
        **inputs: Stage | Fingerprinted,
    ) -> Stage:
        """Declare a stage.

        Args:
            label: Its readable name, unique in the run.
            config: JSON-able configuration, part of the key.
            cost: Rough relative duration, for scheduling only.
            **inputs: Stages or fingerprinted objects, given to the function under these names.
        """
        for name, node in inputs.items():
            if not isinstance(node, Stage | Fingerprinted):
                raise UsageError(
                    f"stage '{label}': input '{name}' is a {type(node).__name__}, expected a stage "
                    "or an object with a fingerprint"
                )
        return Stage(
            self.kind, self.version, label, dict(config or {}), inputs, self.function, cost
        )


def stage(*, version: str) -> Callable[[Callable[..., Artifact]], StageFunction]:
    """Mark ``function(context, **inputs) -> Artifact`` as a stage.

    Args:
        version: Part of every key; raise it when the function's meaning changes, so that
            results of the old code are not taken for results of the new.
    """

    def mark(function: Callable[..., Artifact]) -> StageFunction:
        return StageFunction(function.__name__, version, function)

    return mark


def plan(targets: Iterable[Stage]) -> list[Stage]:
    """Every stage that the targets may need, inputs before users, equal keys once.

    Raises:
        UsageError: two different stages bear the same label.
    """
    by_key: dict[str, Stage] = {}
    by_label: dict[str, Stage] = {}

    def visit(node: Stage) -> None:
        if node.key in by_key:
            return
        other = by_label.setdefault(node.label, node)
        if other.key != node.key:
            raise UsageError(f"two different stages are both named '{node.label}'")
        for parent in node.parents:
            visit(parent)
        by_key[node.key] = node

    for target in targets:
        visit(target)
    return list(by_key.values())
