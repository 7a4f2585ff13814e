"""Where the coded image is in ordinary files: on files of real encoders, and on bytes by hand."""

from __future__ import annotations

import pytest
import torch
from rd_tools import digits, smooth

from imgcomp.errors import CorruptStreamError
from imgcomp.rd import file_parts, ordinary


def files(family, images):
    """Codec, image, setting and file of every variant at a coarse and a fine setting."""
    for codec in ordinary.rivals(family, images.shape[1]):
        for setting in {codec.settings[0], codec.settings[-2 % len(codec.settings)]}:
            for image in images:
                yield codec, image, setting, codec.encode(image, setting)


@pytest.mark.parametrize("images", [digits(2), smooth(2)], ids=["gray", "colour"])
def test_jpeg_is_header_scan_and_end_mark(images):
    for codec, image, setting, data in files("jpeg", images):
        head = data.index(b"\xff\xda")
        head += 2 + int.from_bytes(data[head + 2 : head + 4], "big")
        assert data[-2:] == b"\xff\xd9"
        assert head + codec.payload_bytes(data, image, setting) + 2 == len(data)


def test_jpeg_scans_of_a_progressive_file_add_up():
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    pixels = smooth(1, 1, 64)[0, 0].numpy()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90, progressive=True)
    data = buffer.getvalue()
    assert data.count(b"\xff\xda") > 1
    at = [i for i in range(len(data)) if data[i : i + 2] == b"\xff\xda"]
    # Between scans there are Huffman tables alone, whose lengths are written down.
    coded = 0
    for begin in at:
        begin += 2 + int.from_bytes(data[begin + 2 : begin + 4], "big")
        end = begin
        while not (data[end] == 0xFF and data[end + 1] in (0xC4, 0xDA, 0xD9)):
            end += 1
        coded += end - begin
    assert file_parts.jpeg_scan(data) == coded


def test_jpeg_stuffing_and_restart_marks_belong_to_the_scan():
    head = b"\xff\xd8" + b"\xff\xdb\x00\x04\x01\x02" + b"\xff\xda\x00\x03\x00"
    scan = b"\x01\xff\x00\x02\xff\xd3\x03"
    assert file_parts.jpeg_scan(head + scan + b"\xff\xd9") == len(scan)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x03\x00\x01\x02", b"\xff\xd8ab"]
)
def test_jpeg_that_is_cut_or_none(data):
    with pytest.raises(CorruptStreamError, match="JPEG"):
        file_parts.jpeg_scan(data)


@pytest.mark.parametrize("images", [digits(2), smooth(2)], ids=["gray", "colour"])
def test_webp_is_its_heads_and_the_image(images):
    for codec, image, setting, data in files("webp", images):
        coded = codec.payload_bytes(data, image, setting)
        # RIFF and its length, WEBP, the chunk's name and length; then what is in the clear.
        kind, clear = (b"VP8L", 5) if codec.lossless else (b"VP8 ", 10)
        size = int.from_bytes(data[16:20], "little")
        assert data[12:16] == kind
        assert coded + clear == size
        assert 20 + size + size % 2 == len(data)
        sides = data[26:30] if kind == b"VP8 " else data[21:23]
        assert int.from_bytes(sides[:2], "little") & 0x3FFF == image.shape[2] - (kind == b"VP8L")


def test_webp_counts_no_other_chunk():
    chunk = b"VP8X" + (10).to_bytes(4, "little") + bytes(10)
    alpha = b"ALPH" + (3).to_bytes(4, "little") + bytes(4)  # an odd length is padded
    image = b"VP8 " + (16).to_bytes(4, "little") + bytes(16)
    body = b"WEBP" + chunk + alpha + image
    data = b"RIFF" + len(body).to_bytes(4, "little") + body
    assert file_parts.webp_image(data) == 6
    with pytest.raises(CorruptStreamError, match="without a VP8"):
        file_parts.webp_image(data[:-24])
    with pytest.raises(CorruptStreamError, match="expected a WebP file"):
        file_parts.webp_image(b"RIFX" + data[4:])


@pytest.mark.parametrize("images", [digits(1), smooth(1)], ids=["gray", "colour"])
def test_avif_ends_with_its_mdat_box(images):
    for codec, image, setting, data in files("avif", images):
        coded = codec.payload_bytes(data, image, setting)
        assert 0 < coded < len(data)
        assert data[-coded - 8 : -coded] == (coded + 8).to_bytes(4, "big") + b"mdat"


def test_avif_boxes_of_any_length_field():
    first = (16).to_bytes(4, "big") + b"ftypavif" + bytes(4)
    long = (1).to_bytes(4, "big") + b"mdat" + (21).to_bytes(8, "big") + bytes(5)
    open_ended = (0).to_bytes(4, "big") + b"mdat" + bytes(7)
    assert file_parts.avif_media(first + long + open_ended) == 5 + 7
    with pytest.raises(CorruptStreamError, match="expected an AVIF file"):
        file_parts.avif_media(first)
    with pytest.raises(CorruptStreamError, match="expected an AVIF file"):
        file_parts.avif_media(bytes(40))


@pytest.mark.parametrize("images", [digits(2), smooth(2)], ids=["gray", "colour"])
def test_png_is_fifty_seven_bytes_and_the_image(images):
    for codec, image, setting, data in files("png", images):
        assert codec.payload_bytes(data, image, setting) + 8 + 25 + 12 + 12 == len(data)
    with pytest.raises(CorruptStreamError, match="expected a PNG file"):
        file_parts.png_image(data[1:])


@pytest.mark.parametrize("images", [digits(2), smooth(2)], ids=["gray", "colour"])
def test_jpeg_xl_is_what_it_is_larger_than_a_flat_image(images):
    for codec, image, setting, data in files("jxl", images):
        flat = codec.encode(torch.full_like(image, 128), setting)
        assert codec.payload_bytes(flat, image, setting) == 0
        assert codec.payload_bytes(data, image, setting) == len(data) - len(flat) > 0
