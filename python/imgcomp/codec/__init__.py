"""From codes to whole numbers, from those and from bits to the fewest bytes, and back.

Probabilities are integers, and so is all arithmetic on them: a stream gives the same symbols on
every processor and with any number of threads, and every processor writes the same bytes.
docs/bitstream.md specifies the streams.
"""

from imgcomp.codec.binary import BinaryDecoder, BinaryEncoder, ProgressiveStream
from imgcomp.codec.codec import Codec, from_model
from imgcomp.codec.codes import BinaryCode, StaticCode
from imgcomp.codec.quantizer import Quantizer
from imgcomp.codec.tables import FrequencyTables, Table
from imgcomp.errors import CodecError, CorruptStreamError

__all__ = [
    "BinaryCode",
    "BinaryDecoder",
    "BinaryEncoder",
    "Codec",
    "CodecError",
    "CorruptStreamError",
    "FrequencyTables",
    "ProgressiveStream",
    "Quantizer",
    "StaticCode",
    "Table",
    "from_model",
]
