"""Feng (2018), three auto-associative networks and a classifier: the whole experiment."""

from imgcomp.papers.experiment import Paper
from imgcomp.papers.feng2018.conclusions import conclude
from imgcomp.papers.feng2018.experiment import OPTIONS, stages

PAPER = Paper(
    name="feng2018",
    title="Image Compression Using Three Auto-Associative Networks",
    reference="Ao Feng, Research School of Computer Science, Australian National University, 2018",
    dataset="fashion-mnist",
    seeds={"smoke": 1, "quick": 2, "paper": 3},
    options=OPTIONS,
    stages=stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
