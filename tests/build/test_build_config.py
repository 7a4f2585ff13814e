"""``imgcomp.build_config`` and ``imgcomp doctor``'s judgement of it."""

from __future__ import annotations

import io
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch

import imgcomp
from imgcomp import doctor

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return imgcomp.build_config()


def test_keys(config: dict[str, Any]) -> None:
    assert {section: set(facts) for section, facts in config.items()} == {
        "versions": {"imgcomp", "python", "platform", "torch_built", "torch_found"},
        "build": {"compiler", "build_type", "cxx_standard", "openmp"},
        "threads": {"cores", "torch", "parallel_for"},
        "cpu": {"model", "torch_capability", "features"},
        "cuda": {"kernels", "toolkit", "torch", "available", "devices"},
        "data": {"folder", "cache", "found", "problems"},
        "packages": {"required", "optional"},
    }


def test_values(config: dict[str, Any]) -> None:
    assert config["versions"]["torch_found"] == torch.__version__
    assert config["build"]["openmp"] is True
    assert config["build"]["cxx_standard"] >= 2020
    assert config["cuda"]["torch"] == torch.version.cuda
    assert config["cuda"]["kernels"] is (config["cuda"]["toolkit"] is not None)
    assert config["packages"]["required"]["torch"] is not None
    assert config["packages"]["required"]["numpy"] is not None
    assert json.loads(json.dumps(config)) == config


def test_the_version_is_that_of_pyproject(config: dict[str, Any]) -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert version is not None
    assert imgcomp.__version__ == config["versions"]["imgcomp"] == version[1]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_loops_use_the_threads_that_torch_was_told(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = imgcomp.build_config()["threads"]
    finally:
        torch.set_num_threads(before)
    assert (found["torch"], found["parallel_for"]) == (threads, threads)


def test_doctor_finds_nothing_wrong_here(config: dict[str, Any]) -> None:
    assert doctor.problems(config) == []
    out = io.StringIO()
    assert doctor.run(file=out) == 0
    assert f"{torch.__version__} (built against" in out.getvalue()
    assert "imgcomp is ready to use." in out.getvalue()


def test_doctor_json_is_the_config_and_the_judgement(config: dict[str, Any]) -> None:
    out = io.StringIO()
    assert doctor.run(as_json=True, file=out) == 0
    report = json.loads(out.getvalue())
    assert report["problems"] == []
    assert report["versions"] == config["versions"]


def test_doctor_names_what_is_missing(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = json.loads(json.dumps(config))
    broken["packages"]["required"]["pooch"] = None
    broken["packages"]["optional"]["pandas"] = None
    broken["threads"] = {"cores": 4, "torch": 4, "parallel_for": 1}
    monkeypatch.setattr(doctor, "build_config", lambda: broken)
    out = io.StringIO()
    assert doctor.run(file=out) == 1
    text = out.getvalue()
    assert "problem: pooch is required but not installed: run 'pip install pooch'" in text
    assert "problem: imgcomp's loops run on one thread although torch has 4" in text
    assert "note: pandas is not installed (optional: history.to_pandas())" in text
    assert "ready to use" not in text


def test_data_sets_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path))
    monkeypatch.setenv("IMGCOMP_CACHE", str(tmp_path / "cache"))
    config = imgcomp.build_config()
    assert config["data"]["folder"] == str(tmp_path)
    assert config["data"]["cache"] == str(tmp_path / "cache")
    assert set(config["data"]["found"]) == set(imgcomp.datasets.names())
    assert [name for name, where in config["data"]["found"].items() if where] == ["digits"]
    assert any("'imgcomp data get mnist" in note for note in doctor.notes(config))

    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    (problem,) = doctor.problems(imgcomp.build_config())
    assert str(tmp_path / "mnist") in problem


def test_a_wrong_data_folder_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path / "nowhere"))
    (problem,) = doctor.problems(imgcomp.build_config())
    assert problem.startswith(f"IMGCOMP_DATA={tmp_path / 'nowhere'}: expected a folder")


def test_a_missing_package_does_not_keep_doctor_from_telling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IMGCOMP_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    data = imgcomp.build_config()["data"]
    assert (data["cache"], data["found"], data["problems"]) == (None, {}, [])


def test_what_another_python_or_an_extra_needs_is_not_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needed = [
        "numpy>=1.26",
        "surely-absent",
        "of-an-old-python>=2; python_version < '3'",
        "of-this-python; python_version >= '3'",
        "of-an-extra; extra == 'test'",
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: needed)
    assert imgcomp.build_config()["packages"]["required"] == {
        "numpy": metadata.version("numpy"),
        "surely-absent": None,
        "of-this-python": None,
    }


def test_without_packaging_that_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    monkeypatch.setattr(metadata, "version", version)
    assert imgcomp.build_config()["packages"]["required"] == {"packaging": None}


def test_doctor_notes_a_gpu_without_kernels(config: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(config))
    changed["cuda"] |= {"available": True, "kernels": False}
    assert any("built without its CUDA kernels" in note for note in doctor.notes(changed))
