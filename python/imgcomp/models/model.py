"""Networks as Python objects: the C++ model of a spec, taking tensors and NumPy arrays alike."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from imgcomp import _core
from imgcomp._checks import seed_number, whole_number
from imgcomp.errors import SpecError, UsageError
from imgcomp.models import sizes
from imgcomp.models.specs import Spec

ArrayLike: TypeAlias = torch.Tensor | npt.NDArray[Any]

_TASKS = ("autoencoder", "classifier")


def as_tensor(x: object, what: str) -> torch.Tensor:
    """Takes a tensor as it is and a NumPy array without a copy where that is possible.

    Raises:
        UsageError: for anything else; ``what`` names the argument.
    """
    if isinstance(x, torch.Tensor):
        if x.is_meta or x.layout != torch.strided:
            kind = "one without data (meta)" if x.is_meta else f"one of layout {x.layout}"
            raise UsageError(f"{what} must be a dense tensor, not {kind}")
        return x
    if isinstance(x, np.ndarray):
        # Read-only, negatively strided or byte-swapped arrays cannot be shared with torch.
        shareable = x.flags.writeable and all(stride >= 0 for stride in x.strides)
        if not x.dtype.isnative:
            x, shareable = x.astype(x.dtype.newbyteorder("=")), True
        try:
            return torch.from_numpy(x if shareable else x.copy())
        except (TypeError, ValueError) as error:
            raise UsageError(f"{what}: {error}") from None
    raise UsageError(f"{what} must be a torch.Tensor or a NumPy array, not {type(x).__name__}")


class Model:
    """A network built from its spec, with its weights.

    Use :func:`from_spec`, one of the constructors in :mod:`imgcomp.models`, or
    :func:`imgcomp.load`.
    """

    _task: ClassVar[str | None] = None  # what the spec of a subclass must say

    def __init__(self, spec: Spec, seed: int = 0, *, max_parameters: int | None = None) -> None:
        """Builds the network and draws its weights.

        Args:
            spec: see :func:`autoencoder_spec` and :func:`classifier_spec`.
            seed: of the weights; the same seed gives the same weights on every machine.
            max_parameters: more is an error before memory is taken for them, for specs that come
                from elsewhere; None for any number.

        Raises:
            SpecError: the spec cannot be built; names the layer, what it expected and what came.
        """
        if not isinstance(spec, dict):
            raise SpecError(f"a spec is a dict, not {type(spec).__name__}")
        task = spec.get("task")
        if self._task is not None and task in _TASKS and task != self._task:
            raise SpecError(
                f"{type(self).__name__} takes a spec whose task is {self._task!r}, not {task!r}"
            )
        with torch.inference_mode(False):  # weights made in inference mode could not be trained
            self._core = _core.Model(spec, seed_number("seed", seed), max_parameters)
        self._in_training = threading.Lock()  # held by fit

    @property
    def spec(self) -> Spec:
        """The spec as JSON-able data, every layer's name filled in."""
        spec: Spec = self._core.spec
        return spec

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        channels, height, width = self.spec["input_shape"]
        return channels, height, width

    @property
    def data_range(self) -> tuple[float, float]:
        """The values that bytes 0 and 255 stand for."""
        low, high = self.spec["data_range"]
        return low, high

    @property
    def num_parameters(self) -> int:
        """Number of trainable values; a tied weight counts once."""
        return self._core.num_parameters

    @property
    def multiply_adds(self) -> int:
        """Multiply–add operations for one image, forward."""
        return self._core.multiply_adds

    @property
    def activations(self) -> int:
        """Number of values that all layers give for one image together."""
        return self._core.activations

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device(self._core.device)

    def to(self, device: str | torch.device) -> Model:
        """Moves the weights in place and returns the model.

        Raises:
            UsageError: there is no such device here.
        """
        try:
            with torch.inference_mode(False):
                self._core.to(str(torch.device(device)))
        except (RuntimeError, TypeError) as error:
            raise UsageError(f"cannot use device {str(device)!r}: {error}") from None
        return self

    def summary(self) -> str:
        """A table of the layers: output shape, parameters and multiply–adds of each."""
        return self._core.summary()

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The weights by name, in the order of creation. They share memory with the model."""
        return {name: tensor.detach() for name, tensor in self._core.parameters()}

    def parameters(self) -> list[torch.Tensor]:
        """The trainable tensors themselves, as an optimiser of torch.optim takes them."""
        return [tensor for _, tensor in self._core.parameters()]

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copies weights into the model.

        Raises:
            UsageError: names or shapes differ from the model's; nothing has been copied then.
        """
        if not isinstance(state, Mapping):
            raise UsageError(f"weights are a mapping of tensors, not {type(state).__name__}")
        own = self.state_dict()
        missing, extra = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or extra:
            raise UsageError(
                "the weights do not belong to this network: "
                f"missing {sorted(missing) or 'none'}, unknown {sorted(extra) or 'none'}"
            )
        new = {name: as_tensor(state[name], f"the weight {name!r}").detach() for name in own}
        for name, tensor in own.items():
            if new[name].shape != tensor.shape or not new[name].is_floating_point():
                raise UsageError(
                    f"the weight {name!r} must be floating point of shape {tuple(tensor.shape)}, "
                    f"not {new[name].dtype} of shape {tuple(new[name].shape)}"
                )
        for name, tensor in own.items():
            tensor.copy_(new[name])

    def copy(self) -> Model:
        """The same network with weights of its own."""
        twin = type(self)(self.spec)
        twin.to(self.device)
        twin.load_state_dict(self.state_dict())
        return twin

    def forward(self, x: ArrayLike) -> torch.Tensor:
        """The network's output for a batch.

        Args:
            x: (N, C, H, W), floating point, in :attr:`data_range`.

        Returns:
            Autoencoder: reconstructions (N, C, H, W). Classifier: logits (N, K). float32.

        Raises:
            UsageError: wrong shape, dtype or an empty batch.
        """
        return self._core.forward(self._input(x))

    __call__ = forward

    def to_torch(self) -> torch.nn.Module:
        """A plain torch.nn.Module with a copy of the weights and the same outputs within 1e-6."""
        from imgcomp.models.torch_bridge import to_torch

        return to_torch(self)

    def _input(self, x: ArrayLike) -> torch.Tensor:
        tensor = as_tensor(x, "the input")
        if tensor.dtype in (torch.float64, torch.float16, torch.bfloat16):
            tensor = tensor.float()
        return tensor.to(self.device)

    def _images(self, images: ArrayLike) -> torch.Tensor:
        return as_tensor(images, "images").contiguous()

    def __copy__(self) -> Model:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self.copy()

    def __repr__(self) -> str:
        shape = "×".join(str(size) for size in self.input_shape)
        return f"{type(self).__name__}({shape}, {self.num_parameters:,} parameters)"


