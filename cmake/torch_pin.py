"""Dynamic-metadata provider for the build: pins the torch that imgcomp is built against.

Kept beside the CMake files, used by scikit-build-core alone; it is not part of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any


def torch_requirement(version: str) -> str:
    """The requirement for a torch version, without its local label (``+cpu``, ``+cu130``).

    Args:
        version: A torch version such as ``2.13.0+cpu``.

    Returns:
        A requirement such as ``torch==2.13.0``.
    """
    return f"torch=={version.partition('+')[0]}"


def dynamic_metadata(
    settings: Mapping[str, Any], project: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The ``dependencies`` field: the list given in pyproject.toml and the pinned torch.

    Args:
        settings: The provider's table in pyproject.toml; its ``dependencies`` is a list of
            requirements without torch.
        project: The other project metadata (not used).

    Returns:
        The part of ``[project]`` that this provider sets.

    Raises:
        RuntimeError: If torch is not installed where the build runs.
    """
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        raise RuntimeError(
            "imgcomp is built against an installed torch and found none: leave out "
            "--no-build-isolation, or install torch first"
        ) from None
    return {"dependencies": [*settings["dependencies"], torch_requirement(version)]}


def dynamic_wheel(settings: Mapping[str, Any]) -> dict[str, bool]:
    """Say that the dependencies may differ between the sdist and a wheel built from it."""
    return {"dependencies": True}
