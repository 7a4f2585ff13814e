"""Rate–distortion comparisons: the package's codecs and ordinary ones on the same images, in bytes.

:func:`compare_codecs` does what ``imgcomp rd`` does; BD-rates can be had alone.
"""
