"""The output folder: what is recognised, restarted, kept and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgcomp.errors import UsageError
from imgcomp.stages import RunFolder


def filled(path: Path, paper: str = "feng2018") -> RunFolder:
    folder = RunFolder(path, paper)
    folder.prepare(resume=False, request={"scale": "smoke"})
    (path / "stages").mkdir()
    (path / "stages" / "a.safetensors").write_bytes(b"x")
    (path / "results.json").write_text("{}")
    (path / "mine.txt").write_text("keep me")
    return folder


def test_restart_removes_our_files_and_nothing_else(tmp_path: Path) -> None:
    folder = filled(tmp_path / "out")
    folder.prepare(resume=False, request={"scale": "quick"})
    assert sorted(entry.name for entry in folder.path.iterdir()) == ["mine.txt", "run.json"]
    assert json.loads((folder.path / "run.json").read_text()) == {
        "paper": "feng2018",
        "scale": "quick",
    }


def test_resume_keeps_everything(tmp_path: Path) -> None:
    folder = filled(tmp_path / "out")
    folder.prepare(resume=True, request={})
    assert (folder.path / "stages" / "a.safetensors").exists()
    assert (folder.path / "results.json").exists()


def test_resume_of_a_run_without_marker_is_recognised_by_its_stages(tmp_path: Path) -> None:
    folder = filled(tmp_path / "out")
    (folder.path / "run.json").unlink()
    folder.prepare(resume=True, request={})
    assert (folder.path / "stages" / "a.safetensors").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_foreign_folders_and_files_are_refused_and_left_alone(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "play.txt").write_text("Act 1")
    with pytest.raises(UsageError, match="holds no imgcomp run"):
        RunFolder(tmp_path, "feng2018").prepare(resume=resume, request={})
    assert (tmp_path / "stages" / "play.txt").read_text() == "Act 1"
    with pytest.raises(UsageError, match="found a file"):
        RunFolder(tmp_path / "stages" / "play.txt", "feng2018").prepare(resume=resume, request={})
    filled(tmp_path / "other", "buell2022")
    with pytest.raises(UsageError, match="a run of buell2022, not of feng2018"):
        RunFolder(tmp_path / "other", "feng2018").prepare(resume=resume, request={})
    assert (tmp_path / "other" / "results.json").exists()


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "out", "a"), RunFolder(tmp_path / "out", "a")
    busy = pytest.raises(UsageError, match="another imgcomp process")
    with first.locked(), busy, second.locked():
        pass
    with second.locked():
        assert [entry.name for entry in tmp_path.iterdir()] == [".out.imgcomp-lock"]
    assert list(tmp_path.iterdir()) == []
