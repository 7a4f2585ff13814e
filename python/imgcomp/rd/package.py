"""The package's own codecs as entries of a comparison: whole .imc files, everything in them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch

from imgcomp.codec import Archive, BinaryCode, Codec, cut
from imgcomp.models import pixels
from imgcomp.rd.quality import shares
from imgcomp.rd.sending import Sent, Stopped
from imgcomp.training.judge import digest_of

QUALITIES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Of a codec of several rates."""
_ALONE = 20
"""Images that are also written to a file of their own each."""
_TOGETHER = 100
"""Images whose own streams are written between two looks at whether to stop."""


@dataclass(frozen=True)
class FingerprintedCodec:
    """A codec as the input of a stage.

    Attributes:
        codec: itself.
    """

    codec: Codec

    @property
    def fingerprint(self) -> str:
        """Of its network and its code; and of its quality, effort and judge where it has them."""
        quality, effort, judge = self.codec.quality, self.codec.effort, self.codec.judge
        found = self.codec.digest if quality is None else f"{self.codec.digest}@{quality}"
        if effort:
            found += f", effort {effort}"
        if judge is not None:
            found += f", judge {digest_of(judge)}"
        return found


def settings(codec: Codec) -> list[int]:
    """What is turned in a codec: qualities, of a progressive one the iterations, else only 0."""
    if codec.quality is not None:
        return list(QUALITIES)
    if isinstance(codec.code, BinaryCode):
        return list(range(1, codec.code.shape[0] + 1))
    return [0]


def unit(codec: Codec) -> str:
    """What the settings of a codec are."""
    if codec.quality is not None:
        return "quality"
    return "iterations" if isinstance(codec.code, BinaryCode) else "codec"


def at(codec: Codec, setting: int) -> Codec:
    """A codec at one of its settings, as far as that is another codec: at a quality."""
    return codec if codec.quality is None else codec.at(setting)


def fitted(codec: Codec, shape: tuple[int, int, int]) -> Codec | None:
    """A codec for images of a shape (C, H, W); None where it does not take them."""
    if codec.image_shape == shape:
        return codec
    if codec.any_size and codec.image_shape[0] == shape[0]:
        return codec.for_images(*shape[1:])
    return None


def sender(codec: Codec, setting: int) -> CodecSender:
    """What sends images at one of a codec's settings."""
    if codec.quality is not None:
        return CodecSender(codec.at(setting))
    return CodecSender(codec, setting if isinstance(codec.code, BinaryCode) else 0)


@dataclass(frozen=True)
class CodecSender:
    """Sends images as an .imc file.

    Attributes:
        codec: which, at its quality.
        iterations: that are kept of a progressive one; 0 of others.
    """

    codec: Codec
    iterations: int = 0

    def send(self, images: torch.Tensor, stopped: Stopped) -> Sent:
        """See `Sender`."""
        stopped()
        data = self._file(images)
        with Archive(data, codec=self.codec) as archive:
            blocks = [archive.block(i) for i in range(archive.num_blocks)]
            received = archive[:]
        coded = sum(len(block.stream) for block in blocks)
        # What was decoded is coded again as it is, without looking for a better code.
        codes = (
            self.codec.codes(images)
            if self.iterations
            else self.codec.code.decode_blocks(
                [block.stream for block in blocks], [block.count for block in blocks]
            )
        )
        each = []
        for some in pixels.split(codes, _TOGETHER):
            stopped()
            each += self._streams(some)
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

    def photograph(self, picture: torch.Tensor, side: int) -> tuple[int, torch.Tensor]:
        """A photograph through the codec: as it is where that takes any size, else as its tiles.

        As its tiles, too, where the encoder asks a classifier, which sees images of one size.

        Args:
            picture: uint8 (C, H, W).
            side: of the tiles, which H and W are multiples of.

        Returns:
            Bytes of its file, and what comes out of it, of the same shape.
        """
        from imgcomp.datasets import from_tiles, tiles

        shape = picture.shape
        whole = fitted(self.codec, (shape[0], shape[1], shape[2]))
        if whole is not None and self.codec.judge is None:
            data = whole.compress(picture[None])
            return len(data), whole.decompress(data)[0]
        data = self._file(tiles(picture, side))
        return len(data), from_tiles(self.codec.decompress(data), picture.shape[1:])

    def _file(self, images: torch.Tensor) -> bytes:
        data = self.codec.compress(images)
        if not self.iterations or self.iterations == self._most:
            return data
        shorter = io.BytesIO()
        with Archive(data, codec=self.codec) as archive:
            cut(archive, shorter, self.iterations)
        return shorter.getvalue()

    def _streams(self, codes: torch.Tensor) -> list[int]:
        """Bytes of each code as a stream of its own."""
        streams = self.codec.code.encode_blocks(codes, [1] * len(codes))
        if isinstance(self.codec.code, BinaryCode):
            return [stream.parts[(self.iterations or self._most) - 1] for stream in streams]
        return [len(stream.data) for stream in streams]

    @property
    def _most(self) -> int:
        code = self.codec.code
        return code.shape[0] if isinstance(code, BinaryCode) else 0
