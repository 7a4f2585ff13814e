"""The network of Buell (2022), "Exploring Compression and Interpolation in Deep Image …"."""

from __future__ import annotations

from imgcomp.models import layers as nn
from imgcomp.models.model import Classifier
from imgcomp.models.specs import classifier_spec

_FILTERS = 32
_DENSE = (64, 64, 32, 32)


def buell2022(
    input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10, seed: int = 0
) -> Classifier:
    """The convolutional classifier of section IV.B.

    Two times (conv 3×3×32, ReLU, conv 3×3×32, ReLU, max-pool 2), then dense layers of 64, 64, 32
    and 32 with ReLU and one of ``num_classes``; 68,522 parameters for 28×28 gray images. The
    paper's last softmax belongs to the loss here: the network gives logits. Weights are drawn as
    Keras does (Glorot-uniform, zero biases).

    Args:
        input_shape: (C, H, W), at least 16×16.
        num_classes: number of logits.
        seed: of the weights.
    """
    layers: list[nn.LayerSpec] = []
    for block in (1, 2):
        for conv in (1, 2):
            name = f"{block}_{conv}"
            layers.append(nn.conv2d(_FILTERS, 3, name=f"conv{name}"))
            layers.append(nn.relu(name=f"conv{name}_relu"))
        layers.append(nn.max_pool2d(2, name=f"pool{block}"))
    layers.append(nn.flatten(name="flatten"))
    for position, width in enumerate(_DENSE, start=1):
        layers.append(nn.dense(width, name=f"dense{position}"))
        layers.append(nn.relu(name=f"dense{position}_relu"))
    layers.append(nn.dense(num_classes, name="logits"))
    spec = classifier_spec(input_shape, layers, initialization="keras")
    return Classifier(spec, seed)
