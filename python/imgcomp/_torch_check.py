"""Refuses, before the extension module is loaded, a torch other than the one it was built against.

The C++ ABI of torch changes between minor versions; loading the module against another one ends in
undefined symbols or a crash, neither of which says what to do.
"""

from __future__ import annotations

import re


def _minor(version: str) -> str:
    """``2.13`` of ``2.13.0+cpu``; the whole text where it does not look like a version."""
    found = re.match(r"(\d+\.\d+)(\D|$)", version)
    return found[1] if found else version


def mismatch(built: str, found: str) -> str | None:
    """Compare the torch built against with the torch found; minor versions must be the same.

    Args:
        built: Version that the extension module was built against, such as ``2.13.0+cpu``.
        found: Version that is installed now.

    Returns:
        One sentence that says what is wrong and what to do, or None where the two fit.
    """
    if _minor(built) == _minor(found):
        return None
    return (
        f"imgcomp was built against torch {built} but found torch {found}: run "
        f"'pip install torch=={built.partition('+')[0]}', or rebuild imgcomp from its source "
        "folder with 'pip install --no-build-isolation --no-deps --force-reinstall .'"
    )


def check_torch(built: str, built_cuda: str = "") -> None:
    """Import torch and see that imgcomp's extension module can be loaded with it.

    Args:
        built: Version of torch that the extension module was built against.
        built_cuda: CUDA version of the kernels in the extension module, empty where it has none.

    Raises:
        ImportError: If torch is missing, cannot be loaded, or is another than the one built
            against.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        wanted = built.partition("+")[0]
        raise ImportError(
            f"imgcomp needs torch {wanted}, which is not installed: run "
            f"'pip install torch=={wanted}'"
        ) from None
    problem = mismatch(built, torch.__version__)
    if problem is None and built_cuda and torch.version.cuda is None:
        problem = (
            f"imgcomp was built with CUDA {built_cuda} kernels but torch {torch.__version__} has "
            "no CUDA: install the CUDA wheel of torch, or rebuild imgcomp from its source folder "
            "with 'pip install --no-build-isolation --no-deps --force-reinstall .'"
        )
    if problem is not None:
        raise ImportError(problem)
