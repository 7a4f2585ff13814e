"""The exceptions that imgcomp raises: one root, and one class for each thing that can go wrong.

Each also derives from the built-in exception that a caller would expect, so ``except ValueError``
works as well as ``except imgcomp.ImgcompError``.
"""

from __future__ import annotations


class ImgcompError(Exception):
    """Root of every error that imgcomp raises on purpose; its text is one clear sentence."""


class UsageError(ImgcompError, ValueError):
    """A setting, argument or combination of them that makes no sense."""


class SpecError(ImgcompError, ValueError):
    """A network spec that cannot be built; names the layer, what it expected and what came."""


class DatasetError(ImgcompError, ValueError):
    """Something is wrong with a data set or with what was asked of it."""


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """A data set is in none of the places that were searched."""

    __str__ = Exception.__str__


class CorruptDataError(DatasetError):
    """A data file is there but is not what it should be (truncated, altered, out of range)."""


class DownloadError(DatasetError):
    """A data set could not be fetched from any of its homes."""


class CheckpointError(ImgcompError, ValueError):
    """A model file or checkpoint that is truncated, altered, foreign or does not fit the model."""


class TrainingDivergedError(ImgcompError, ArithmeticError):
    """The training loss became NaN or infinite; names the epoch and the step."""


class TrainingInterruptedError(ImgcompError):
    """A training run was told to stop by its :class:`imgcomp.StopToken`; its checkpoint stands."""


class CodecError(ImgcompError, ValueError):
    """Something that a codec cannot code, such as a symbol that its table does not have."""


class CorruptStreamError(CodecError):
    """Compressed bytes that are truncated, altered, foreign or not for what they are read as."""


class TruncatedStreamError(CorruptStreamError):
    """A compressed file or stream that ends too early."""


class UnsupportedVersionError(CorruptStreamError):
    """A compressed file of a version, or with a feature, that this imgcomp does not know."""


class UnknownCodecError(CorruptStreamError):
    """A compressed file whose codec is not here; names it and its hash."""


class CollapsedOutputWarning(UserWarning):
    """After training, the network gives almost the same output for every input."""
