"""The command line: what is printed, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import imgcomp
from imgcomp.cli import main

SMALL = ["--scale", "smoke", "--seeds", "1", "--data", "digits", "--offline", "--set",
         "ae_epochs=2", "--set", "clf_epochs=1", "--set", "sweep_rates=0.1", "--set",
         "sweep_momenta=0"]  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    code = end.value.code
    captured = capsys.readouterr()
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"imgcomp {imgcomp.__version__}\n", "")


def test_reproduce_prints_both_numbers_and_the_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "reproduce", "feng2018", *SMALL, "--out", str(tmp_path / "o"))
    assert code == 0
    assert "0.852438" in out
    assert "Verdict" in out
    assert f"Report: {tmp_path / 'o' / 'report.html'}" in out.replace("\n", "")
    assert "stages" in err
    assert "train/cnn/seed0" in err
    assert json.loads((tmp_path / "o" / "results.json").read_text())["seeds"] == [0]
    code, out, err = run(
        capsys, "reproduce", "feng2018", *SMALL, "--out", str(tmp_path / "o"), "--resume", "-q"
    )
    assert (code, out.strip(), err) == (0, str(tmp_path / "o" / "report.html"), "")


def test_only_some_stages(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "o"
    command = ["reproduce", "feng2018", *SMALL, "--out", str(folder)]
    code, out, err = run(capsys, *command, "--only", "train/*nn/seed0")
    assert (code, out) == (0, f"Stages: {folder / 'stages'}\n")
    names = sorted(path.name.rpartition("seed0.")[0] for path in (folder / "stages").iterdir())
    assert names == ["train-ann-", "train-cnn-"]
    assert not (folder / "report.html").exists()
    code, out, _ = run(capsys, *command, "-q", "--only", "train/cnn/seed0", "--resume")
    assert (code, out) == (0, f"{folder}\n")
    code, _, err = run(capsys, *command, "--only", "train/rnn/seed0")
    assert len(list((folder / "stages").iterdir())) == 2  # an earlier run is not removed for that
    assert code == 1
    assert "only: there is no stage 'train/rnn/seed0'; there are " in err
    assert "train/cnn/seed0" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reproduce", "nobody1999"], "unknown paper 'nobody1999'; known: "),
        (["reproduce", "feng2018", "--scale", "huge"], "scale: expected smoke, quick, paper"),
        (["reproduce", "feng2018", "--set", "cnnlr=1"], "did you mean cnn_lr"),
        (["reproduce", "feng2018", "--set", "cnn_lr"], "expected key=value, got 'cnn_lr'"),
        (["reproduce", "feng2018", "--data", "nothing"], "nothing"),
        (["reproduce", "feng2018", "--out", "{here}/file", *SMALL], "found a file"),
        (["reproduce", "feng2018", "--out", "{here}", *SMALL], "holds no imgcomp run"),
        (["reproduce", "feng2018", "--out", "{here}/file/x", *SMALL], "file"),
    ],
)
def test_mistakes_are_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "file").write_text("mine")
    filled = [argument.replace("{here}", str(tmp_path)) for argument in arguments]
    code, out, err = run(capsys, *filled)
    assert code == 1
    assert out == ""
    assert err.startswith("imgcomp: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert (tmp_path / "file").read_text() == "mine"


def test_cuda_without_cuda_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    code, _, err = run(capsys, "reproduce", "feng2018", "--device", "cuda")
    assert code == 1
    assert "torch finds no usable CUDA device" in err


@pytest.mark.parametrize(
    "arguments", [["reproduce"], ["reproduce", "feng2018", "--jobs", "0"], ["--nonsense"]]
)
def test_wrong_options_are_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "Traceback" not in err


def test_interrupt_ends_with_130_and_resume_goes_on(tmp_path: Path) -> None:
    endless = [text.replace("clf_epochs=1", "clf_epochs=100000") for text in SMALL]
    command = [sys.executable, "-m", "imgcomp", "reproduce", "feng2018", *endless, "--out",
               str(tmp_path / "o")]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        checkpoints = tmp_path / "o" / "checkpoints"
        deadline = time.monotonic() + 120
        while not list(checkpoints.glob("train-classifier*")) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        begin = time.monotonic()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert time.monotonic() - begin < 15
    assert err.splitlines()[-1] == (
        "imgcomp: stopped; the same command with --resume goes on from here"
    )
    assert "Traceback" not in err
    assert out == ""
    assert (tmp_path / "o" / "run.json").exists()
