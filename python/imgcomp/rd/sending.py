"""What every rival answers: images sent and received, and what that took for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from imgcomp.rd.mosaic import tiled, untiled
from imgcomp.rd.ordinary import Ordinary
from imgcomp.rd.quality import shares

Stopped = Callable[[], None]
"""Called between images; raises where the work is to end."""


@dataclass(frozen=True)
class Sent:
    """Images after a rival's encoder and decoder.

    Attributes:
        images: uint8 (N, C, H, W).
        file: bytes of each, headers and all, float64 (N,); of a file that several share, its
            part, in proportion to what each takes by itself.
        payload: bytes of the coded image alone, the same way.
        mosaic: the same of one file that all share, or None where `file` is that already.
        mosaic_images: what comes out of that file, or None where it is `images`.
        alone: bytes of a file of a single image, the mean over some; None where `file` is that.
    """

    images: torch.Tensor
    file: torch.Tensor
    payload: torch.Tensor
    mosaic: torch.Tensor | None = None
    mosaic_images: torch.Tensor | None = None
    alone: float | None = None


class Sender(Protocol):
    """Sends images at one setting."""

    def send(self, images: torch.Tensor, stopped: Stopped) -> Sent:
        """Encode and decode images.

        Args:
            images: uint8 (N, C, H, W), N at least 1.
            stopped: see `Stopped`.
        """

    def images(self, images: torch.Tensor, stopped: Stopped) -> torch.Tensor:
        """Only what comes out; arguments as of `send`."""


@dataclass(frozen=True)
class OrdinarySender:
    """Images as a file each, and all of them as one.

    Attributes:
        codec: which.
        setting: of it.
    """

    codec: Ordinary
    setting: float

    def send(self, images: torch.Tensor, stopped: Stopped) -> Sent:
        """See `Sender`."""
        received, sizes, payload = [], [], []
        for image in images:
            stopped()
            data = self.codec.encode(image, self.setting)
            received.append(self.codec.decode(data, len(image)))
            sizes.append(len(data))
            payload.append(self.codec.payload_bytes(data, image, self.setting))
        picture = tiled(images)
        whole = self.codec.encode(picture, self.setting)
        back = untiled(self.codec.decode(whole, len(picture)), len(images))
        return Sent(
            torch.stack(received),
            torch.tensor(sizes, dtype=torch.float64),
            torch.tensor(payload, dtype=torch.float64),
            shares(len(whole), payload),
            back,
        )

    def images(self, images: torch.Tensor, stopped: Stopped) -> torch.Tensor:
        """See `Sender`."""
        received = []
        for image in images:
            stopped()
            data = self.codec.encode(image, self.setting)
            received.append(self.codec.decode(data, len(image)))
        return torch.stack(received)
