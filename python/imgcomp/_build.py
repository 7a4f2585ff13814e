"""What imgcomp was built with and what it runs on, as one dict for bug reports."""

from __future__ import annotations

import platform
from typing import Any


def build_config() -> dict[str, Any]:
    """How imgcomp was built and what it found at run time.

    Returns:
        A JSON-able dict: ``version``, ``python``, ``platform``, ``compiler``, ``build_type``,
        ``cxx_standard`` (int), ``openmp`` (bool), ``torch_built`` and ``torch_found`` (versions),
        ``cuda_kernels`` (bool), ``cuda_toolkit`` (version that compiled the kernels or None),
        ``torch_cuda`` (CUDA version of torch or None), ``threads`` (int).
    """
    import torch

    from imgcomp import _core

    info = _core.build_info()
    return {
        "version": info.version,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "compiler": info.compiler,
        "build_type": info.build_type,
        "cxx_standard": info.cxx_standard,
        "openmp": info.openmp,
        "torch_built": info.torch_version,
        "torch_found": str(torch.__version__),
        "cuda_kernels": bool(info.cuda_version),
        "cuda_toolkit": info.cuda_version or None,
        "torch_cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
    }
