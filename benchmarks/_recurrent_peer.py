"""donis2020's network and its losses in plain PyTorch, as recurrent image codecs are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import nn
from torch.nn import functional

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class SameConv2d(nn.Conv2d):
    """A convolution that keeps the size, stride apart; even kernels have the odd zero below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__(inputs, outputs, kernel, stride, bias=bias)
        before = (kernel - 1) // 2
        self.around = (before, kernel - 1 - before) * 2

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, super().forward(functional.pad(input, self.around)))


class ConvLSTMCell(nn.Module):
    """A ConvLSTM whose states are given and returned."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int = 1):
        super().__init__()
        self.channels, self.stride = channels, stride
        self.input = SameConv2d(inputs, 4 * channels, kernel, stride)
        self.state = SameConv2d(channels, 4 * channels, kernel, bias=False)

    def start(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = (-(-side // self.stride) for side in x.shape[2:])
        zero = torch.zeros(len(x), self.channels, height, width, device=x.device)
        return zero, zero

    def forward(
        self, x: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, cell = state
        gates = self.input(x) + self.state(hidden)
        forgetting, entering, leaving, candidate = gates.chunk(4, 1)
        cell = torch.sigmoid(forgetting) * cell + torch.sigmoid(entering) * torch.tanh(candidate)
        return torch.sigmoid(leaving) * torch.tanh(cell), cell


class Binarizer(torch.autograd.Function):
    """±1 by a draw in training, by sign at test; the gradient goes straight through."""

    @staticmethod
    def forward(ctx: object, x: torch.Tensor, training: bool) -> torch.Tensor:
        if not training:
            return torch.where(x >= 0, 1.0, -1.0)
        return torch.where(torch.rand_like(x) < (1 + x) / 2, 1.0, -1.0)

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None


class Recurrent(nn.Module):
    """One-shot reconstruction over iterations; names of weights as imgcomp's, but for the cells."""

    def __init__(self, iterations: int):
        super().__init__()
        self.iterations = iterations
        self.encoder = nn.ModuleDict(
            {
                "conv": nn.Conv2d(3, 32, 3, 2, 1),
                "rnn1": ConvLSTMCell(32, 64, 3, 2),
                "rnn2": ConvLSTMCell(64, 128, 3, 2),
                "rnn3": ConvLSTMCell(128, 128, 3, 2),
                "bits": nn.Conv2d(128, 32, 1),
            }
        )
        self.decoder = nn.ModuleDict(
            {
                "conv": nn.Conv2d(32, 128, 3, padding=1),
                "rnn1": ConvLSTMCell(128, 128, 2),
                "rnn2": ConvLSTMCell(32, 128, 3),
                "rnn3": ConvLSTMCell(32, 64, 3),
                "rnn4": ConvLSTMCell(16, 32, 3),
                "output": nn.Conv2d(8, 3, 3, padding=1),
            }
        )
        self.shuffle = nn.PixelShuffle(2)

    def _cell(
        self, part: str, name: str, x: torch.Tensor, states: dict[str, tuple[torch.Tensor, ...]]
    ) -> torch.Tensor:
        cell = cast(ConvLSTMCell, cast(nn.ModuleDict, getattr(self, part))[name])
        key = f"{part}.{name}"
        if key not in states:
            states[key] = cell.start(x)
        states[key] = cell(x, states[key])
        return states[key][0]

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        states: dict[str, tuple[torch.Tensor, ...]] = {}
        residual, found = images, []
        for _ in range(self.iterations):
            x = functional.leaky_relu(self.encoder["conv"](residual), 0.2)
            for name in ("rnn1", "rnn2", "rnn3"):
                x = self._cell("encoder", name, x, states)
            x = Binarizer.apply(torch.tanh(self.encoder["bits"](x)), self.training)
            x = functional.leaky_relu(self.decoder["conv"](x), 0.2)
            for name in ("rnn1", "rnn2", "rnn3", "rnn4"):
                x = self.shuffle(self._cell("decoder", name, x, states))
            found.append(torch.tanh(self.decoder["output"](x)) / 2)
            residual = images - found[-1]
        return found

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Takes the weights of imgcomp's network."""
        renamed = {}
        for name, weight in weights.items():
            *layer, kind = name.split(".")
            if layer[-1].startswith("rnn"):
                layer.append("state" if kind == "state_weight" else "input")
            renamed[".".join([*layer, kind.removeprefix("state_")])] = weight
        self.load_state_dict(renamed)


def window(side: int, channels: int) -> torch.Tensor:
    """A Gaussian window of at most 11 pixels for each plane."""
    size = min(11, side)
    x = torch.arange(size) - (size - 1) / 2
    line = torch.exp(-(x**2) / (2 * (1.5 * size / 11) ** 2))
    line /= line.sum()
    return (line[:, None] * line).expand(channels, 1, size, size)


def ms_ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """1 − MS-SSIM of images of data range 1, the window shrinking with the image."""
    c1, c2 = 0.01**2, 0.03**2
    product: torch.Tensor | None = None
    for scale, weight in enumerate(WEIGHTS):
        kernel = window(x.shape[-1], x.shape[1]).to(x)

        def blur(z: torch.Tensor, kernel: torch.Tensor = kernel) -> torch.Tensor:
            return functional.conv2d(z, kernel, groups=z.shape[1])

        mean_x, mean_y = blur(x), blur(y)
        var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
        structure = (2 * (blur(x * y) - mean_x * mean_y) + c2) / (var_x + var_y + c2)
        if scale + 1 == len(WEIGHTS):
            luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
            structure = structure * luminance
        factor = structure.mean((2, 3)).clamp(min=0) ** weight
        product = factor if product is None else product * factor
        x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
    assert product is not None
    return 1 - product.mean()


def l1(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The mean residual."""
    return (x - y).abs().mean()
