"""The way to plain PyTorch and back: a torch.nn.Module with the same weights, and their return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from imgcomp.errors import UsageError
from imgcomp.models.layers import LayerSpec
from imgcomp.models.model import Model

Shape = tuple[int, ...]


class TiedLinear(nn.Module):
    """A linear layer that uses another layer's weight transposed, with a bias of its own."""

    def __init__(self, source: nn.Linear, bias: bool) -> None:
        super().__init__()
        # In a list, so that the source is not registered as a submodule a second time.
        self._source = [source]
        self.bias = nn.Parameter(torch.empty(source.in_features)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, out) of the source → (N, in) of the source."""
        return nn.functional.linear(x, self._source[0].weight.t(), self.bias)


def _conv(
    cls: type[nn.Conv2d] | type[nn.ConvTranspose2d], spec: LayerSpec, shape: Shape
) -> nn.Module:
    names = ("stride", "padding", "output_padding", "dilation", "bias")
    options: dict[str, Any] = {
        key: tuple(spec[key]) if isinstance(spec[key], list) else spec[key]
        for key in ("kernel_size", *names)
        if key in spec
    }
    return cls(shape[0], spec["out_channels"], **options)


def _add(parent: nn.Sequential, name: str, module: nn.Module) -> None:
    # Not add_module: it refuses names that are attributes of a Sequential, such as "append".
    parent._modules[name] = module


def _pool(cls: type[nn.MaxPool2d] | type[nn.AvgPool2d], spec: LayerSpec) -> nn.Module:
    def both(value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    window = both(spec["kernel_size"])
    return cls(window, both(spec.get("stride", window)), both(spec.get("padding", 0)))


class _Unpool(nn.Module):
    """Each value in the upper left of its window of factor × factor, zeros around it."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) → (N, C, factor · H, factor · W)."""
        height, width = (side * self.factor for side in x.shape[2:])
        output = x.new_zeros(*x.shape[:2], height, width)
        output[:, :, :: self.factor, :: self.factor] = x
        return output


class _Affine(nn.Module):
    """factor · x + offset, fixed numbers."""

    def __init__(self, factor: float, offset: float) -> None:
        super().__init__()
        self.factor, self.offset = factor, offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape."""
        return x * self.factor + self.offset


class _Residual(nn.Module):
    """x plus two convolutions of it, with a leaky ReLU between them."""

    def __init__(self, channels: int, hidden: int, kernel: int, slope: float) -> None:
        super().__init__()
        padding = kernel // 2
        self.first = nn.Conv2d(channels, hidden, kernel, padding=padding)
        self.second = nn.Conv2d(hidden, channels, kernel, padding=padding)
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), the same shape."""
        hidden = nn.functional.leaky_relu(self.first(x), self.slope)
        change: torch.Tensor = self.second(hidden)
        return x + change


def _upsample(factor: int, mode: str) -> nn.Module:
    return _Unpool(factor) if mode == "zeros" else nn.Upsample(scale_factor=factor, mode=mode)


_SIMPLE: dict[str, Callable[[LayerSpec], nn.Module]] = {
    "max_pool2d": lambda spec: _pool(nn.MaxPool2d, spec),
    "avg_pool2d": lambda spec: _pool(nn.AvgPool2d, spec),
    "upsample": lambda spec: _upsample(spec.get("factor", 2), spec.get("mode", "nearest")),
    "flatten": lambda spec: nn.Flatten(),
    "depth_to_space": lambda spec: nn.PixelShuffle(spec.get("factor", 2)),
    "relu": lambda spec: nn.ReLU(),
    "elu": lambda spec: nn.ELU(),
    "affine": lambda spec: _Affine(spec.get("factor", 1.0), spec.get("offset", 0.0)),
    "leaky_relu": lambda spec: nn.LeakyReLU(spec.get("negative_slope", 0.01)),
    "sigmoid": lambda spec: nn.Sigmoid(),
    "tanh": lambda spec: nn.Tanh(),
    "dropout": lambda spec: nn.Dropout(spec.get("p", 0.5)),
    "dropout2d": lambda spec: nn.Dropout2d(spec.get("p", 0.5)),
}


class _Reshape(nn.Module):
    """To a fixed shape from any other with as many values."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(x.shape[0], *self.shape)


def _module(spec: LayerSpec, shape: Shape, modules: dict[str, nn.Module]) -> nn.Module:
    kind = spec["kind"]
    if kind == "conv2d":
        return _conv(nn.Conv2d, spec, shape)
    if kind == "conv_transpose2d":
        return _conv(nn.ConvTranspose2d, spec, shape)
    if kind == "dense":
        bias = spec.get("bias", True)
        if "tied_to" in spec:
            source = modules[spec["tied_to"]]
            assert isinstance(source, nn.Linear)  # the core has checked what it is tied to
            return TiedLinear(source, bias)
        return nn.Linear(shape[0], spec["out_features"], bias=bias)
    if kind == "residual":
        kernel, slope = spec.get("kernel_size", 3), spec.get("negative_slope", 0.1)
        return _Residual(shape[0], spec["hidden_channels"], kernel, slope)
    if kind == "reshape":
        return _Reshape(tuple(spec["shape"]))
    if kind in _SIMPLE:
        return _SIMPLE[kind](spec)
    raise UsageError(f"the layer kind {kind!r} has no counterpart in torch.nn")


def to_torch(model: Model) -> nn.Module:
    """A plain module: one ``nn.Sequential`` per part, named as in the spec, weights copied.

    It is in evaluation mode, so that it gives what the model gives; call ``train()`` to train it.

    Raises:
        UsageError: a layer has no counterpart in torch.nn, or the network has iterations or
            several rates.
    """
    if "recurrence" in model.spec:
        raise UsageError("a network of several iterations has no counterpart in torch.nn")
    if "lambdas" in model.spec:
        raise UsageError("a network of several rates has no counterpart in torch.nn")
    # torch.nn draws weights that are replaced at once; it does so on the CPU, whatever the default
    # device and dtype.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        return _to_torch(model).to(model.device, torch.float32)


def _to_torch(model: Model) -> nn.Module:
    network = nn.Sequential()
    modules: dict[str, nn.Module] = {}
    shape: Shape = model.input_shape
    for part, layers in model.spec["parts"].items():
        sequence = nn.Sequential()
        for spec in layers:
            module = _module(spec, shape, modules)
            modules[f"{part}.{spec['name']}"] = module
            _add(sequence, spec["name"], module)
            with torch.no_grad():
                # One image through the new module tells the next one's input shape.
                shape = tuple(module(torch.zeros(1, *shape)).shape[1:])
        _add(network, part, sequence)
    network.load_state_dict(
        {name: tensor.clone() for name, tensor in model.state_dict().items()}, strict=True
    )
    return network.eval()


def from_torch(model: Model, module: nn.Module) -> Model:
    """Copies the weights of a module made by :meth:`Model.to_torch` back into ``model``.

    Args:
        model: the network that the module was made from, or one of the same spec.
        module: the module, trained or altered since.

    Returns:
        ``model``, for chaining.

    Raises:
        UsageError: the module's weights do not belong to this network.
    """
    if not isinstance(model, Model):
        raise UsageError(f"from_torch fills an imgcomp model, not {type(model).__name__}")
    if not isinstance(module, nn.Module):
        raise UsageError(f"from_torch takes a torch.nn.Module, not {type(module).__name__}")
    model.load_state_dict(module.state_dict())
    return model