class Autoencoder(Model):
    """A network that encodes images to a code and decodes them again."""

    _task = "autoencoder"

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of the code of one image; with recurrence the iterations come first."""
        return tuple(self._core.code_shape)

    def encode(self, x: ArrayLike) -> torch.Tensor:
        """Images (N, C, H, W) in the data range → codes ``(N, *code_shape)``, float32."""
        return self._core.encode(self._input(x))

    def decode(self, code: ArrayLike) -> torch.Tensor:
        """Codes ``(N, *code_shape)`` → images (N, C, H, W), float32, in the data range.

        With recurrence the code may have fewer iterations: the image is that of the last one.
        """
        return self._core.decode(self._input(code))

    def reconstructions(self, x: ArrayLike) -> list[torch.Tensor]:
        """What comes back after each iteration; one image where there is no recurrence.

        Args:
            x: (N, C, H, W), floating point, in :attr:`data_range`.

        Returns:
            For each iteration (N, C, H, W), float32.
        """
        return self._core.reconstructions(self._input(x))

    def reconstruct(self, images: ArrayLike, batch_size: int = 500) -> torch.Tensor:
        """Images through the network and back to bytes.

        Args:
            images: uint8 (N, C, H, W). A network of convolutions alone takes any height and width:
                the images are padded below and to the right, and what comes back is cropped.
            batch_size: images in flight at a time.

        Returns:
            uint8 (N, C, H, W): rounded to the nearest byte and clamped to 0…255.

        Raises:
            UsageError: wrong shape or dtype, or an empty batch.
            SpecError: another size, which the network cannot give back whatever the padding.
        """
        batch_size = whole_number("batch_size", batch_size)
        given = self._images(images)
        if not sizes.differ(given, self.input_shape) or not sizes.is_convolutional(self.spec):
            return _core.reconstruct(self._core, given, batch_size)
        height, width = given.shape[2:]
        padded = sizes.pad(given, sizes.multiples(self.spec))
        model = self.for_images(*padded.shape[2:])
        output = _core.reconstruct(model._core, padded, batch_size)
        return output[:, :, :height, :width].contiguous()

    def for_images(self, height: int, width: int, iterations: int | None = None) -> Autoencoder:
        """The same network for images of another size, with a copy of the weights.

        Args:
            height: of the images; a multiple of what one value of the code covers, as
                :func:`imgcomp.models.sizes.multiples` gives it.
            width: likewise.
            iterations: of a recurrent network; None for as many as now.

        Raises:
            UsageError: the weights depend on the size of the images, as those of a fully connected
                layer, or the network has no iterations.
            SpecError: the network cannot give images of this size.
        """
        spec = self.spec
        if not sizes.is_convolutional(spec):
            raise UsageError(
                f"{self!r} has fully connected layers, whose weights belong to one size of images"
            )
        height, width = whole_number("height", height), whole_number("width", width)
        spec["input_shape"] = [self.input_shape[0], height, width]
        if iterations is not None:
            if "recurrence" not in spec:
                raise UsageError(f"{self!r} has no recurrence, so no iterations to choose")
            spec["recurrence"]["iterations"] = whole_number("iterations", iterations)
        twin = type(self)(spec)
        twin.to(self.device)
        twin.load_state_dict(self.state_dict())
        return twin


class Classifier(Model):
    """A network that gives each image a logit for each class."""

    _task = "classifier"

    @property
    def num_classes(self) -> int:
        """Number of logits."""
        return self._core.output_shape[0]

    def logits(self, x: ArrayLike) -> torch.Tensor:
        """Images (N, C, H, W) in the data range → logits (N, num_classes), float32."""
        return self.forward(x)

    def predict(self, images: ArrayLike, batch_size: int = 500) -> torch.Tensor:
        """Logits (N, num_classes), float32, of uint8 images (N, C, H, W)."""
        batch_size = whole_number("batch_size", batch_size)
        return _core.predict(self._core, self._images(images), batch_size)


def from_spec(
    spec: Spec, seed: int = 0, *, max_parameters: int | None = None
) -> Autoencoder | Classifier:
    """Builds the network of a spec: an :class:`Autoencoder` or a :class:`Classifier`.

    The arguments are those of :class:`Model`.

    Raises:
        SpecError: the spec cannot be built; names the layer, what it expected and what came.
    """
    task = spec.get("task") if isinstance(spec, dict) else None
    kind = Classifier if task == "classifier" else Autoencoder
    return kind(spec, seed, max_parameters=max_parameters)
