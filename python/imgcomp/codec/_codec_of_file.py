"""The codec that an ``.imc`` file was written with: found, checked, at the size of its images."""

from __future__ import annotations

from pathlib import Path

from imgcomp.codec import registry
from imgcomp.codec.codec import Codec
from imgcomp.codec.codes import BinaryCode
from imgcomp.codec.container import Header
from imgcomp.errors import CorruptStreamError, SpecError, UnknownCodecError

_MAX_EMBEDDED_ACTIVATIONS = 2**16
"""Values between an embedded network's layers for each value of an image."""


def codec_of(header: Header, given: Codec | str | Path | None) -> Codec:
    """The codec of a file, at its quality and for its images.

    Args:
        header: of the file.
        given: what is to be taken: a codec, its name or its file; None to look for it in the file,
            in the package and in folders.

    Raises:
        UnknownCodecError: it is not here, or another one was given.
        CorruptStreamError: the codec in the file is damaged, or does not fit the header.
    """
    if given is not None:
        codec = given if isinstance(given, Codec) else registry.load(given)
        if codec.digest != header.digest:
            raise UnknownCodecError(
                f"written with the codec {header.codec!r} of hash {header.digest[:16]}…, not "
                f"with {codec.name!r} of hash {codec.digest[:16]}…"
            )
    elif header.model is not None:
        codec = Codec.from_bytes(header.model)
        if codec.digest != header.digest:
            raise CorruptStreamError("the codec in the file is not the one of its hash")
    else:
        codec = registry.find(header.digest, header.codec)
    if header.quality and codec.quality:
        codec = codec.at(header.quality)
    if codec.any_size and codec.image_shape[0] == header.shape[0]:
        try:
            codec = codec.for_images(*header.shape[1:])
        except SpecError as error:
            raise CorruptStreamError(f"its codec has no images of this size: {error}") from None
    if given is None and header.model is not None:
        _check_activations(codec, header)
    progressive = isinstance(codec.code, BinaryCode)
    fits = bool(header.quality) == bool(codec.quality)
    fits &= codec.image_shape == header.shape and progressive == bool(header.iterations)
    if not fits or (progressive and header.iterations > codec.code.shape[0]):
        raise CorruptStreamError("the header does not fit the codec that it names")
    return codec


def _check_activations(codec: Codec, header: Header) -> None:
    """A network that came with a file may take some memory for its images, and no more.

    Raises:
        CorruptStreamError: it takes more.
    """
    found, most = codec.model.activations, _MAX_EMBEDDED_ACTIVATIONS * header.values
    if found > most:
        raise CorruptStreamError(
            f"the network in the file computes {found:,} values for an image; at most {most:,} are "
            "accepted of such a file"
        )
