"""Writes the embedded data set's files from scikit-learn's bundled copy of the digits.

Run once, and again only to see that the same files come out::

    python tools/make_digits.py [FOLDER]
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

DEFAULT = Path(__file__).parents[1] / "python" / "imgcomp" / "datasets" / "digits"


def idx(values: npt.NDArray[np.uint8]) -> bytes:
    """The array as an IDX file of unsigned bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes()


def main(folder: Path) -> None:
    """Write images and labels, each as gzip-compressed IDX without a time stamp."""
    digits = load_digits()
    images = digits.images.astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    assert (images == digits.images).all()
    assert images.shape == (1797, 8, 8)
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"digits-{name}-ubyte.gz"
        path.write_bytes(gzip.compress(idx(values), compresslevel=9, mtime=0))
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
