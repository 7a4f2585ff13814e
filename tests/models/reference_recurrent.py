"""Recurrent autoencoders in plain PyTorch, as one would write them from the papers."""

import torch
from torch import nn
from torch.nn import functional


def same(x, weight, bias=None, stride=1):
    """A convolution with as many zeros around as keep the size, the odd one below and right."""
    height, width = weight.shape[2:]
    top, left = (height - 1) // 2, (width - 1) // 2
    x = functional.pad(x, (left, width - 1 - left, top, height - 1 - top))
    return functional.conv2d(x, weight, bias, stride)


class ConvLSTM(nn.Module):
    """Gates in the order forget, input, output, candidate."""

    def __init__(self, inputs, channels, kernel, state_kernel=None, stride=1, bias=True):
        super().__init__()
        state_kernel = state_kernel or kernel
        self.stride, self.state = stride, None
        self.weight = nn.Parameter(torch.randn(4 * channels, inputs, kernel, kernel))
        self.state_weight = nn.Parameter(
            torch.randn(4 * channels, channels, state_kernel, state_kernel)
        )
        self.bias = nn.Parameter(torch.randn(4 * channels)) if bias else None

    def forward(self, x):
        gates = same(x, self.weight, self.bias, self.stride)
        cell = 0
        if self.state is not None:
            hidden, cell = self.state
            gates = gates + same(hidden, self.state_weight)
        f, i, o, j = gates.chunk(4, 1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(j)
        self.state = torch.sigmoid(o) * torch.tanh(cell), cell
        return self.state[0]


class ConvAssociativeLSTM(nn.Module):
    """Gates in the order forget, input, output; candidate, input key and output key are complex."""

    def __init__(self, inputs, channels, kernel, state_kernel=None, stride=1, bias=True):
        super().__init__()
        state_kernel = state_kernel or kernel
        self.stride, self.state, self.gates = stride, None, 9 * channels // 2
        self.weight = nn.Parameter(torch.randn(self.gates, inputs, kernel, kernel))
        self.state_weight = nn.Parameter(
            torch.randn(self.gates, channels, state_kernel, state_kernel)
        )
        self.bias = nn.Parameter(torch.randn(self.gates)) if bias else None

    @staticmethod
    def bound(z):
        return z / z.abs().clamp_min(1)

    def forward(self, x):
        gates = same(x, self.weight, self.bias, self.stride)
        cell = 0
        if self.state is not None:
            hidden, cell = self.state
            gates = gates + same(hidden, self.state_weight)
        real, complex_ = gates.split((self.gates // 3, 2 * self.gates // 3), 1)
        f, i, o = torch.sigmoid(real).chunk(3, 1)
        j, write, read = (
            self.bound(torch.complex(*each.chunk(2, 1))) for each in complex_.chunk(3, 1)
        )
        cell = f * cell + write * (i * j)
        hidden = o * self.bound(read * cell)
        self.state = torch.cat((hidden.real, hidden.imag), 1), cell
        return self.state[0]


class ConvGRU(nn.Module):
    """Gates in the order reset, update, candidate."""

    def __init__(self, inputs, channels, kernel, state_kernel=None, stride=1, bias=True):
        super().__init__()
        state_kernel = state_kernel or kernel
        self.stride, self.state = stride, None
        self.weight = nn.Parameter(torch.randn(3 * channels, inputs, kernel, kernel))
        self.state_weight = nn.Parameter(
            torch.randn(2 * channels, channels, state_kernel, state_kernel)
        )
        self.candidate_weight = nn.Parameter(
            torch.randn(channels, channels, state_kernel, state_kernel)
        )
        self.bias = nn.Parameter(torch.randn(3 * channels)) if bias else None

    def forward(self, x):
        r, z, candidate = same(x, self.weight, self.bias, self.stride).chunk(3, 1)
        hidden = 0
        if self.state is not None:
            hidden = self.state
            more_r, more_z = same(hidden, self.state_weight).chunk(2, 1)
            z, r = z + more_z, r + more_r
            candidate = candidate + same(torch.sigmoid(r) * hidden, self.candidate_weight)
        z = torch.sigmoid(z)
        self.state = (1 - z) * hidden + z * torch.tanh(candidate)
        return self.state


class Binarize(nn.Module):
    """The sign, with the gradient of the identity."""

    def forward(self, x):
        bits = torch.where(x >= 0, 1.0, -1.0)
        return x + (bits - x).detach()


class Recurrent(nn.Module):
    """The three reconstructions of Toderici et al. (2017), section 3.2."""

    def __init__(self, encoder, decoder, iterations, reconstruction, gain=None):
        super().__init__()
        self.encoder, self.decoder, self.gain = encoder, decoder, gain
        self.iterations, self.reconstruction = iterations, reconstruction

    def forward(self, x):
        for module in self.modules():
            if isinstance(module, ConvLSTM | ConvAssociativeLSTM | ConvGRU):
                module.state = None
        image, images, codes = torch.zeros_like(x), [], []
        for _ in range(self.iterations):
            factor = 1
            if self.gain is not None:
                coarse = self.gain(image)
                factor = functional.interpolate(coarse, x.shape[2:])
            codes.append(self.encoder((x - image) * factor if images else x * factor))
            output = self.decoder(codes[-1])
            image = output if self.reconstruction == "one_shot" else image + output / factor
            images.append(image)
        return images, codes
