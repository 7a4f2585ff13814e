import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from dataset_files import python2_pickle
from hypothesis import given
from hypothesis import strategies as st

from imgcomp.datasets._safe_pickle import load_batch
from imgcomp.errors import CorruptDataError

PATH = Path("data_batch_1")
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
BATCH = {"data": PIXELS, "labels": [1, 2, 3]}
# Written by Python 2.7 with NumPy 1.x: cPickle.dumps({'data': ..., 'labels': [1, 2, 3]}, 2),
# put together here from the opcodes of the pickle format.
PYTHON2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04"
    b"K\x00\x85U\x01b\x87Rq\x05(K\x01K\x03K\x04\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x0c"
    + bytes(range(12))
    + b"tbU\x06labelsq\x08]q\x09(K\x01K\x02K\x03eu."
)


def load(data, keys=("data", "labels")):
    return load_batch(PATH, data, keys)


def test_literal_pickle_of_python_2():
    batch = load(PYTHON2)
    assert batch["data"].tolist() == PIXELS.tolist()
    assert batch["data"].dtype == np.uint8
    assert batch["labels"] == [1, 2, 3]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", ["C", "F"])
def test_pickles_of_python_3(protocol, order):
    batch = {"data": np.asarray(PIXELS, order=order), "labels": [1, 2, 3]}
    found = load(pickle.dumps(batch, protocol))
    assert found["data"].tolist() == PIXELS.tolist()
    assert found["labels"] == [1, 2, 3]


def test_the_old_module_names_of_numpy():
    data = pickle.dumps(BATCH, 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert load(data)["data"].tolist() == PIXELS.tolist()


class _Attack:
    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "attack",
    [
        _Attack(os.system, "touch pwned"),
        _Attack(eval, "open('pwned', 'w')"),
        _Attack(getattr, os, "system"),
        _Attack(np.load, "pwned"),
        _Attack(Path, "pwned"),
    ],
    ids=["system", "eval", "getattr", "numpy.load", "pathlib"],
)
def test_nothing_in_a_pickle_is_run(monkeypatch, tmp_path, protocol, attack):
    monkeypatch.chdir(tmp_path)
    try:
        data = pickle.dumps({**BATCH, "labels": attack}, protocol)
    except Exception:  # modules cannot be pickled: write the call by hand
        data = b"\x80\x02cbuiltins\ngetattr\nK\x00K\x01\x86R."
    with pytest.raises(CorruptDataError, match=r"names [\w.]+, which image data do not need"):
        load(data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "data_batch_1: expected an intact pickled batch"),
        (PYTHON2[:-1], "intact pickled batch"),
        (PYTHON2[:100], "pickled batch"),
        (b"not a pickle at all", "pickled batch"),
        (pickle.dumps([1, 2]), "expected a dictionary, got list"),
        (pickle.dumps({"data": PIXELS}), "expected an entry 'labels', got .'data'."),
        (pickle.dumps({"data": PIXELS.astype(np.float32), "labels": []}), "array of type u1"),
        (pickle.dumps({"data": PIXELS.astype(object), "labels": []}), "array of type u1"),
        (pickle.dumps({"data": PIXELS.astype(np.int8), "labels": []}), "array of type u1"),
        (
            PYTHON2.replace(b"K\x03K\x04\x86", b"K\x03K\x05\x86"),
            r"expected \(3, 5\) values, got 12",
        ),
        (PYTHON2.replace(b"K\x03K\x04\x86", b"K\x03U\x00\x86"), "expected an array shape"),
        (PYTHON2.replace(b"K\x03K\x04\x86", b"K\x03N\x86"), "expected an array shape"),
        # Shape of 2**31 - 1 squared: nothing is allocated for it.
        (
            PYTHON2.replace(b"K\x03K\x04\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"),
            "values, got 12",
        ),
        # numpy.ndarray called with a shape, which NumPy would allocate.
        (b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x85R.", "calls ndarray in an unexpected"),
        # An attribute set on a stand-in.
        (b"\x80\x02cnumpy\ndtype\n}U\x01xK\x01sb.", "tries to change dtype"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "pickled batch"),  # NEWOBJ
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aU\x03hex\x86R.", "calls encode"),
        # Lengths that the file does not have.
        (b"\x80\x05\x96" + struct.pack("<Q", 1 << 50) + b"abc", "intact pickled batch"),
        (b"\x80\x05\x8e" + struct.pack("<Q", 1 << 50) + b"abc", "intact pickled batch"),
        (b"\x80\x05\x95" + struct.pack("<Q", 1 << 50) + b"abc", "pickled batch"),
        # A memo number that the unpickler in C would allocate 32 GiB for.
        (b"\x80\x02K\x01r\xff\xff\xff\xff.", "expected a dictionary, got int"),
        (b"\x80\x02\x82\x01.", "pickled batch"),  # extension registry
        (b"\x80\x02U\x01xQ.", "pickled batch"),  # persistent id
        (b"\x80\x02" + b"(" * 100_000 + b".", "pickled batch"),
        (b"\x80\x02" + b"]" * 5 + b"a" * 4 + b".", "expected a dictionary, got list"),
    ],
)
def test_a_broken_or_wicked_pickle_is_refused(data, text):
    with pytest.raises(CorruptDataError, match=text) as caught:
        load(data)
    message = str(caught.value)
    assert message.startswith("data_batch_1: ")
    assert "replace the file" in message
    assert "\n" not in message


@given(st.integers(0, len(PYTHON2) - 1), st.integers(0, 255))
def test_any_changed_byte_gives_a_batch_or_a_clear_error(place, value):
    data = bytearray(PYTHON2)
    data[place] = value
    try:
        batch = load(bytes(data))
    except CorruptDataError:
        return
    assert set(batch) == {"data", "labels"}


@given(st.binary(max_size=60))
def test_any_bytes_give_a_clear_error(tail):
    with pytest.raises(CorruptDataError):
        load(b"\x80\x02" + tail)


def test_the_stand_ins_keep_no_trace():
    with pytest.raises(CorruptDataError):
        load(b"\x80\x02cnumpy\ndtype\nN}U\x05_nameU\x06encodes\x86b.")
    assert load(PYTHON2)["data"].tolist() == PIXELS.tolist()


def test_python2_pickler_of_the_tests_writes_what_python_2_wrote():
    batch = load(python2_pickle({b"data": PIXELS, b"labels": [1, 2, 3]}))
    assert batch["data"].tolist() == PIXELS.tolist()
