"""Cached stages: an experiment as a graph of pure steps, each kept under the hash of its inputs.

Resume, seeds, repeats and parallel runs follow from this mechanism and need no code in a paper::

    @stage(version="1")
    def halve(context: Context, numbers: Artifact) -> Artifact:
        return Artifact({"half": numbers["values"] / context.config["by"]})

    node = halve("halve/a", {"by": 2}, numbers=other_stage)
    artifacts = Runner(Path("out"), jobs=2).run([node])
    artifacts[node]["half"]
"""

from imgcomp.stages.artifact import (
    Artifact,
    ArtifactStore,
    Origin,
    canonical_json,
    is_stage_file,
    read_artifact,
    slug,
)
from imgcomp.stages.folder import RunFolder
from imgcomp.stages.graph import Context, Fingerprinted, Stage, StageFunction, StopLike, stage
from imgcomp.stages.progress import Listener, PlainListener, RichListener, listener_for
from imgcomp.stages.runner import Artifacts, Runner, StageError, StageStopped, default_jobs

__all__ = [
    "Artifact",
    "ArtifactStore",
    "Artifacts",
    "Context",
    "Fingerprinted",
    "Listener",
    "Origin",
    "PlainListener",
    "RichListener",
    "RunFolder",
    "Runner",
    "Stage",
    "StageError",
    "StageFunction",
    "StageStopped",
    "StopLike",
    "canonical_json",
    "default_jobs",
    "is_stage_file",
    "listener_for",
    "read_artifact",
    "slug",
    "stage",
]
