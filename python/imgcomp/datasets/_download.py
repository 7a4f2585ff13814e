"""Downloads data sets from their homes, or mirrors of these, into the cache or a folder of choice.

pooch fetches and checks each file; all of a set's files are gathered in a hidden folder beside the
final one and moved there together, so that what is found is always whole and checked.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgcomp.datasets._cifar import read_tar_members
from imgcomp.datasets._files import file_checksum, human_size
from imgcomp.datasets._registry import DatasetInfo, RemoteFile
from imgcomp.errors import CorruptDataError, DatasetError, DownloadError

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["download", "is_offline"]

_CHUNK = 1 << 16
_TIMEOUT_SECONDS = 30
_FRESH_SECONDS = 5


def is_offline(offline: bool | None) -> bool:
    """Whether the network must not be used: as asked, else as IMGCOMP_OFFLINE says.

    Raises:
        DatasetError: If IMGCOMP_OFFLINE is neither yes nor no.
    """
    if offline is not None:
        return offline
    text = os.environ.get("IMGCOMP_OFFLINE", "").strip().casefold()
    if text in ("", "0", "no", "false", "off"):
        return False
    if text in ("1", "yes", "true", "on"):
        return True
    raise DatasetError(f"IMGCOMP_OFFLINE={text}: expected 1 or 0")


def download(
    info: DatasetInfo, root: Path, *, progress: bool | None = None, homes: Sequence[str] = ()
) -> Path:
    """Fetch a data set into ``root``; files of the same names are replaced.

    Args:
        info: The data set.
        root: Folder in which the data set's own folder is made.
        progress: Show progress bars; None shows them in a terminal or notebook and else writes
            one line a file.
        homes: Base URLs used instead of the published homes; by default those in IMGCOMP_MIRROR
            (separated by spaces), where that is set.

    Returns:
        The data set's folder.

    Raises:
        DownloadError: If a file could be had from none of its homes; lists what each one said.
        DatasetError: If ``root`` cannot be written to.
    """
    final = root / info.folder
    with _workplace(root, info.folder) as work:
        ready = work / info.folder
        with _writing(root):
            ready.mkdir()
        given = tuple(homes) or tuple(os.environ.get("IMGCOMP_MIRROR", "").split())
        with _progress(progress) as bars:
            for remote in info.remote:
                target = work if info.kind == "cifar" else ready
                _fetch(info, remote, target, given or remote.homes, bars, root)
        if info.kind == "cifar":
            _unpack(info, work, ready, root)
        with _writing(root):
            _publish(ready, final)
    return final


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{root}: cannot be written ({error.strerror or error}); make it "
            "writable and see that its disk has room, or set IMGCOMP_CACHE to another folder"
        ) from error


@contextmanager
def _workplace(root: Path, folder: str) -> Iterator[Path]:
    """A hidden folder in ``root`` that is gone afterwards, whatever happens."""
    prefix = f".{folder}-partial-"
    with _writing(root):
        root.mkdir(parents=True, exist_ok=True)
        for left in root.glob(f"{prefix}*"):
            _remove_if_left(left)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
        lock = os.open(work, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield work
    finally:
        os.close(lock)
        shutil.rmtree(work, ignore_errors=True)


def _remove_if_left(work: Path) -> None:
    """Remove the folder of a download that was killed: nobody holds its lock any more."""
    with suppress(OSError):  # gone meanwhile, or locked by a download that is at work
        if time.time() - work.stat().st_mtime < _FRESH_SECONDS:
            return  # perhaps made a moment ago and about to be locked
        lock = os.open(work, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(work, ignore_errors=True)
        finally:
            os.close(lock)


def _fetch(
    info: DatasetInfo,
    remote: RemoteFile,
    folder: Path,
    homes: Sequence[str],
    bars: Progress | None,
    root: Path,
) -> None:
    """Fetch one file from the first home that gives what was published."""
    import pooch  # type: ignore[import-untyped]
    from requests import RequestException

    pooch.get_logger().setLevel("WARNING")
    failures = []
    for home in homes:
        url = f"{home.rstrip('/')}/{remote.name}"
        meter = _Meter(remote, bars)
        if bars is None:
            print(f"imgcomp: downloading {url} ({human_size(remote.size)})", file=sys.stderr)
        try:
            fetch = pooch.HTTPDownloader(
                progressbar=meter, chunk_size=_CHUNK, timeout=_TIMEOUT_SECONDS
            )
            with _writing(root):
                try:
                    pooch.retrieve(
                        url, remote.checksum, fname=remote.name, path=folder, downloader=fetch
                    )
                except RequestException as error:  # which is an OSError, but not the disk's
                    raise DownloadError(_network_reason(error)) from error
            return
        except DownloadError as error:
            failures.append(f"{url}: {error}")
        except DatasetError:
            raise
        except ValueError as error:  # pooch's word for a wrong checksum, requests' for a bad URL
            got = "a file with another checksum" if "hash" in str(error) else str(error)
            failures.append(f"{url}: {got}, expected {remote.checksum}")
        finally:
            meter.close()
    raise DownloadError(
        f"{info.name} could not be downloaded: {'; '.join(failures)}; check the network, or fetch "
        f"the file by other means, put it into a folder {info.folder} and set IMGCOMP_DATA to the "
        "folder above"
    )


def _network_reason(error: Exception) -> str:
    """A short reason out of the nested texts of requests and urllib3."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code} {response.reason}".strip()
    inner: Any = error.args[0] if error.args else error
    inner = getattr(inner, "reason", inner)
    text = " ".join(str(inner).split())
    return f"{type(error).__name__}: {text.partition(': ')[2] or text}"[:200]


