import gzip
import os
import resource
import struct
import zlib

import numpy as np
import pytest
from dataset_files import idx_bytes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from imgcomp.datasets import read_idx
from imgcomp.errors import CorruptDataError, DatasetError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
# Written out by hand: magic 0x00000803, sizes 2, 3, 4, then the values.
LITERAL = bytes.fromhex("00000803 00000002 00000003 00000004") + bytes(range(24))


def packed_at_0(content):
    """Gzip-compressed, the same at any time: names of tests are made of it."""
    return gzip.compress(content, mtime=0)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "train-images-idx3-ubyte"
        path.write_bytes(content)
        return path

    return write


def test_literal_file(write):
    array = read_idx(write(LITERAL), 3)
    assert array.dtype == np.uint8
    assert array.tolist() == IMAGES.tolist()
    assert array[1, 2, 3] == 23


def test_gzip_is_told_by_content_not_by_name(write):
    assert read_idx(write(packed_at_0(LITERAL))).tolist() == IMAGES.tolist()
    assert read_idx(write(packed_at_0(LITERAL) + bytes(512))).tolist() == IMAGES.tolist()


@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9)),
    st.booleans(),
)
def test_round_trip(tmp_path_factory, array, packed):
    path = tmp_path_factory.mktemp("idx") / "file"
    content = idx_bytes(array)
    path.write_bytes(packed_at_0(content) if packed else content)
    back = read_idx(path, array.ndim)
    assert back.shape == array.shape
    assert (back == array).all()


@given(st.data())
def test_any_cut_is_noticed(tmp_path_factory, data):
    content = data.draw(st.sampled_from([LITERAL, packed_at_0(LITERAL)]))
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(CorruptDataError, match=str(path)):
        read_idx(path, 3)


@given(st.integers(0, 200), st.integers(1, 255))
def test_any_flip_in_a_gzip_file_is_noticed_or_harmless(tmp_path_factory, place, flip):
    content = bytearray(packed_at_0(LITERAL))
    content[place % len(content)] ^= flip
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(content)
    try:
        array = read_idx(path, 3)
    except CorruptDataError:
        return
    assert array.tolist() == IMAGES.tolist()  # a flip in a field that means nothing here


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"\0\0", "should be 0x00000803, got 0x0000"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "got 0x89504e47"),
        (b"\0\0\x08\x01" + LITERAL[4:], "should be 0x00000803, got 0x00000801"),
        (b"\0\0\x0d\x03" + LITERAL[4:], "got 0x00000d03"),  # floats
        (b"\0\1\x08\x03" + LITERAL[4:], "got 0x00010803"),
        (LITERAL[:10], "header of 16 bytes, the file ends after 10"),
        (LITERAL[:-1], "24 bytes were expected, but the file holds 23"),
        (LITERAL + b"x", "24 bytes were expected, but the file holds 25"),
        (packed_at_0(LITERAL)[:-1], "ends after 24 .cut short"),
        (packed_at_0(LITERAL)[:-20], "whole gzip file of 24 values, but it ends after"),
        (packed_at_0(LITERAL[:-1]), "24 bytes were expected, but the file holds 23"),
        (packed_at_0(LITERAL + b"x"), "24 bytes were expected, but the file holds"),
        (packed_at_0(LITERAL + bytes(10**6)), "24 bytes were expected, but the file holds more"),
        (packed_at_0(LITERAL) + b"more", "4 more bytes follow"),
        (packed_at_0(b""), "an empty file"),
        (packed_at_0(LITERAL[:10]), "the file ends after 10"),
        (b"\x1f\x8b" + bytes(30), "decompression failed"),
    ],
)
def test_a_broken_file_is_refused(write, content, text):
    path = write(content)
    with pytest.raises(CorruptDataError, match=text) as caught:
        read_idx(path, 3)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "expected" in message
    assert "replace" in message
    assert "\n" not in message


def test_a_wrong_check_sum_of_gzip_is_noticed(write):
    content = bytearray(packed_at_0(LITERAL))
    content[-8] ^= 1
    with pytest.raises(CorruptDataError, match="incorrect data check"):
        read_idx(write(content), 3)


@pytest.mark.parametrize("sizes", [(0xFFFFFFFF,) * 3, (1 << 31, 28, 28), (10**6, 10**3, 10**3)])
@pytest.mark.parametrize("packed", [False, True])
def test_an_absurd_count_allocates_nothing(write, sizes, packed):
    content = b"\0\0\x08\x03" + struct.pack(">3I", *sizes) + bytes(2000)
    path = write(packed_at_0(content) if packed else content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorruptDataError, match="its header announces"):
        read_idx(path, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_bomb_is_stopped_at_the_announced_size(write):
    # 60 MB of zeros in 60 kB, behind a header that announces 24 values.
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(LITERAL) + packer.compress(bytes(60_000_000)) + packer.flush()
    path = write(bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorruptDataError, match="holds more"):
        read_idx(path, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_five_dimensions_are_refused(write):
    with pytest.raises(CorruptDataError, match="0x00000801 to 0x00000804, got 0x00000805"):
        read_idx(write(b"\0\0\x08\x05" + bytes(20)))


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(DatasetError, match=r"none: cannot be read .No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(DatasetError, match=r"cannot be read .Is a directory"):
        read_idx(tmp_path)


def test_a_huge_sparse_file_is_not_read(write):
    path = write(b"")
    os.truncate(path, 1 << 40)
    with pytest.raises(DatasetError, match=r"at most 4\.0 GiB, got 1024\.0 GiB"):
        read_idx(path)
