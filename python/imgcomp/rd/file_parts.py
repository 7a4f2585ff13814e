"""Which bytes of an ordinary image file are the coded image, and which are its container.

Read from the files themselves, so that what is said of a file holds for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from imgcomp.errors import CorruptStreamError

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_ALONE = {0x01, _SOI, *range(0xD0, 0xD8)}
"""JPEG markers that no length follows."""


def jpeg_scan(data: bytes) -> int:
    """Bytes of a JPEG's entropy-coded scans: neither tables nor headers nor the end mark.

    Args:
        data: the file.

    Raises:
        CorruptStreamError: it is no whole JPEG file.
    """
    at, coded = 0, 0
    while at + 2 <= len(data):
        if data[at] != 0xFF:
            raise CorruptStreamError(f"expected a JPEG marker at byte {at}, got {data[at]:#04x}")
        marker = data[at + 1]
        at += 2
        if marker == _EOI:
            return coded
        if marker in _ALONE:
            continue
        at += int.from_bytes(data[at : at + 2], "big")
        if marker == _SOS:
            end = _scan_end(data, at)
            coded += end - at
            at = end
    raise CorruptStreamError(f"a JPEG file of {len(data)} bytes without its end mark")


def _scan_end(data: bytes, at: int) -> int:
    """Where the next marker is; zeros behind 0xFF and restart marks belong to the scan."""
    while (at := data.find(b"\xff", at)) >= 0:
        follows = data[at + 1] if at + 1 < len(data) else _EOI
        if follows != 0 and not 0xD0 <= follows < 0xD8:
            return at
        at += 2
    return len(data)


_WEBP_CLEAR = {b"VP8 ": 10, b"VP8L": 5}
"""Bytes in the clear at the beginning of a chunk's content: start code, width and height."""


def webp_image(data: bytes) -> int:
    """Bytes in a WebP file's VP8 or VP8L chunks, behind what stands there in the clear.

    The clear part says how large the image is, as JPEG's and PNG's headers do.

    Args:
        data: the file.

    Raises:
        CorruptStreamError: it is no WebP file of one image.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise CorruptStreamError(f"expected a WebP file, got one that begins with {data[:12]!r}")
    at, coded = 12, 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in _WEBP_CLEAR:
            coded += max(0, size - _WEBP_CLEAR[kind])
        at += 8 + size + size % 2
    if not coded:
        raise CorruptStreamError("a WebP file without a VP8 or VP8L chunk")
    return coded


def avif_media(data: bytes) -> int:
    """Bytes in an AVIF file's mdat boxes, without the boxes' own heads.

    Args:
        data: the file.

    Raises:
        CorruptStreamError: it is no AVIF file.
    """
    coded = sum(size for kind, size in _boxes(data) if kind == b"mdat")
    if data[4:8] != b"ftyp" or not coded:
        raise CorruptStreamError(f"expected an AVIF file, got one that begins with {data[:12]!r}")
    return coded


def _boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Kind and content bytes of each outermost box of an ISO media file."""
    at = 0
    while at + 8 <= len(data):
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:  # the length stands behind the kind, in 64 bits
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:  # up to the end
            size = len(data) - at
        if size < head:
            return
        yield data[at + 4 : at + 8], size - head
        at += size


def png_image(data: bytes) -> int:
    """Bytes in a PNG file's IDAT chunks, without the chunks' heads and check sums.

    Args:
        data: the file.

    Raises:
        CorruptStreamError: it is no PNG file.
    """
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise CorruptStreamError(f"expected a PNG file, got one that begins with {data[:8]!r}")
    at, coded = 8, 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            coded += size
        at += 12 + size
    return coded
