"""Reads the pickled batches of CIFAR's Python version without running anything found in them.

A pickle is a program: loading one with `pickle.load` may run any code. Here every global that it
names must be one of the few that NumPy arrays need, and each of those is answered by a stand-in
that only records what it is given; no NumPy object is built before its size has been checked.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from imgcomp.errors import CorruptDataError

__all__ = ["load_batch"]


class _Array:
    """Stands for a NumPy array: takes its pickled state, then gives a checked uint8 array."""

    __slots__ = ("_data", "_dtype", "_fortran", "_shape")

    def __init__(self) -> None:
        self._shape: tuple[Any, ...] = ()
        self._dtype: Any = None
        self._fortran: Any = False
        self._data: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._shape, self._dtype, self._fortran, self._data = state[-4:]

    def array(self) -> npt.NDArray[np.uint8]:
        """The array, if it is one of bytes in C or Fortran order whose data fit its shape."""
        data = self._data.encode("latin-1") if isinstance(self._data, str) else self._data
        if not isinstance(self._dtype, _Dtype) or not isinstance(data, bytes | bytearray):
            raise ValueError("expected an array of bytes")
        if not all(isinstance(s, int) and s >= 0 for s in self._shape):
            raise ValueError(f"expected an array shape, got {self._shape}")
        if math.prod(self._shape) != len(data):
            raise ValueError(f"expected {self._shape} values, got {len(data):,}")
        return np.frombuffer(data, np.uint8).reshape(
            self._shape, order="F" if self._fortran else "C"
        )


class _Dtype:
    """Stands for a NumPy data type, of which only unsigned bytes are taken."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        """Byte order and alignment mean nothing for single bytes."""


class _Global:
    """Stands for a global that a pickle may call; it has no attributes that could be changed."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError(f"tries to change {self._name}")

    def __call__(self, *args: Any) -> Any:
        if self._name == "_reconstruct":
            return _Array()
        if self._name == "_frombuffer":  # what NumPy writes with pickle protocol 5
            data, dtype, shape, order = args
            array = _Array()
            array.__setstate__((shape, dtype, order == "F", data))
            return array
        if self._name == "dtype":
            if args[0] not in ("u1", b"u1", "|u1", b"|u1"):
                raise pickle.UnpicklingError(f"expected an array of type u1, got {args[0]!r}")
            return _Dtype()
        if self._name == "encode" and len(args) == 2 and args[1] in ("latin1", b"latin1"):
            return str(args[0]).encode("latin-1")
        raise pickle.UnpicklingError(f"calls {self._name} in an unexpected way")


_GLOBALS = {
    (module, name): _Global(name)
    for core in ("numpy.core", "numpy._core")
    for module, name in (
        (f"{core}.multiarray", "_reconstruct"),
        (f"{core}.numeric", "_frombuffer"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    )
}


# The unpickler in Python, not the one in C: that one allocates from numbers found in the file.
class _Unpickler(pickle._Unpickler):
    """Refuses every global but those of `_GLOBALS`."""

    read: Callable[[int], bytes]
    append: Callable[[Any], None]

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"names {module}.{name}, which image data do not need"
            ) from None

    def load_bytearray8(self) -> None:
        """Read what is there before making room for what the file announces."""
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }


def load_batch(path: Path, data: bytes, keys: tuple[str, ...]) -> dict[str, Any]:
    """Take the named entries out of a pickled dictionary as CIFAR's Python version holds.

    Args:
        path: File that the bytes come from, for messages.
        data: The pickle, of Python 2 or 3 and any protocol.
        keys: Entries wanted, such as ``("data", "labels")``.

    Returns:
        The entries by name; arrays as uint8 NumPy arrays, lists as they are.

    Raises:
        CorruptDataError: If the pickle is cut short, names anything that image data do not need,
            or lacks an entry.
    """
    try:
        batch = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        if not isinstance(batch, dict):
            raise ValueError(f"expected a dictionary, got {type(batch).__name__}")
        batch = {k.decode("latin-1") if isinstance(k, bytes) else k: v for k, v in batch.items()}
        missing = [k for k in keys if k not in batch]
        if missing:
            raise ValueError(f"expected an entry {missing[0]!r}, got {sorted(map(str, batch))}")
        found = {k: batch[k] for k in keys}
        return {k: v.array() if isinstance(v, _Array) else v for k, v in found.items()}
    except Exception as error:  # a pickle can make its reader fail in any way there is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorruptDataError(
            f"{path}: expected a pickled batch of CIFAR's Python version, but it {reason}; "
            "replace the file"
            if isinstance(error, pickle.UnpicklingError)
            else f"{path}: expected an intact pickled batch of CIFAR's Python version ({reason}); "
            "replace the file"
        ) from error