class _Meter:
    """Counts the bytes of one download for pooch, shows them, and stops one that is too long."""

    def __init__(self, remote: RemoteFile, bars: Progress | None) -> None:
        self._remote = remote
        self._bars = bars
        self._count = 0
        self._task = None if bars is None else bars.add_task(remote.name, total=remote.size)

    @property
    def total(self) -> int:
        """Bytes that the server announces; 0 where it does not."""
        return self._remote.size

    @total.setter
    def total(self, announced: int) -> None:
        if announced not in (0, self._remote.size):
            raise DownloadError(f"offers {announced:,} bytes, expected {self._remote.size:,} bytes")

    def update(self, count: int) -> None:
        """Count ``count`` more bytes (pooch rounds the last chunk up)."""
        self._count += count
        if self._count >= self._remote.size + _CHUNK:
            raise DownloadError(f"sends more than the {self._remote.size:,} bytes expected")
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=min(self._count, self._remote.size))

    def reset(self) -> None:
        """Start counting again; pooch does so before it reports the whole."""
        self._count = 0

    def close(self) -> None:
        """Take an unfinished bar away."""
        if self._bars is not None and self._task is not None and self._count < self._remote.size:
            self._bars.remove_task(self._task)
            self._task = None


@contextmanager
def _progress(wanted: bool | None) -> Iterator[Progress | None]:
    """Progress bars on standard error, or None where lines are better."""
    from rich.console import Console

    console = Console(stderr=True)
    if not (wanted or (wanted is None and (console.is_terminal or console.is_jupyter))):
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console) as bars:
        yield bars


def _unpack(info: DatasetInfo, work: Path, ready: Path, root: Path) -> None:
    """Write the data set's own files, and no other, out of a downloaded archive."""
    (remote,) = info.remote
    wanted = [f"{info.folder}/{name}" for name in info.files]
    members = read_tar_members(work / remote.name, wanted)
    for name, content in members.items():
        with _writing(root):
            (ready / name).write_bytes(content)
        found = file_checksum(ready / name, "sha256")
        if found != info.checksums[name]:
            raise CorruptDataError(
                f"{remote.name}: expected {name} in it with {info.checksums[name]}, got {found}; "
                "the mirror's file is not the published one: try another"
            )


def _publish(ready: Path, final: Path) -> None:
    """Move a whole folder to its place, or its files into a folder that is there already."""
    for file in ready.iterdir():  # pooch makes them readable to their owner only
        file.chmod(0o644)
    try:
        ready.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        for file in sorted(ready.iterdir()):
            file.replace(final / file.name)
