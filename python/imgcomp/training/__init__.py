"""Training networks: settings, the loop, what it records, and the files it leaves."""

from imgcomp.training.checkpoint import load, save
from imgcomp.training.config import FitConfig
from imgcomp.training.fit import Callback, EpochEnd, StopToken, evaluate, fit
from imgcomp.training.history import History
from imgcomp.training.progress import Progress

__all__ = [
    "Callback",
    "EpochEnd",
    "FitConfig",
    "History",
    "Progress",
    "StopToken",
    "evaluate",
    "fit",
    "load",
    "save",
]
