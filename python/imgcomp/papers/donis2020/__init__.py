"""Donis and Brown (2020), recurrent compression of CIFAR images: the whole experiment."""

from imgcomp.papers.donis2020.conclusions import conclude
from imgcomp.papers.donis2020.experiment import stages
from imgcomp.papers.donis2020.options import OPTIONS
from imgcomp.papers.experiment import Paper

PAPER = Paper(
    name="donis2020",
    title="Image Compression with Deep Neural Networks",
    reference="Isaac Donis and Christophe Brown, Columbia University, 2020",
    dataset="cifar-10",
    seeds={"smoke": 1, "quick": 1, "paper": 1},
    options=OPTIONS,
    stages=stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
