"""What imgcomp was built with and what it runs on, as one dict: for bug reports and ``doctor``."""

from __future__ import annotations

import os
import platform
import re
import warnings
from pathlib import Path
from typing import Any

# Vector and matrix units that decide which kernels torch picks, under their /proc/cpuinfo names.
CPU_FEATURES = {
    "x86_64": ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16"),
    "aarch64": ("asimd", "i8mm", "bf16", "sve", "sve2"),
}

# Packages that imgcomp can do without, and what they are for.
OPTIONAL_PACKAGES = {
    "pandas": "history.to_pandas()",
    "imagecodecs": "JPEG XL in imgcomp rd",
    "ipywidgets": "progress bars in notebooks",
}


def build_config() -> dict[str, Any]:
    """How imgcomp was built and what it found at run time: what ``imgcomp doctor`` prints.

    Returns:
        A JSON-able dict of dicts:

        ``versions``: ``imgcomp``, ``python``, ``platform``, ``torch_built``, ``torch_found``.
        ``build``: ``compiler``, ``build_type``, ``cxx_standard`` (int), ``openmp`` (bool).
        ``threads``: ``cores`` that this process may use, ``torch`` (threads of one operator) and
        ``parallel_for`` (threads that imgcomp's own C++ loops were seen to use just now).
        ``cpu``: ``model``, ``torch_capability`` (the kernels that torch chose) and ``features``,
        name to bool (empty where the system does not tell).
        ``cuda``: ``kernels`` (bool, imgcomp's own), ``toolkit`` (that compiled them, or None),
        ``torch`` (CUDA version of torch, or None), ``available`` (bool), ``devices`` (names).
        ``data``: ``folder`` (of IMGCOMP_DATA, or None), ``cache`` (folder of downloads, or None
        where a package needed to tell it is missing), ``found``, data set to the place that it is
        read from or None, and ``problems``, sentences about data that cannot be used.
        ``packages``: ``required`` and ``optional``, name to installed version or None.
    """
    import torch

    from imgcomp import _core

    info = _core.build_info()
    return {
        "versions": {
            "imgcomp": info.version,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "torch_built": info.torch_version,
            "torch_found": str(torch.__version__),
        },
        "build": {
            "compiler": info.compiler,
            "build_type": info.build_type,
            "cxx_standard": info.cxx_standard,
            "openmp": info.openmp,
        },
        "threads": _threads(),
        "cpu": _cpu(),
        "cuda": {
            "kernels": bool(info.cuda_version),
            "toolkit": info.cuda_version or None,
            **_gpu(),
        },
        "data": _data(),
        "packages": _packages(),
    }


def _threads() -> dict[str, int]:
    """Cores, torch's thread count, and the threads that a C++ loop really ran on."""
    import torch

    from imgcomp import _core

    threads = torch.get_num_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores or 1,
        "torch": threads,
        "parallel_for": _core.count_parallel_threads(16 * threads),
    }


def _cpu() -> dict[str, Any]:
    """The processor's name and the units that matter here."""
    import torch

    machine = platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:  # not Linux
        text = ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    present = set(flags[1].split()) if flags else set()
    names = CPU_FEATURES.get(machine, ()) if present else ()
    return {
        "model": model[1] if model else platform.processor() or machine,
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "features": {name: name in present for name in names},
    }


def _gpu() -> dict[str, Any]:
    """CUDA as torch sees it; a driver that does not fit is a state to report, not a warning."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        available = torch.cuda.is_available()
        count = torch.cuda.device_count() if available else 0
    return {
        "torch": torch.version.cuda,
        "available": available,
        "devices": [torch.cuda.get_device_name(index) for index in range(count)],
    }


def _data() -> dict[str, Any]:
    """Where data sets are looked for and which are there; looks at names and sizes only."""
    from imgcomp.datasets import cache_dir
    from imgcomp.datasets._inventory import inventory
    from imgcomp.errors import DatasetError

    state: dict[str, Any] = {
        "folder": os.environ.get("IMGCOMP_DATA") or None,
        "cache": None,
        "found": {},
        "problems": [],
    }
    try:
        state["cache"] = str(cache_dir())
        items = inventory(None)
    except DatasetError as error:
        state["problems"].append(str(error))
    except ModuleNotFoundError:
        pass  # told among the packages
    else:
        state["found"] = {item.name: item.where for item in items}
        state["problems"] += [item.problem for item in items if item.problem]
    return state


def _packages() -> dict[str, dict[str, str | None]]:
    """Installed versions of what imgcomp requires and of what it can use."""
    from importlib import metadata

    def version(name: str) -> str | None:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:  # one of those that are looked for: nothing can be said of the rest
        required = ["packaging"]
    else:
        # Markers leave out the extras and what another Python or system would need.
        wanted = map(Requirement, metadata.requires("imgcomp") or ())
        required = [
            each.name
            for each in wanted
            if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return {
        "required": {name: version(name) for name in required},
        "optional": {name: version(name) for name in OPTIONAL_PACKAGES},
    }
