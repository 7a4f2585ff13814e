"""Toderici et al. (2017), recurrent compression in 1 to 16 iterations: the ladder of variants."""

from imgcomp.papers.experiment import Paper
from imgcomp.papers.toderici2017.conclusions import conclude
from imgcomp.papers.toderici2017.experiment import stages
from imgcomp.papers.toderici2017.options import OPTIONS

PAPER = Paper(
    name="toderici2017",
    title="Full Resolution Image Compression with Recurrent Neural Networks",
    reference="George Toderici, Damien Vincent, Nick Johnston, Sung Jin Hwang, David Minnen, "
    "Joel Shor and Michele Covell, CVPR 2017",
    dataset="cifar-10",
    seeds={"smoke": 1, "quick": 1, "paper": 3},
    options=OPTIONS,
    stages=stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
