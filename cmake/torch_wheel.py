"""Print, for CMake, where the installed torch package is and how it was built.

torch is not imported: it is slow to import, and a build must work where its libraries do not load.
"""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
from pathlib import Path


def torch_folder() -> Path:
    """The folder of the torch package; exits with one line where there is none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        sys.exit("torch is not installed")
    return Path(spec.origin).resolve().parent


def cxx11_abi(folder: Path) -> str:
    """The value of _GLIBCXX_USE_CXX11_ABI in torch's own CMake files, or nothing."""
    config = folder / "share" / "cmake" / "Torch" / "TorchConfig.cmake"
    found = re.search(r"_GLIBCXX_USE_CXX11_ABI=([01])", config.read_text("utf-8"))
    return found[1] if found else ""


def openmp_runtime(folder: Path) -> str:
    """The GNU OpenMP library that the wheel carries, or nothing."""
    places = (folder / "lib", folder.parent / "torch.libs")
    found = sorted(path for place in places for path in place.glob("libgomp*.so*"))
    return str(found[0]) if found else ""


def main() -> None:
    """Print version, CUDA version, folder, C++ ABI and OpenMP runtime as a CMake list."""
    folder = torch_folder()
    version = runpy.run_path(str(folder / "version.py"))
    facts = (
        version["__version__"],
        version.get("cuda") or "",
        folder.as_posix(),
        cxx11_abi(folder),
        openmp_runtime(folder),
    )
    print(";".join(facts))


if __name__ == "__main__":
    main()
