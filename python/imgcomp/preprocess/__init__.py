"""Standardising, pooling, interpolating, moving and disturbing images in one pass over them."""

from imgcomp.preprocess.functions import Statistics, pool_spline, standardize, statistics
from imgcomp.preprocess.pipeline import Pipeline
from imgcomp.preprocess.steps import (
    GaussianNoise,
    Pool,
    PoolSpline,
    RandomFlip,
    RandomRotate90,
    RandomShift,
    SaltAndPepper,
    Scale,
    Spline,
    Standardize,
    Step,
)

__all__ = [
    "GaussianNoise",
    "Pipeline",
    "Pool",
    "PoolSpline",
    "RandomFlip",
    "RandomRotate90",
    "RandomShift",
    "SaltAndPepper",
    "Scale",
    "Spline",
    "Standardize",
    "Statistics",
    "Step",
    "pool_spline",
    "standardize",
    "statistics",
]
