"""From images to the fewest bytes, and back: codecs, their files, and the coders beneath.

Probabilities are integers, and so is all arithmetic on them: a stream gives the same symbols on
every processor and with any number of threads, and every processor writes the same bytes.
docs/bitstream.md specifies streams and files.
"""

from imgcomp.codec.archive import Archive, Batch, open
from imgcomp.codec.binary import BinaryDecoder, BinaryEncoder, ProgressiveStream
from imgcomp.codec.codec import Codec
from imgcomp.codec.codes import BinaryCode, StaticCode
from imgcomp.codec.context_code import ContextCode
from imgcomp.codec.context_network import ContextNetwork
from imgcomp.codec.fitting import from_model
from imgcomp.codec.progressive import cut
from imgcomp.codec.quantizer import Quantizer
from imgcomp.codec.registry import load, names
from imgcomp.codec.tables import FrequencyTables, Table
from imgcomp.codec.torch_dataset import ArchiveDataset
from imgcomp.codec.whole import compress, decompress
from imgcomp.codec.writer import ArchiveWriter
from imgcomp.errors import (
    CodecError,
    CorruptStreamError,
    TruncatedStreamError,
    UnknownCodecError,
    UnsupportedVersionError,
)

__all__ = [
    "Archive",
    "ArchiveDataset",
    "ArchiveWriter",
    "Batch",
    "BinaryCode",
    "BinaryDecoder",
    "BinaryEncoder",
    "Codec",
    "CodecError",
    "ContextCode",
    "ContextNetwork",
    "CorruptStreamError",
    "FrequencyTables",
    "ProgressiveStream",
    "Quantizer",
    "StaticCode",
    "Table",
    "TruncatedStreamError",
    "UnknownCodecError",
    "UnsupportedVersionError",
    "compress",
    "cut",
    "decompress",
    "from_model",
    "load",
    "names",
    "open",
]
