"""Networks: specs of layers, the models built from them, and each paper's networks."""

from imgcomp.models import compress, layers
from imgcomp.models.bhattacharya2020 import bhattacharya2020
from imgcomp.models.buell2022 import buell2022
from imgcomp.models.donis2020 import donis2020
from imgcomp.models.feng2018 import (
    feng2018_ann,
    feng2018_classifier,
    feng2018_cnn,
    feng2018_deep,
    feng2018_shared,
)
from imgcomp.models.kawaguchi2022 import kawaguchi2022_1, kawaguchi2022_2
from imgcomp.models.model import Autoencoder, Classifier, Model, from_spec
from imgcomp.models.specs import autoencoder_spec, classifier_spec
from imgcomp.models.toderici2017 import toderici2017

__all__ = [
    "Autoencoder",
    "Classifier",
    "Model",
    "autoencoder_spec",
    "bhattacharya2020",
    "buell2022",
    "classifier_spec",
    "compress",
    "donis2020",
    "feng2018_ann",
    "feng2018_classifier",
    "feng2018_cnn",
    "feng2018_deep",
    "feng2018_shared",
    "from_spec",
    "kawaguchi2022_1",
    "kawaguchi2022_2",
    "layers",
    "toderici2017",
]
