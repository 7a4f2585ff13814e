"""``imgcomp data``, from the command line's entry point."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from dataset_files import small_cifar, small_mnist, write_idx_set

from imgcomp.cli import main
from imgcomp.datasets._locate import embedded_folder
from imgcomp.datasets._registry import ALL, DIGITS_INFO


@pytest.fixture
def run(capsys):
    """Run the command; gives status, output and error lines."""

    def run(*arguments):
        status = 0
        try:
            main(["data", *map(str, arguments)])
        except SystemExit as leave:
            status = leave.code or 0
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def served(monkeypatch, server):
    """Small stand-ins for MNIST and CIFAR-10, served on the loopback device."""
    mnist = small_mnist(server.folder / "mnist", [f"{server.url}mnist/"])
    cifar = small_cifar(server.folder, homes=[server.url])
    monkeypatch.setattr("imgcomp.datasets._registry.ALL", (mnist, cifar, DIGITS_INFO))
    monkeypatch.setattr("imgcomp.datasets._inventory.ALL", (mnist, cifar, DIGITS_INFO))
    return mnist, cifar


def assert_one_line(result, *texts):
    status, out, err = result
    assert status == 1
    assert out == []
    assert len(err) == 1
    assert err[0].startswith("imgcomp: error: ")
    for text in texts:
        assert text in err[0]


def test_list_where_nothing_is(run):
    status, out, _ = run("list")
    assert status == 0
    assert len(out) == 6
    assert [line.split()[0] for line in out[1:]] == [info.name for info in ALL]
    assert "60,000 + 10,000" in out[1]
    assert "1x28x28" in out[1]
    assert "11.1 MiB to fetch" in out[1]
    assert out[1].rstrip().endswith("not here")
    assert str(embedded_folder()) in out[5]


def test_list_shows_where(run, monkeypatch, tmp_path, cache):
    write_idx_set(cache / "mnist")
    folder = tmp_path / ("a-long-folder-name-" * 8)
    write_idx_set(folder / "FashionMNIST" / "raw")
    monkeypatch.setenv("IMGCOMP_DATA", str(folder))
    _, out, _ = run("list")
    assert out[1].rstrip().endswith(str(cache / "mnist"))
    assert out[2].rstrip().endswith(str(folder / "FashionMNIST" / "raw"))


def test_list_tells_of_a_part(run, cache):
    write_idx_set(cache / "mnist")
    (cache / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    status, out, _ = run("list")
    assert status == 0
    assert "expected t10k-labels-idx1-ubyte.gz beside" in out[1]


def test_list_as_json(run, cache):
    write_idx_set(cache / "mnist")
    status, out, _ = run("list", "--json")
    items = {item["name"]: item for item in json.loads("\n".join(out))}
    assert status == 0
    assert items["mnist"]["where"] == str(cache / "mnist")
    sizes = [file.stat().st_size for file in (cache / "mnist").iterdir()]
    assert items["mnist"]["bytes"] == sum(sizes)
    assert items["cifar-100"] == {
        "name": "cifar-100",
        "train": 50_000,
        "test": 10_000,
        "shape": [3, 32, 32],
        "classes": 100,
        "where": None,
        "bytes": 168_513_733,
        "problem": None,
    }


def test_list_of_a_folder(run, tmp_path):
    write_idx_set(tmp_path / "x" / "mnist")
    _, out, _ = run("list", "--data-dir", tmp_path / "x")
    assert str(tmp_path / "x" / "mnist") in out[1]
    assert_one_line(run("list", "--data-dir", tmp_path / "y"), "y: does not exist")


def test_get_path_verify(run, served, cache):
    status, out, _ = run("get", "mnist", "cifar_10", "digits", "MNIST")
    assert status == 0
    assert out == [
        f"mnist: fetched, at {cache / 'mnist'}, as published",
        f"cifar-10: fetched, at {cache / 'cifar-10-batches-bin'}, as published",
        f"digits: at {embedded_folder()}, as published",
    ]
    assert run("path", "cifar10")[:2] == (0, [str(cache / "cifar-10-batches-bin")])
    status, out, _ = run("verify")
    assert status == 0
    assert out[0] == "mnist: content as published, 30 + 20 images"
    assert len(out) == 1 + 4 + 1 + 6 + 1 + 2
    for line in out:
        assert line.endswith("images" if ": content" in line else "published file")


def test_get_again_fetches_nothing(run, served, server):
    run("get", "mnist")
    server.asked.clear()
    status, out, _ = run("get", "mnist", "--offline")
    assert status == 0
    assert server.asked == []
    assert "fetched" not in out[0]


def test_get_into_a_folder(run, served, tmp_path, cache):
    status, out, _ = run("get", "mnist", "--data-dir", tmp_path / "mine")
    assert status == 0
    assert str(tmp_path / "mine" / "mnist") in out[0]
    assert not cache.exists()


def test_get_puts_good_files_in_place_of_broken_ones(run, served, cache):
    run("get", "mnist")
    broken = cache / "mnist" / "train-images-idx3-ubyte.gz"
    broken.write_bytes(broken.read_bytes()[:-5])
    assert_one_line(
        run("get", "mnist"), str(broken), "whole gzip file", "'imgcomp data get mnist --force'"
    )
    assert_one_line(run("verify", "mnist"), str(broken))
    status, out, _ = run("get", "mnist", "--force")
    assert status == 0
    assert "fetched" in out[0]
    assert run("verify", "mnist")[0] == 0


def test_the_cure_works_for_a_folder_as_well(run, served, server, monkeypatch, tmp_path):
    shutil.copytree(server.folder / "mnist", tmp_path / "env" / "MNIST")
    broken = tmp_path / "env" / "MNIST" / "t10k-labels-idx1-ubyte.gz"
    broken.write_bytes(b"")
    monkeypatch.setenv("IMGCOMP_DATA", str(tmp_path / "env"))
    result = run("verify", "mnist")
    cure = f"imgcomp data get mnist --force --data-dir {tmp_path / 'env'}"
    assert_one_line(result, str(broken), f"'{cure}'")
    assert run(*cure.split()[2:])[0] == 0
    assert run("verify", "mnist")[0] == 0


def test_get_offline(run, served, cache):
    assert_one_line(run("get", "mnist", "--offline"), "mnist is not here", str(cache))
    assert_one_line(run("get", "mnist", "--offline", "--force"), "cannot both fetch")
    assert not cache.exists()


def test_offline_by_the_environment(run, served, monkeypatch, cache):
    monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    assert_one_line(run("get", "mnist"), "mnist is not here")
    assert run("get", "digits")[0] == 0


def test_a_failed_download(run, served, server, cache):
    (server.folder / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(b"broken")
    status, out, err = run("get", "mnist")
    assert status == 1
    assert out == []
    assert all(line.startswith("imgcomp: downloading ") for line in err[:-1])
    assert err[-1].startswith("imgcomp: error: mnist could not be downloaded: ")
    assert "offers 6 bytes" in err[-1]
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written(run, served, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMGCOMP_CACHE", str(tmp_path / "file"))
    assert_one_line(run("get", "mnist"), str(tmp_path / "file"), "cannot be written")


@pytest.mark.parametrize("command", ["get", "verify", "path"])
def test_an_unknown_name(run, command):
    assert_one_line(run(command, "mnits"), "unknown data set 'mnits': expected one of mnist")


def test_what_is_not_here(run, cache):
    assert_one_line(run("path", "cifar10"), "cifar-10 is not here", str(cache))
    assert_one_line(run("verify", "cifar10"), "cifar-10 is not here")
    status, out, _ = run("verify")
    assert status == 0
    assert out[:2] == ["mnist: not here", "fashion-mnist: not here"]


def test_verify_a_folder(run, served, tmp_path):
    run("get", "mnist", "--data-dir", tmp_path)
    assert run("verify", "mnist", "--data-dir", tmp_path)[0] == 0
    status, out, _ = run("verify", "--data-dir", tmp_path)
    assert status == 0
    assert "cifar-10: not here" in out
    assert_one_line(run("verify", "cifar10", "--data-dir", tmp_path), "holds no cifar-10")


def test_verify_tells_of_other_packing(run, served, tmp_path):
    write_idx_set(tmp_path / "mnist", packed=False)
    status, out, _ = run("verify", "mnist", "--data-dir", tmp_path)
    assert status == 0
    assert all(line.endswith("packed otherwise") for line in out[1:])


@pytest.mark.parametrize("arguments", [("get",), ("path",), ("path", "a", "b"), ("list", "--no")])
def test_wrong_usage_is_status_2(run, arguments):
    assert run(*arguments)[0] == 2


def test_as_a_program(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "imgcomp", "data", "path", "mnist"],
        env={**os.environ, "IMGCOMP_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("imgcomp: error: mnist is not here")
    assert result.stderr.count("\n") == 1
