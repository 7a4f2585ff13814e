"""Fuzzes the reader of .imc files with atheris (libFuzzer for Python): images or one kind of error.

    pip install atheris
    python tools/fuzz_archives.py [CORPUS] [-max_total_time=600 …]

An input is a list of chunk contents, which get right check sums and a right end, so that what lies
behind the check sums is reached. Options are libFuzzer's; what it finds is written to crash-….
Decoders in C++ have a target of their own, cpp/fuzz.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["imgcomp.codec"]):
    from imgcomp import codec
    from imgcomp.codec._wire import chunk, chunk_size, open_chunk
    from imgcomp.codec.container import PREFIX

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
_spec = importlib.util.spec_from_file_location("archives", GOLDEN / "archives.py")
assert _spec is not None
assert _spec.loader is not None
archives = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(archives)

FROZEN = archives.frozen()
# Those of the frozen files, for files without one, and none, for files with their own.
CODECS = (*(made_with for made_with, _, _ in FROZEN.values()), None)
MOST = 2**26
"""Values that a file of at most some thousand bytes may be decoded to."""


def packed(data: bytes, which: int) -> bytes:
    """A good file as an input of the fuzzer."""
    parts, at = [bytes([which])], len(PREFIX)
    while at < len(data) - 8:
        size = chunk_size(data[at:])
        kind, content = open_chunk(data[at : at + size], "it")
        parts.append(kind + struct.pack("<H", len(content)) + content)
        at += size
    return b"".join(parts)


def unpacked(data: bytes) -> bytes:
    """The file of an input; an index that fits the blocks is put in where it says so."""
    file, at, last = [], 1, b""
    while at + 3 <= len(data):
        (size,) = struct.unpack_from("<H", data, at + 1)
        last = chunk(data[at : at + 1], data[at + 3 : at + 3 + size])
        file.append(last)
        at += 3 + size
    return PREFIX + b"".join(file) + struct.pack("<I", len(last)) + b"\x1aEND"


def one_input(data: bytes) -> None:
    """Reads one file whole."""
    if not data:
        return
    try:
        with codec.open(unpacked(data), codec=CODECS[data[0] % len(CODECS)]) as archive:
            if len(archive) * archive.header.values > MOST:
                return
            archive.verify()
            assert len(archive.labels if archive.has_labels else archive) == len(archive)
            assert len(archive.names or archive) == len(archive)
    except codec.CorruptStreamError:
        pass


def main() -> None:
    """Begins with the frozen files."""
    arguments = sys.argv
    if len(arguments) > 1 and not arguments[1].startswith("-"):
        corpus = Path(arguments[1])
        corpus.mkdir(exist_ok=True)
        for which, (name, (made_with, images, options)) in enumerate(FROZEN.items()):
            plain = {**options, "embed_model": False}
            files = (made_with.compress(images, **options), made_with.compress(images, **plain))
            for i, data in enumerate(files):
                (corpus / f"{name}-{i}").write_bytes(packed(data, which if i else len(FROZEN)))
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
