"""Kawaguchi (2022), two convolutional autoencoders on CIFAR-10: the whole experiment."""

from imgcomp.papers.experiment import Paper
from imgcomp.papers.kawaguchi2022.beyond import BEYOND_OPTIONS
from imgcomp.papers.kawaguchi2022.conclusions import conclude
from imgcomp.papers.kawaguchi2022.experiment import OPTIONS
from imgcomp.papers.kawaguchi2022.pipeline import PIPELINE_OPTIONS, stages

PAPER = Paper(
    name="kawaguchi2022",
    title="Image Compression using Convolutional Networks",
    reference="Sarah Kawaguchi, Western Sydney University, Vacation Research Scholarships 2022–23",
    dataset="cifar-10",
    seeds={"smoke": 1, "quick": 1, "paper": 3},
    options=(*OPTIONS, *BEYOND_OPTIONS, *PIPELINE_OPTIONS),
    stages=stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
