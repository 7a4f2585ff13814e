"""Data sets of small images as 8-bit tensors: published ones by name, and one's own.

Named data sets are looked for in the folder given, in IMGCOMP_DATA, in the user's cache
(IMGCOMP_CACHE), and are else downloaded, unless offline is asked for (IMGCOMP_OFFLINE=1).
"""

from imgcomp.datasets._arrays import from_arrays
from imgcomp.datasets._export import export
from imgcomp.datasets._folder import from_folder
from imgcomp.datasets._idx import read_idx
from imgcomp.datasets._load import cifar10, cifar100, digits, fashion_mnist, load, mnist
from imgcomp.datasets._locate import cache_dir, data_dir
from imgcomp.datasets._photographs import Photographs, from_tiles, kodak, photographs, tiles
from imgcomp.datasets._registry import names
from imgcomp.datasets._split import Dataset, Split, proportional

__all__ = [
    "Dataset",
    "Photographs",
    "Split",
    "cache_dir",
    "cifar10",
    "cifar100",
    "data_dir",
    "digits",
    "export",
    "fashion_mnist",
    "from_arrays",
    "from_folder",
    "from_tiles",
    "kodak",
    "load",
    "mnist",
    "names",
    "photographs",
    "proportional",
    "read_idx",
    "tiles",
]
