"""Feng (2018), three auto-associative networks and a classifier: the whole experiment."""

from imgcomp.papers.experiment import Paper, Run
from imgcomp.papers.feng2018.conclusions import conclude
from imgcomp.papers.feng2018.experiment import OPTIONS, stages
from imgcomp.papers.feng2018.extras import EXTRA_OPTIONS, extra_stages
from imgcomp.stages import Stage


def _all_stages(run: Run) -> list[Stage]:
    own = stages(run)
    return [*own, *extra_stages(run, own)]


PAPER = Paper(
    name="feng2018",
    title="Image Compression Using Three Auto-Associative Networks",
    reference="Ao Feng, Research School of Computer Science, Australian National University, 2018",
    dataset="fashion-mnist",
    seeds={"smoke": 1, "quick": 2, "paper": 3},
    options=(*OPTIONS, *EXTRA_OPTIONS),
    stages=_all_stages,
    conclude=conclude,
)

__all__ = ["PAPER"]
