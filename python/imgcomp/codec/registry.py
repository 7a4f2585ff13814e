"""Where codecs are found: in the package, in folders of one's own, in files; by name or hash."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from imgcomp.codec.codec import Codec
from imgcomp.errors import CheckpointError, UnknownCodecError, UsageError

SHIPPED = Path(__file__).parent / "shipped"
FOLDERS_VARIABLE = "IMGCOMP_CODECS"
_SUFFIX = ".safetensors"


def names() -> list[str]:
    """The codecs that :func:`load` finds by name: those of the package, and of IMGCOMP_CODECS."""
    return sorted(_files())


def load(name_or_path: str | Path) -> Codec:
    """A codec by its name, or from a file of :meth:`Codec.save`.

    Names are those of the files, without ``.safetensors``, that the package brings and that lie in
    the folders which the environment variable ``IMGCOMP_CODECS`` lists (as PATH does); these come
    first. Anything with a slash or that ending is a path.

    Raises:
        FileNotFoundError: there is no such file.
        UsageError: there is no codec of that name; lists those that there are.
        CheckpointError: the file is truncated, altered, or holds no codec.
    """
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, Path) or os.sep in text or text.endswith(_SUFFIX):
        return Codec.load(Path(text).expanduser())
    found = _files().get(text)
    if found is None:
        raise UsageError(
            f"there is no codec {text!r}; there are {', '.join(names()) or 'none'} "
            f"({FOLDERS_VARIABLE} may list folders with others, a path names a file)"
        )
    return Codec.load(found)


def find(digest: str, name: str) -> Codec:
    """The codec that a file was written with.

    Args:
        digest: its hash, see :attr:`Codec.digest`.
        name: what the file calls it.

    Raises:
        UnknownCodecError: it is not here.
    """
    files = _files()
    # The one of that name first: the others need not be read then.
    for each in sorted(files, key=lambda other: (other != name, other)):
        try:
            if _digest_once(*_version(files[each])) == digest:
                return Codec.load(files[each])
        except (CheckpointError, OSError):
            continue  # somebody else's file in a folder of codecs
    raise UnknownCodecError(
        f"written with the codec {name or 'without a name'!r} of hash {digest[:16]}…, which is "
        f"neither in this imgcomp nor in {FOLDERS_VARIABLE}; give it by its file"
    )


def for_shape(shape: tuple[int, ...]) -> Codec:
    """The package's codec for images of a shape (C, H, W): made for it, or for any size.

    Raises:
        UsageError: it has none; says what it has.
    """
    known, for_any = {}, None
    for path in sorted(SHIPPED.glob(f"*{_SUFFIX}"), key=lambda each: each.stem):
        own, any_size = _takes_once(*_version(path))
        if own == tuple(shape):
            return Codec.load(path)
        if any_size and own[0] == shape[0]:
            for_any = for_any or path
        known[path.stem] = "×".join(map(str, own))
    if for_any is not None:
        return Codec.load(for_any).for_images(*shape[1:])
    listed = ", ".join(f"{name} takes {sizes}" for name, sizes in known.items())
    raise UsageError(
        f"no codec of the package takes images of {'×'.join(map(str, shape))} "
        f"(channels×height×width): {listed or 'there is none'}; name one of your own"
    )


def _files() -> dict[str, Path]:
    folders = os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)
    places = [Path(folder).expanduser() for folder in folders if folder]
    found: dict[str, Path] = {}
    for place in (*places, SHIPPED):
        for path in sorted(place.glob(f"*{_SUFFIX}")):
            found.setdefault(path.stem, path)
    return found


def _version(path: Path) -> tuple[Path, int, int]:
    """A file as it is now: what is known of it holds until it is another one."""
    status = path.stat()
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _digest_once(path: Path, _time: int, _size: int) -> str:
    return Codec.load(path).digest


@lru_cache(maxsize=256)
def _takes_once(path: Path, _time: int, _size: int) -> tuple[tuple[int, int, int], bool]:
    """The shape of a codec's images, and whether it takes those of other sizes."""
    codec = Codec.load(path)
    return codec.image_shape, codec.any_size
