"""The check of the torch version: its rule, and that it comes before the extension module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imgcomp import _build_info
from imgcomp._torch_check import mismatch


@pytest.mark.parametrize(
    ("built", "found"),
    [
        ("2.13.0+cpu", "2.13.0+cpu"),
        ("2.13.0+cpu", "2.13.0+cu130"),
        ("2.13.0", "2.13.1"),
        ("2.11.0+cu130", "2.11.0a0+git1234567"),
    ],
)
def test_same_minor_version_is_accepted(built: str, found: str) -> None:
    assert mismatch(built, found) is None


@pytest.mark.parametrize("found", ["2.12.1+cpu", "2.1.0", "2.130.0", "3.13.0", "unknown"])
def test_other_version_is_named_with_the_command_that_helps(found: str) -> None:
    message = mismatch("2.13.0+cpu", found)
    assert message is not None
    assert message.startswith(f"imgcomp was built against torch 2.13.0+cpu but found torch {found}")
    assert "'pip install torch==2.13.0'" in message
    assert "\n" not in message


def _import_imgcomp(before: str, path: Path | None = None) -> list[str]:
    """Import imgcomp in a fresh interpreter; the lines it prints about how that failed."""
    code = f"""
import sys
{before}
try:
    import imgcomp
except ImportError as error:
    print(type(error).__name__, "imgcomp._core" in sys.modules)
    print(error)
"""
    env = dict(os.environ)
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_foreign_torch_is_refused_before_the_extension_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text('__version__ = "2.9.1+cpu"\n')
    lines = _import_imgcomp("", tmp_path)
    assert lines[0] == "ImportError False"
    assert lines[1:] == [mismatch(_build_info.TORCH_VERSION, "2.9.1+cpu")]


def test_missing_torch_is_told_in_one_line() -> None:
    lines = _import_imgcomp('sys.modules["torch"] = None')
    wanted = _build_info.TORCH_VERSION.partition("+")[0]
    assert lines == [
        "ImportError False",
        f"imgcomp needs torch {wanted}, which is not installed: run 'pip install torch=={wanted}'",
    ]


def test_kernels_without_a_cuda_torch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from imgcomp._torch_check import check_torch

    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(ImportError, match=r"built with CUDA 13\.0 kernels but torch .* no CUDA"):
        check_torch(_build_info.TORCH_VERSION, "13.0")
    check_torch(_build_info.TORCH_VERSION, "")
