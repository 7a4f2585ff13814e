"""The runner: computes the missing stages of a graph, side by side, and stops cleanly.

Workers are threads: training and tensor work release the GIL. Which worker computes what has no
influence on any result, because a stage sees its configuration and its inputs only.
"""

from __future__ import annotations

import heapq
import json
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgcomp import _core
from imgcomp.errors import ImgcompError, UsageError
from imgcomp.stages.artifact import Artifact, ArtifactStore, Origin, canonical_json, slug
from imgcomp.stages.graph import Context, Fingerprinted, Stage, StopLike, plan
from imgcomp.stages.progress import Listener


class StageError(ImgcompError):
    """A stage failed; the text begins with its name, and `__cause__` is the original error."""


class StageStopped(Exception):
    """Raised by a stage that noticed the stop token; the runner treats it as no error."""


def default_jobs() -> int:
    """The CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class Artifacts(Mapping[str, Artifact]):
    """The finished run's artifacts by stage label (or by the stage itself); read when asked for."""

    def __init__(self, store: ArtifactStore, stages: Iterable[Stage]) -> None:
        self._store = store
        self._keys = {node.label: node.key for node in stages}

    def __getitem__(self, which: str | Stage) -> Artifact:
        key = which.key if isinstance(which, Stage) else self._keys[which]
        artifact = self._store.load(key)
        if artifact is None:
            raise StageError(f"{which}: its file vanished from {self._store.folder}")
        return artifact

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def seconds(self) -> dict[str, float]:
        """Wall-clock seconds that every stage took when it was run, by label."""
        return {label: origin.seconds for label, origin in self._origins().items()}

    def made_with(self) -> list[dict[str, Any]]:
        """What the stages were computed with, as the runners were told that computed them.

        Returns:
            The different records, each with ``stages``, the number of stages it holds for (a stage
            of several labels counts once); the most frequent first. Stages stored before there
            were records make an entry of ``stages`` alone.
        """
        counts: dict[str, int] = {}
        for origin in {
            self._keys[label]: origin for label, origin in self._origins().items()
        }.values():
            text = canonical_json(origin.made_with)
            counts[text] = counts.get(text, 0) + 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [{**json.loads(text), "stages": count} for text, count in ordered]

    def _origins(self) -> dict[str, Origin]:
        found = {label: self._store.origin(key) for label, key in self._keys.items()}
        return {label: origin for label, origin in found.items() if origin is not None}


@dataclass
class _State:
    """What the workers share; every field is guarded by the runner's lock."""

    waiting: dict[str, int]
    users: dict[str, list[Stage]]
    ready: list[tuple[float, int, Stage]]
    left: int
    failure: tuple[Stage, BaseException] | None = None


