"""What a run ran on: versions, processor and source revision, for its report."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECORDED = ("imgcomp", "source_revision", "torch", "processor", "device", "gpu")
"""What can make a stage's numbers others, or its time."""
PACKAGES = ("torch", "numpy", "matplotlib", "safetensors")


def source_revision() -> str | None:
    """The git commit of imgcomp's source, with ``-dirty`` for local changes; None outside git.

    An installed package inside somebody else's repository is not taken for ours: this very file
    has to be tracked.
    """
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here.parent), *arguments],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    if git("ls-files", "--error-unmatch", here.name) is None:
        return None
    return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def maker(found: Mapping[str, Any]) -> dict[str, Any]:
    """Those parts of an `environment` that are recorded with every stage.

    Args:
        found: What `environment` returned.
    """
    return {name: found[name] for name in RECORDED if name in found}


def environment(device: str) -> dict[str, Any]:
    """A JSON-able description of this machine and these versions; no names, no paths.

    Args:
        device: The device that the run computed on.
    """
    import imgcomp

    config = imgcomp.build_config()
    found: dict[str, Any] = {
        "imgcomp": imgcomp.__version__,
        "source_revision": source_revision(),
        "python": config["versions"]["python"],
        "processor": config["cpu"]["model"],
        "cores": config["threads"]["cores"],
        "system": f"{platform.system()} {platform.machine()}",
        "compiler": config["build"]["compiler"],
        "device": device,
    }
    if device.startswith("cuda"):
        import torch

        found["gpu"] = torch.cuda.get_device_name()
        found["cuda"] = torch.version.cuda
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    return found
