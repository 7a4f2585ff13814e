"""What the papers of recurrent networks share: how weights are drawn."""

from __future__ import annotations

from imgcomp.papers.settings import Option

INITIALIZATIONS = {"pytorch": "PyTorch’s", "keras": "Glorot’s", "chainer": "LeCun’s"}
"""Ways to draw weights: key → whose, for people."""

INITIALIZATION = Option(
    "initialization",
    "how weights are drawn: as PyTorch, Keras (Glorot) or Chainer (LeCun) do",
    "chainer",
    words=tuple(INITIALIZATIONS),
    chosen="not in the paper; with the smaller weights of PyTorch trainings stay long at one "
    "image for all",
)
