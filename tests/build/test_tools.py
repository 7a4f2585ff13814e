"""The small programs that CI stands on."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


README = """\
<!-- ci: one -->
```sh
first line
second \\
    line
```

<!-- ci: apart -->
words in between
```sh
other
```
"""


def test_readme_block_is_taken_literally() -> None:
    assert _tool("readme_command").command(README, "one") == "first line\nsecond \\\n    line\n"


@pytest.mark.parametrize("marker", ["two", "apart"])
def test_readme_block_that_is_not_there(marker: str) -> None:
    with pytest.raises(ValueError, match=f"directly under '<!-- ci: {marker} -->', found 0"):
        _tool("readme_command").command(README, marker)


@pytest.mark.parametrize("marker", ["main-command", "test-command"])
def test_the_readme_has_both_commands(marker: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "readme_command.py"), marker],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install" in done.stdout


def test_extra_requirements() -> None:
    tool = _tool("extra_requirements")
    text = (
        '[project.optional-dependencies]\na = ["x>=1"]\nb = [\n    "y",\n    "z[w]<2",\n]\n[next]\n'
    )
    assert tool.requirements(text, "a") == ["x>=1"]
    assert tool.requirements(text, "b") == ["y", "z[w]<2"]
    with pytest.raises(ValueError, match="no extra 'c'"):
        tool.requirements(text, "c")
