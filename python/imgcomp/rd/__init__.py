"""Rate and distortion in bytes: the package's codecs and ordinary ones on the same images.

:func:`compare_codecs` does what ``imgcomp rd`` does; BD-rates can be had alone.
"""

from imgcomp.rd.bd import BDRate, Curve, FewPointsWarning, bd_rate, bd_rate_of_envelope
from imgcomp.rd.run import Comparison, compare_codecs

__all__ = [
    "BDRate",
    "Comparison",
    "Curve",
    "FewPointsWarning",
    "bd_rate",
    "bd_rate_of_envelope",
    "compare_codecs",
]
