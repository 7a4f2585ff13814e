"""What is refused in a folder of pictures, and with what words."""

import os
import struct

import numpy as np
import pytest
from picture_files import COLOUR, GRAY, png, save
from PIL import Image

from imgcomp.datasets import from_folder
from imgcomp.errors import CorruptDataError, DatasetError, DatasetNotFoundError


def test_mixed_sizes(tmp_path):
    first = save(tmp_path / "a" / "1.png", GRAY)
    second = save(tmp_path / "b" / "1.png", GRAY.T.copy())
    with pytest.raises(
        DatasetError, match=rf"{second}: expected 3x4 .* as {first} has, got 4x3; say size="
    ):
        from_folder(tmp_path)


@pytest.mark.parametrize(
    ("depth", "colour", "bytes_per_pixel"), [(16, 2, 6), (16, 6, 8), (16, 4, 4)]
)
def test_png_colour_of_16_bits(tmp_path, depth, colour, bytes_per_pixel):
    rows = [b"\xff" * bytes_per_pixel] * 2
    path = tmp_path / "1.png"
    path.write_bytes(png(1, 2, depth, colour, rows))
    with pytest.raises(
        DatasetError, match=f"{path}: expected 8 bits for each colour channel, got 16"
    ):
        from_folder(tmp_path)


def test_ppm_colour_of_16_bits(tmp_path):
    path = tmp_path / "1.ppm"
    path.write_bytes(b"P6\n# a note\n1 1\n65535\n" + b"\1\2\3\4\5\6")
    with pytest.raises(DatasetError, match=f"{path}: expected 8 bits for each colour channel"):
        from_folder(tmp_path)


def test_tiff_colour_of_16_bits(tmp_path):
    path = tmp_path / "1.tif"
    entries = [
        (256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 3, 200), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 220), (277, 3, 1, 3), (278, 3, 1, 1), (279, 4, 1, 6),
    ]  # fmt: skip
    body = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack("<HHII", tag, kind, count, value)
    body += struct.pack("<I", 0)
    body = body.ljust(200, b"\0") + struct.pack("<3H", 16, 16, 16)
    path.write_bytes(body.ljust(220, b"\0") + b"\1\2\3\4\5\6")
    with pytest.raises(DatasetError, match=str(path)):
        from_folder(tmp_path)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("CMYK", "jpg"), ("CMYK", "tif"), ("F", "tif"), ("I", "tif"), ("LAB", "tif")],
)
def test_other_kinds_of_pixels(tmp_path, mode, suffix):
    source = Image.fromarray(COLOUR)
    if mode == "LAB":
        from PIL import ImageCms

        source = ImageCms.profileToProfile(
            source, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
        path = save(tmp_path / f"1.{suffix}", source)
    else:
        path = save(tmp_path / f"1.{suffix}", source, mode)
    with pytest.raises(
        DatasetError, match=f"{path}: expected gray, palette, RGB or RGBA .* {mode}"
    ):
        from_folder(tmp_path)


@pytest.mark.parametrize("suffix", ["gif", "png", "tif", "webp"])
def test_several_frames(tmp_path, suffix):
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    path = tmp_path / f"1.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(DatasetError, match=f"{path}: expected a single picture, got 2 frames"):
        from_folder(tmp_path)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "webp", "bmp", "pgm"])
def test_any_cut_is_noticed(tmp_path, suffix):
    noise = np.random.default_rng(1).integers(0, 256, (24, 24), dtype=np.uint8)
    path = save(tmp_path / f"1.{suffix}", noise)
    whole = path.read_bytes()
    for share in (0.0, 0.1, 0.4, 0.7):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DatasetError, match=str(path)) as caught:
            from_folder(tmp_path)
        assert "\n" not in str(caught.value)


def test_what_is_no_picture(tmp_path):
    path = tmp_path / "1.png"
    path.write_text("<html>404</html>")
    with pytest.raises(CorruptDataError, match=f"{path}: expected a picture, but it is none"):
        from_folder(tmp_path)


def test_a_broken_png_checksum(tmp_path):
    path = save(tmp_path / "1.png", GRAY)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=f"{path}: expected an intact picture"):
        from_folder(tmp_path)


def test_a_picture_that_announces_an_absurd_size(tmp_path):
    path = tmp_path / "1.png"
    path.write_bytes(png(60_000, 60_000, 8, 0, [b"\0"]))
    with pytest.raises(DatasetError, match=f"{path}: expected a picture of a reasonable size"):
        from_folder(tmp_path)
    path.write_bytes(png(11_000, 11_000, 8, 0, [b"\0"]))  # over Pillow's limit for a warning
    with pytest.raises(DatasetError, match=f"{path}: expected a picture of a reasonable size"):
        from_folder(tmp_path)


def test_another_kind_of_file_is_named(tmp_path):
    save(tmp_path / "a" / "1.png", GRAY)
    (tmp_path / "a" / "2.heic").write_bytes(b"?")
    with pytest.raises(DatasetError, match=r"2.heic: expected pictures .* and notes only"):
        from_folder(tmp_path)


def test_pictures_beside_class_folders(tmp_path):
    save(tmp_path / "a" / "1.png", GRAY)
    save(tmp_path / "1.png", GRAY)
    with pytest.raises(DatasetError, match=r"got both \(1.png and a/\)"):
        from_folder(tmp_path)


def test_folders_within_a_class(tmp_path):
    save(tmp_path / "a" / "more" / "1.png", GRAY)
    with pytest.raises(DatasetError, match="a/more: expected pictures only in the class folder a"):
        from_folder(tmp_path)


def test_an_empty_class_folder(tmp_path):
    save(tmp_path / "a" / "1.png", GRAY)
    (tmp_path / "b").mkdir()
    with pytest.raises(DatasetError, match="b: expected pictures in every class folder, got none"):
        from_folder(tmp_path)


def test_an_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match=f"{tmp_path}: expected pictures, got none"):
        from_folder(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="there is nothing"):
        from_folder(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetNotFoundError, match="there is a file"):
        from_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"channels": 2}, "channels to be 1, 3 or None, got 2"),
        ({"size": (0, 5)}, "size=.height, width. of at least 1"),
        ({"size": (5,)}, "size=.height, width."),
        ({"background": (0, 0, 256)}, "from 0 to 255"),
        ({"background": (0, 0)}, "red, green, blue"),
        ({"test_fraction": 1}, "test_fraction < 1"),
    ],
)
def test_options_that_make_no_sense(tmp_path, options, text):
    save(tmp_path / "1.png", GRAY)
    with pytest.raises(DatasetError, match=text):
        from_folder(tmp_path, **options)


def test_a_file_that_may_not_be_read(tmp_path):
    path = save(tmp_path / "1.png", GRAY)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the superuser may read everything")
    with pytest.raises(DatasetError, match=f"{path}: .*Permission denied"):
        from_folder(tmp_path)
