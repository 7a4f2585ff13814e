"""Smaller dense layers for trained networks: pruning, product quantisation, and their real bytes.

After S. Han, H. Mao, W. J. Dally, "Deep compression", 2015, arXiv:1510.00149 (pruning, relative
positions, trained values) and Y. Gong, L. Liu, M. Yang, L. Bourdev, "Compressing deep convolutional
networks using vector quantization", 2014, arXiv:1412.6115 (product quantisation)::

    small = prune(model, 0.9)
    small.model  # a network like the first, with the weights that are left
    small.num_bytes  # of the file that small.to_bytes() gives
"""

from imgcomp.models.compress.forms import PrunedWeight, QuantizedWeight, UniformWeight
from imgcomp.models.compress.network import (
    CompressedModel,
    dense_layers,
    product_quantize,
    prune,
    uniform_quantize,
)
from imgcomp.models.compress.tuning import fine_tune

__all__ = [
    "CompressedModel",
    "PrunedWeight",
    "QuantizedWeight",
    "UniformWeight",
    "dense_layers",
    "fine_tune",
    "product_quantize",
    "prune",
    "uniform_quantize",
]