class Runner:
    """Runs graphs of stages with a folder of cached artifacts.

    Args:
        folder: Gets ``stages/`` and ``checkpoints/``.
        jobs: How many stages run side by side.
        threads: Threads per stage; results may depend on it, never on `jobs`.
        stop: Shared with the caller and with every training; None makes one.
        listener: Told about progress.
        made_with: What computes, such as the source revision and the processor; JSON-able. It is
            recorded with every stage that this runner computes, and is no part of any key.
    """

    def __init__(
        self,
        folder: Path,
        *,
        jobs: int = 1,
        threads: int = 1,
        stop: StopLike | None = None,
        listener: Listener | None = None,
        made_with: Mapping[str, Any] | None = None,
    ) -> None:
        if jobs < 1 or threads < 1:
            raise UsageError(f"jobs and threads must be at least 1, got {jobs} and {threads}")
        self.folder = folder
        self.store = ArtifactStore(folder / "stages")
        self.jobs = jobs
        self.threads = threads
        self.stop = _new_stop_token() if stop is None else stop
        self.listener = listener or Listener()
        self.made_with = dict(made_with or {})
        self._lock = threading.Lock()

    def run(self, targets: Iterable[Stage]) -> Artifacts:
        """Compute whatever the targets still need.

        Returns:
            The artifacts of the targets, and of those stages behind them that are in the folder:
            a stage that all users are finished of is not computed again for having vanished.

        Raises:
            StageError: a stage failed; the others were stopped.
            KeyboardInterrupt: Ctrl-C, or the stop token was set from outside; training stages
                left their checkpoints, and running again goes on from there.
        """
        targets = list(targets)
        stages = plan(targets)
        missing = self._missing(targets, stages)
        self.listener.planned(len(stages), len(stages) - len(missing))
        if missing:
            self._compute(missing)
        behind = [node for node in stages if self.store.holds(node.key)]
        return Artifacts(self.store, [*behind, *targets])

    def _missing(self, targets: list[Stage], stages: list[Stage]) -> list[Stage]:
        """Those stages that have to run: from the targets down, as far as files are missing."""
        checked: dict[str, bool] = {}

        def visit(node: Stage) -> None:
            if node.key in checked:
                return
            checked[node.key] = self.store.load(node.key) is not None
            if not checked[node.key]:
                for parent in node.parents:
                    visit(parent)

        for target in targets:
            visit(target)
        return [node for node in stages if not checked.get(node.key, True)]

    def _compute(self, missing: list[Stage]) -> None:
        import torch

        keys = {node.key: order for order, node in enumerate(missing)}
        waiting: dict[str, int] = {}
        users: dict[str, list[Stage]] = {key: [] for key in keys}
        for node in missing:
            parents = {parent.key for parent in node.parents} & keys.keys()
            waiting[node.key] = len(parents)
            for key in parents:
                users[key].append(node)
        ready = [(-node.cost, keys[node.key], node) for node in missing if not waiting[node.key]]
        heapq.heapify(ready)
        state = _State(waiting, users, ready, len(missing))
        changed = threading.Condition(self._lock)
        ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        (self.folder / "checkpoints").mkdir(parents=True, exist_ok=True)

        def work() -> None:
            try:
                torch.set_num_threads(self.threads)
                while (node := take()) is not None:
                    finish(node, self._attempt(node))
            finally:
                ended.put(None)

        def take() -> Stage | None:
            with changed:
                while not state.ready:
                    if state.left == 0 or self.stop.is_set():
                        return None
                    changed.wait(0.2)
                if self.stop.is_set():
                    return None
                node = heapq.heappop(state.ready)[2]
                self.listener.started(node.label)
                return node

        def finish(node: Stage, outcome: float | BaseException) -> None:
            with changed:
                if isinstance(outcome, BaseException):
                    if not self.stop.is_set():
                        state.failure = (node, outcome)
                        self.stop.set()
                else:
                    state.left -= 1
                    self.listener.finished(node.label, outcome)
                    for user in state.users[node.key]:
                        state.waiting[user.key] -= 1
                        if state.waiting[user.key] == 0:
                            heapq.heappush(state.ready, (-user.cost, keys[user.key], user))
                changed.notify_all()

        before = torch.get_num_threads()
        workers = [
            threading.Thread(target=work, name=f"imgcomp-stage-{index}", daemon=True)
            for index in range(min(self.jobs, len(missing)))
        ]
        interrupted = False
        try:
            try:
                for worker in workers:
                    worker.start()
            except KeyboardInterrupt:
                interrupted = True
                self.stop.set()
            begun = [worker for worker in workers if worker.ident is not None]
            alive = len(begun)
            while alive:
                try:
                    ended.get()
                    alive -= 1
                except KeyboardInterrupt:
                    if interrupted:  # a second Ctrl-C does not wait; the workers are daemons
                        raise
                    interrupted = True
                    self.stop.set()
            # What is left of them is short; an interpreter that ends beside a thread which still
            # frees tensors would abort.
            for worker in begun:
                worker.join()
        finally:
            torch.set_num_threads(before)
        if state.failure is not None:
            _raise_failure(*state.failure)
        if interrupted or state.left:
            raise KeyboardInterrupt

    def _attempt(self, node: Stage) -> float | BaseException:
        """Compute and store one stage; its seconds, or what it raised."""

        def progress(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
            with self._lock:
                self.listener.epoch(node.label, epoch, epochs, metrics)

        checkpoint = self.folder / "checkpoints" / f"{slug(node.label)}.{node.key[:12]}.safetensors"
        context = Context(node.label, node.config, self.threads, checkpoint, self.stop, progress)
        begin = time.perf_counter()
        try:
            inputs = {name: self._input(value) for name, value in node.inputs.items()}
            with _core.Interruptible(self._check):
                artifact = node.function(context, **inputs)
            seconds = time.perf_counter() - begin
            origin = Origin(seconds, self.made_with)
            self.store.save(node.label, node.key, artifact, origin)
        except BaseException as error:  # reported by the main thread, whatever it is
            return error
        return seconds

    def _check(self) -> None:
        """Asked within long passes of the core, whose thread no Ctrl-C reaches."""
        if self.stop.is_set():
            raise StageStopped

    def _input(self, node: Stage | Fingerprinted) -> Artifact | Fingerprinted:
        if not isinstance(node, Stage):
            return node
        artifact = self.store.load(node.key)
        if artifact is None:
            raise StageError(f"the file of its input '{node.label}' vanished while running")
        return artifact


def _raise_failure(node: Stage, error: BaseException) -> None:
    """Raise what made a stage fail, with the stage's name in front."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error
    text = str(error) if isinstance(error, ImgcompError) else f"{type(error).__name__}: {error}"
    raise StageError(f"stage '{node.label}': {text}") from error


def _new_stop_token() -> StopLike:
    from imgcomp import StopToken

    return StopToken()
