"""Bhattacharya (2020), a convolutional autoencoder and a denoiser: the whole experiment."""

from imgcomp.papers.bhattacharya2020.conclusions import conclude
from imgcomp.papers.bhattacharya2020.experiment import stages
from imgcomp.papers.bhattacharya2020.options import OPTIONS
from imgcomp.papers.experiment import Paper

PAPER = Paper(
    name="bhattacharya2020",
    title="Image Compression using Convolutional Autoencoder",
    reference="Shreya Bhattacharya, MSc Research Project, National College of Ireland, 2020",
    dataset="fashion-mnist",
    seeds={"smoke": 1, "quick": 1, "paper": 3},
    options=OPTIONS,
    stages=stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
