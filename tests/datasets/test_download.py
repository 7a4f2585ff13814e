import dataclasses
import fcntl
import os
import shutil
import socket
import time

import pytest
from dataset_files import CIFAR100_INFO, checksum, small_cifar, small_mnist, write_tar

from imgcomp.datasets import _download, load
from imgcomp.datasets._download import download
from imgcomp.datasets._load import read
from imgcomp.datasets._locate import locate
from imgcomp.datasets._registry import ALL, RemoteFile
from imgcomp.errors import CorruptDataError, DatasetError, DownloadError


def everything(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.fixture
def info(server):
    return small_mnist(server.folder / "mnist", [f"{server.url}mnist/"])


@pytest.fixture
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_every_published_file_has_homes_size_and_checksum():
    for info in ALL:
        for remote in info.remote:
            assert len(remote.homes) >= 2
            assert all(home.endswith("/") for home in remote.homes)
            assert remote.size > 1000
            assert remote.checksum.startswith("sha256:")
            assert len(remote.checksum) == 7 + 64


def test_idx_files_are_fetched_whole(info, cache, server):
    folder = download(info, cache)
    assert folder == cache / "mnist"
    assert everything(cache) == ["mnist", *sorted(f"mnist/{name}" for name in info.files)]
    assert server.asked == [f"/mnist/{name}" for name in info.files]
    assert read(info, locate(info)).train.fingerprint == info.fingerprints[0]
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o555 == 0o555


@pytest.mark.parametrize("name", ["cifar-10", "cifar-100"])
def test_a_cifar_archive_is_fetched_and_its_batches_kept(cache, server, name):
    published = next(info for info in ALL if info.name == name)
    info = small_cifar(server.folder, published, [server.url])
    download(info, cache)
    kept = sorted(f"{info.folder}/{file}" for file in info.files)
    assert everything(cache) == [info.folder, *kept]
    assert read(info, locate(info)).test.fingerprint == info.fingerprints[1]


def test_load_downloads_what_is_nowhere_and_then_finds_it(monkeypatch, info, cache, server):
    monkeypatch.setattr("imgcomp.datasets._registry.ALL", (info,))
    first = load("mnist")
    asked = list(server.asked)
    again = load("MNIST", offline=True)
    assert first.fingerprint == again.fingerprint
    assert server.asked == asked


def test_imgcomp_mirror_takes_the_place_of_the_homes(monkeypatch, info, cache, server):
    away = [dataclasses.replace(r, homes=("http://192.0.2.1/",)) for r in info.remote]
    info = dataclasses.replace(info, remote=tuple(away))
    monkeypatch.setenv("IMGCOMP_MIRROR", f"{server.url}nothing {server.url}mnist")
    download(info, cache)
    assert server.asked[:2] == [f"/{folder}/{info.files[0]}" for folder in ("nothing", "mnist")]
    assert len(server.asked) == 8


def test_homes_are_tried_in_order_and_the_error_lists_each(info, cache, server, closed_port):
    name = info.files[0]
    whole = (server.folder / "mnist" / name).read_bytes()
    for folder in ("short", "other"):
        (server.folder / folder).mkdir()
    (server.folder / "short" / name).write_bytes(whole[:-1])
    (server.folder / "other" / name).write_bytes(bytes(len(whole)))
    server.cut[f"cut/{name}"] = whole[: len(whole) // 2]  # and announces all of it
    server.unsized[f"long/{name}"] = bytes(len(whole) + 10**6)
    server.unsized[f"brief/{name}"] = whole[:50]
    homes = [
        f"http://127.0.0.1:{closed_port}/",
        *(f"{server.url}{f}/" for f in ("none", "short", "other", "cut", "long", "brief")),
        "ftp.example:/no-url/",
    ]
    with pytest.raises(DownloadError) as caught:
        download(info, cache, homes=homes)
    message = str(caught.value)
    assert message.startswith(f"mnist could not be downloaded: {homes[0]}{name}: Conn")
    assert "Connection refused" in message
    assert f"none/{name}: HTTP status 404 File not found" in message
    assert (
        f"short/{name}: offers {len(whole) - 1:,} bytes, expected {len(whole):,} bytes" in message
    )
    assert f"other/{name}: a file with another checksum, expected sha256:" in message
    assert f"long/{name}: sends more than the {len(whole):,} bytes expected" in message
    assert f"brief/{name}: a file with another checksum" in message
    assert f"cut/{name}: " in message
    assert "no-url" in message
    assert "\n" not in message
    assert everything(cache) == []  # nothing is left of any of it


def test_the_next_home_makes_good(info, cache, server, capsys):
    (server.folder / "bad").mkdir()
    for name in info.files:
        (server.folder / "bad" / name).write_bytes(b"no such thing")
    download(info, cache, homes=[f"{server.url}bad/", f"{server.url}mnist/"])
    assert read(info, locate(info)).train.fingerprint == info.fingerprints[0]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"imgcomp: downloading {server.url}bad/{info.files[0]} (")
    assert len(lines) == 8


def test_a_failure_in_the_middle_leaves_nothing(info, cache, server):
    (server.folder / "mnist" / info.files[2]).unlink()
    with pytest.raises(DownloadError, match=f"{info.files[2]}: HTTP status 404"):
        download(info, cache)
    assert everything(cache) == []


def test_an_interruption_leaves_nothing(monkeypatch, info, cache):
    def interrupt(self, count):
        raise KeyboardInterrupt

    monkeypatch.setattr(_download._Meter, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(info, cache)
    assert everything(cache) == []


def test_files_that_are_there_are_replaced_and_others_kept(info, cache, server):
    folder = cache / "mnist"
    folder.mkdir(parents=True)
    (folder / info.files[0]).write_bytes(b"broken")
    (folder / "notes.txt").write_text("mine")
    download(info, cache)
    assert (folder / "notes.txt").read_text() == "mine"
    assert checksum(folder / info.files[0]) == info.checksums[info.files[0]]
    assert everything(cache) == sorted(
        ["mnist", "mnist/notes.txt"] + [f"mnist/{f}" for f in info.files]
    )


def test_what_a_killed_download_left_is_cleared_away(info, cache):
    left, locked, fresh = (cache / f".mnist-partial-{name}" for name in ("a", "b", "c"))
    for folder in (left, locked, fresh):
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"x")
    for folder in (left, locked):
        os.utime(folder, (time.time() - 60,) * 2)
    lock = os.open(locked, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    download(info, cache)
    os.close(lock)
    assert not left.exists()
    assert locked.exists()  # another process is at it
    assert fresh.exists()  # another process has just made it


def test_an_archive_that_leads_out_is_refused(cache, server):
    info = small_cifar(server.folder, CIFAR100_INFO, [server.url])
    archive = server.folder / info.remote[0].name
    write_tar(archive, server.folder / "unpacked" / info.folder, "../../")
    remote = RemoteFile(
        archive.name, archive.stat().st_size, checksum(archive), info.remote[0].homes
    )
    with pytest.raises(CorruptDataError, match="which leads out of it"):
        download(dataclasses.replace(info, remote=(remote,)), cache)
    assert everything(cache) == []
    assert not list(cache.parent.glob("cifar*"))


def test_an_archive_with_another_batch_is_refused(cache, server):
    info = small_cifar(server.folder, CIFAR100_INFO, [server.url])
    wrong = {**info.checksums, "test.bin": "sha256:0"}
    with pytest.raises(
        CorruptDataError, match=r"expected test.bin in it with sha256:0, got sha256:"
    ):
        download(dataclasses.replace(info, checksums=wrong), cache)
    assert everything(cache) == []


def test_a_cache_below_a_file_cannot_be_written(info, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match=r"file.*: cannot be written .*IMGCOMP_CACHE"):
        download(info, tmp_path / "file" / "cache")
    with pytest.raises(DatasetError, match="cannot be written"):
        download(info, tmp_path / "file")


def test_a_read_only_cache(info, cache):
    cache.mkdir()
    cache.chmod(0o555)
    if os.access(cache, os.W_OK):
        pytest.skip("the superuser may write everywhere")
    with pytest.raises(DatasetError, match=r"cannot be written .Permission denied"):
        download(info, cache)


@pytest.mark.parametrize(
    "stage", ["tempfile.mkdtemp", "shutil.move", "pathlib.Path.mkdir", "pathlib.Path.rename"]
)
def test_a_disk_that_takes_no_more(monkeypatch, info, cache, stage):
    cache.mkdir()

    def fail(*_, **__):
        raise OSError(28, "No space left on device", str(cache / "x"))

    with monkeypatch.context() as patch:
        patch.setattr(stage, fail)
        with pytest.raises(
            DatasetError, match=r"cannot be written .No space left on device.; make"
        ):
            download(info, cache)
    assert everything(cache) == []


def test_nothing_is_asked_of_the_network_where_the_cache_cannot_be_written(info, server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError):
        download(info, tmp_path / "file")
    assert server.asked == []


def test_progress_bars_on_request(info, cache, capsys):
    download(info, cache, progress=True)
    shown = capsys.readouterr().err
    assert "train-images-idx3-ubyte.gz" in shown
    assert "downloading" not in shown


def test_two_downloads_at_once_end_well(info, cache):
    import threading

    errors = []

    def run():
        try:
            download(info, cache)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert read(info, locate(info)).test.fingerprint == info.fingerprints[1]
    assert everything(cache) == ["mnist", *sorted(f"mnist/{name}" for name in info.files)]


@pytest.mark.needs_data
def test_the_real_mnist_by_way_of_a_mirror(monkeypatch, data_root, cache, server):
    shutil.copytree(data_root / "mnist", server.folder / "real")
    monkeypatch.setenv("IMGCOMP_MIRROR", f"{server.url}real")
    data = load("mnist")
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert load("mnist", offline=True).fingerprint == data.fingerprint
