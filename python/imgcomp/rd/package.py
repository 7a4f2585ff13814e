"""The package's own codecs as entries of a comparison: whole .imc files, everything in them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch

from imgcomp.codec import Archive, BinaryCode, Codec, cut
from imgcomp.rd.quality import shares
from imgcomp.rd.sending import Sent, Stopped

_ALONE = 50
"""Images that are also written to a file of their own each."""


@dataclass(frozen=True)
class FingerprintedCodec:
    """A codec as the input of a stage.

    Attributes:
        codec: itself.
    """

    codec: Codec

    @property
    def fingerprint(self) -> str:
        """Of its network and its code."""
        return self.codec.digest


def settings(codec: Codec) -> list[int]:
    """What is turned in a codec: of a progressive one the iterations, else only 0."""
    if isinstance(codec.code, BinaryCode):
        return list(range(1, codec.code.shape[0] + 1))
    return [0]


@dataclass(frozen=True)
class CodecSender:
    """Sends images as an .imc file.

    Attributes:
        codec: which.
        iterations: that are kept of a progressive one; 0 of others.
    """

    codec: Codec
    iterations: int = 0

    def send(self, images: torch.Tensor, stopped: Stopped) -> Sent:
        """See `Sender`."""
        stopped()
        data = self._file(images)
        each = torch.tensor([self._stream(image[None]) for image in images], dtype=torch.float64)
        with Archive(data, codec=self.codec) as archive:
            coded = sum(len(archive.block(i).stream) for i in range(archive.num_blocks))
            received = archive[:]
        stopped()
        alone = [len(self._file(image[None])) for image in images[:_ALONE]]
        return Sent(
            received,
            shares(len(data), each),
            shares(coded, each),
            alone=sum(alone) / len(alone),
        )

    def images(self, images: torch.Tensor, stopped: Stopped) -> torch.Tensor:
        """See `Sender`."""
        stopped()
        return self.codec.decompress(self._file(images))

    @property
    def model_bytes(self) -> int:
        """Bytes of the codec's file."""
        return len(self.codec.to_bytes())

    def file_bytes(self, images: torch.Tensor) -> tuple[int, torch.Tensor]:
        """Bytes of one file of images, and what comes out of it, uint8 (N, C, H, W)."""
        data = self._file(images)
        return len(data), self.codec.decompress(data)

    def _file(self, images: torch.Tensor) -> bytes:
        data = self.codec.compress(images)
        if not self.iterations or self.iterations == self._most:
            return data
        shorter = io.BytesIO()
        with Archive(data, codec=self.codec) as archive:
            cut(archive, shorter, self.iterations)
        return shorter.getvalue()

    def _stream(self, image: torch.Tensor) -> int:
        codes = self.codec.codes(image)
        if isinstance(self.codec.code, BinaryCode):
            stream = self.codec.code.encode(codes)
            return stream.parts[(self.iterations or self._most) - 1]
        return len(self.codec.code.encode(codes))

    @property
    def _most(self) -> int:
        code = self.codec.code
        return code.shape[0] if isinstance(code, BinaryCode) else 0
