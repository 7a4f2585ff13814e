"""Buell (2022), pooling, spline interpolation and classification: the whole experiment."""

from imgcomp.papers.buell2022.conclusions import conclude
from imgcomp.papers.buell2022.experiment import OPTIONS, stages
from imgcomp.papers.experiment import Paper

PAPER = Paper(
    name="buell2022",
    title="Exploring Compression and Interpolation in Deep Image Classification",
    reference="Landon Buell, Rensselaer Polytechnic Institute, ENGR-6222, August 2022",
    dataset="mnist",
    seeds={"smoke": 2, "quick": 3, "paper": 10},
    options=OPTIONS,
    stages=stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
