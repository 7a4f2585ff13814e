"""What is in an ``.imc`` file, and where its bytes are."""

from __future__ import annotations

from typing import Any

from imgcomp.codec.archive import Archive
from imgcomp.errors import UnknownCodecError


def describe(archive: Archive) -> dict[str, Any]:
    """What ``imgcomp info`` prints, JSON-able; every block is read, none decoded.

    Raises:
        CorruptStreamError: the file is damaged.
    """
    blocks = [archive.block(i) for i in range(archive.num_blocks)]
    coded = sum(len(block.stream) for block in blocks)
    pixels = len(archive) * archive.shape[1] * archive.shape[2]
    try:
        here = archive.codec is not None
    except UnknownCodecError:
        here = False
    found: dict[str, Any] = {
        "images": len(archive),
        "shape": list(archive.shape),
        "codec": archive.codec_name,
        "codec_hash": archive.digest,
        "codec_is_here": here,
        "bytes": archive.num_bytes,
        "bytes_coded": coded,
        "bytes_codec": archive.embedded,
        "blocks": archive.num_blocks,
    }
    if len(archive):
        found["bytes_per_image"] = archive.num_bytes / len(archive)
        found["bits_per_pixel"] = 8 * archive.num_bytes / pixels
        found["bits_per_pixel_coded"] = 8 * coded / pixels
    if archive.quality:
        found["quality"] = archive.quality
    if archive.iterations:
        found["iterations"] = archive.iterations
    found |= {"labels": archive.has_labels, "names": archive.has_names}
    return {**found, "metadata": dict(archive.metadata)}
