"""The networks of Feng (2018), "Image Compression Using Three Auto-Associative Networks"."""

from __future__ import annotations

from collections.abc import Sequence

from imgcomp.models import layers as nn
from imgcomp.models.model import Autoencoder, Classifier
from imgcomp.models.specs import autoencoder_spec, classifier_spec

_IMAGE = (1, 28, 28)
_PIXELS = 28 * 28


def feng2018_cnn(seed: int = 0) -> Autoencoder:
    """The convolutional autoencoder of section 2.2.1: 28×28 → code 10×2×2 → 28×28.

    The paper names the channels (25, 10) and kernels; strides and paddings are not printed and are
    chosen so that the sizes come out: 28 → 10 → 5 → 3 → 2 and 2 → 5 → 15 → 28.
    """
    encoder = [
        nn.conv2d(25, 3, stride=3, padding=1, name="conv1"),
        nn.relu(name="relu1"),
        nn.max_pool2d(2, name="pool1"),
        nn.conv2d(10, 3, stride=2, padding=1, name="conv2"),
        nn.relu(name="relu2"),
        nn.max_pool2d(2, stride=1, name="pool2"),
    ]
    decoder = [
        nn.conv_transpose2d(25, 3, stride=2, name="deconv1"),
        nn.relu(name="relu1"),
        nn.conv_transpose2d(10, 5, stride=3, padding=1, name="deconv2"),
        nn.relu(name="relu2"),
        nn.conv_transpose2d(1, 2, stride=2, padding=1, name="deconv3"),
        nn.sigmoid(name="output"),
    ]
    return Autoencoder(autoencoder_spec(_IMAGE, encoder, decoder), seed)


def feng2018_ann(hidden: int = 400, seed: int = 0) -> Autoencoder:
    """The auto-associative network of section 2.2.2: 784 – ``hidden`` – 784, sigmoid."""
    return _ann(hidden, seed, nn.dense(_PIXELS, name="dense2"))


def feng2018_shared(hidden: int = 400, seed: int = 0) -> Autoencoder:
    """The network of section 2.2.3: as the ANN, with the second weight the first one transposed.

    Both layers use one parameter tensor; each has its own bias.
    """
    return _ann(hidden, seed, nn.dense(tied_to="encoder.dense1", name="dense2"))


def _ann(hidden: int, seed: int, second: nn.LayerSpec) -> Autoencoder:
    encoder = [
        nn.flatten(name="flatten"),
        nn.dense(hidden, name="dense1"),
        nn.sigmoid(name="sigmoid1"),
    ]
    decoder = [second, nn.sigmoid(name="sigmoid2"), nn.reshape(_IMAGE, name="image")]
    return Autoencoder(autoencoder_spec(_IMAGE, encoder, decoder), seed)


def feng2018_deep(code: int = 40, hidden: Sequence[int] = (400, 100), seed: int = 0) -> Autoencoder:
    """The deep autoencoder that the paper names as future work: 784 – 400 – 100 – 40 and back.

    The paper fixes nothing but the name. ReLU inside and Glorot's weights, because a stack of
    sigmoids passes too little gradient; no activation at the code, so that none of its values can
    die; sigmoid at the output as in the paper's networks.

    Args:
        code: values in the code; 40 is the CNN's size, 400 the ANNs'.
        hidden: widths of the layers between the image and the code, mirrored in the decoder.
        seed: of the weights.
    """
    encoder = [nn.flatten(name="flatten")]
    decoder = []
    for number, width in enumerate(hidden, start=1):
        encoder += [nn.dense(width, name=f"dense{number}"), nn.relu(name=f"relu{number}")]
    encoder.append(nn.dense(code, name="code"))
    for number, width in enumerate(reversed(hidden), start=1):
        decoder += [nn.dense(width, name=f"dense{number}"), nn.relu(name=f"relu{number}")]
    decoder += [
        nn.dense(_PIXELS, name="pixels"),
        nn.sigmoid(name="output"),
        nn.reshape(_IMAGE, name="image"),
    ]
    return Autoencoder(autoencoder_spec(_IMAGE, encoder, decoder, initialization="keras"), seed)


def feng2018_classifier(dropout: bool = True, seed: int = 0, num_classes: int = 10) -> Classifier:
    """The classifier of section 2.3: conv 10 5×5, pool, conv 20 5×5, pool, 320 → 50 → 10.

    Args:
        dropout: channel dropout before the second pooling and dropout before the last layer, as in
            the PyTorch MNIST example that the network follows.
        seed: of the weights.
        num_classes: number of logits.
    """
    layers = [
        nn.conv2d(10, 5, name="conv1"),
        nn.max_pool2d(2, name="pool1"),
        nn.relu(name="relu1"),
        nn.conv2d(20, 5, name="conv2"),
        *([nn.dropout2d(0.5, name="dropout1")] if dropout else []),
        nn.max_pool2d(2, name="pool2"),
        nn.relu(name="relu2"),
        nn.flatten(name="flatten"),
        nn.dense(50, name="dense1"),
        nn.relu(name="relu3"),
        *([nn.dropout(0.5, name="dropout2")] if dropout else []),
        nn.dense(num_classes, name="dense2"),
    ]
    return Classifier(classifier_spec(_IMAGE, layers), seed)
