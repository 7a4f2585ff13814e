"""The settings of a training run, checked, JSON-able, and resolved for the machine at hand."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgcomp import _core
from imgcomp._checks import choice, flag, real_number, seed_number, whole_number
from imgcomp.errors import UsageError

if TYPE_CHECKING:
    from imgcomp.models import Model

_Check = Callable[[str, object], object]


def _one_of(*allowed: str) -> _Check:
    return lambda name, value: choice(name, value, allowed)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a string, not {value!r}")
    return value


def _betas(name: str, value: object) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise UsageError(f"{name} must be two numbers, not {value!r}")
    first, second = (
        real_number(f"{name}[{i}]", beta, 0, 1, below=True) for i, beta in enumerate(value)
    )
    return first, second


def _epochs(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise UsageError(f"{name} must be whole numbers, e.g. (1, 10), not {value!r}")
    return tuple(whole_number(f"every one of {name}", epoch) for epoch in value)


def _metrics(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise UsageError(f"{name} must be names, e.g. ('precision', 'recall'), not {value!r}")
    names = [
        choice(f"every one of {name}", each, ("precision", "recall", "ms_ssim")) for each in value
    ]
    if len(set(names)) != len(names):
        raise UsageError(f"{name} must be different, not {value!r}")
    return tuple(names)


def _objective(name: str, value: object) -> str:
    text = _text(name, value)
    _core.check_objective(text)
    return text


_CHECKS: dict[str, _Check] = {
    "objective": _objective,
    "metrics": _metrics,
    "optimizer": _one_of("sgd", "adam", "adamw"),
    "lr": real_number,
    "momentum": lambda name, value: real_number(name, value, 0, 1, below=True),
    "weight_decay": real_number,
    "betas": _betas,
    "eps": lambda name, value: real_number(name, value, above=True),
    "schedule": _one_of("constant", "step", "exponential", "cosine"),
    "gamma": lambda name, value: real_number(name, value, above=True),
    "step_epochs": whole_number,
    "final_fraction": lambda name, value: real_number(name, value, 0, 1),
    "warmup_epochs": real_number,
    "epochs": whole_number,
    "batch_size": whole_number,
    "evaluation_batch_size": whole_number,
    "seed": seed_number,
    "shuffle": flag,
    "drop_last": flag,
    "precision": _one_of("fp32", "bf16", "auto"),
    "memory_format": _one_of("contiguous", "channels_last", "auto"),
    "threads": lambda name, value: whole_number(name, value, 1, 1024),
    "grad_clip": lambda name, value: real_number(name, value, above=True),
    "keep_best": _text,
    "patience": whole_number,
    "log_batches": flag,
    "keep_epochs": _epochs,
}


@dataclass(frozen=True)
class FitConfig:
    """How :func:`imgcomp.fit` trains.

    Attributes:
        objective: ``"mse"``, ``"l1"``, ``"bce"``, ``"ms_ssim"`` (1 − MS-SSIM, adaptive), ``"rate"``
            (estimated bits per pixel, of a network whose encoder ends with
            :func:`imgcomp.models.layers.entropy_model`), ``"judge"`` (what a classifier makes of
            it, see ``judge`` of :func:`imgcomp.fit`) or a sum of these with positive factors, such
            as ``"0.84*ms_ssim+0.16*l1"`` or ``"rate+300*mse"`` (autoencoders; of several iterations
            the mean); in a network of several rates a factor may be ``lambda``, each image's own,
            as in ``"rate+lambda*mse"``; ``"cross_entropy"`` (classifiers); None: ``"mse"`` or
            ``"cross_entropy"`` by the network's task.
        metrics: further columns: for classifiers ``"precision"`` and ``"recall"`` as Keras counts
            them, one-hot targets against softmax outputs above ½, pooled over classes and over
            the epoch; for autoencoders ``"ms_ssim"``, adaptive.
        optimizer: ``"sgd"``, ``"adam"`` or ``"adamw"``, with the updates of torch.optim.
        lr: learning rate before the schedule.
        momentum: of SGD, in [0, 1).
        weight_decay: L2 term for SGD and Adam, decoupled for AdamW.
        betas, eps: of Adam and AdamW.
        schedule: ``"constant"``, ``"step"`` (times ``gamma`` every ``step_epochs`` epochs),
            ``"exponential"`` (times ``gamma`` every epoch) or ``"cosine"`` (to ``final_fraction``
            of the rate at the end).
        warmup_epochs: the rate rises linearly over so many epochs first; may be a fraction.
        epochs: passes over the training images.
        batch_size: images per step; the last batch of an epoch may be smaller.
        evaluation_batch_size: images at a time where nothing is trained.
        seed: of the order and of dropout. With the same seed, machine and thread count, results
            are identical. (The weights' seed belongs to the model.)
        shuffle: a new order in each epoch.
        drop_last: leave out a last, smaller batch.
        precision: ``"fp32"``; ``"bf16"``: bfloat16 products, float32 parameters and sums;
            ``"auto"``: bf16 where the machine and the network make it faster, see
            :func:`resolve_precision`.
        memory_format: of images and convolution weights: ``"contiguous"`` (NCHW),
            ``"channels_last"`` or ``"auto"``, see :func:`resolve_memory_format`.
        threads: for this run; None: as many as torch is set to use.
        grad_clip: bound on the norm of all gradients together.
        keep_best: a column of the history, e.g. ``"val_loss"``: at the end the model has the
            weights of the epoch where it was best (highest for PSNR and accuracy).
        patience: stop after so many epochs without a better ``keep_best`` column.
        log_batches: also keep the loss and the metrics of every single batch, and as
            ``"running_…"`` their means over the epoch so far.
        keep_epochs: epochs whose checkpoint is kept beside the running one, as
            ``NAME.epoch-0001.safetensors``.
    """

    objective: str | None = None
    metrics: tuple[str, ...] = ()
    optimizer: str = "adam"
    lr: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    schedule: str = "constant"
    gamma: float = 0.1
    step_epochs: int = 30
    final_fraction: float = 0.0
    warmup_epochs: float = 0.0
    epochs: int = 10
    batch_size: int = 128
    evaluation_batch_size: int = 500
    seed: int = 0
    shuffle: bool = True
    drop_last: bool = False
    precision: str = "fp32"
    memory_format: str = "auto"
    threads: int | None = None
    grad_clip: float | None = None
    keep_best: str | None = None
    patience: int | None = None
    log_batches: bool = False
    keep_epochs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Checks every setting and brings it to its plain type, so that it can go into JSON.

        Raises:
            UsageError: names the setting, what it may be and what came.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            optional = field.default is None
            if not (optional and value is None):
                object.__setattr__(self, field.name, _CHECKS[field.name](field.name, value))

    @classmethod
    def create(cls, config: FitConfig | Mapping[str, Any] | None, **overrides: Any) -> FitConfig:
        """A config from another one or a mapping, with some fields changed.

        Raises:
            UsageError: an unknown field, with the known ones; or a bad value.
        """
        values: dict[str, Any] = {}
        if isinstance(config, FitConfig):
            values.update({f.name: getattr(config, f.name) for f in dataclasses.fields(config)})
        elif isinstance(config, Mapping):
            values.update(config)
        elif config is not None:
            raise UsageError(f"config must be a FitConfig or a dict, not {type(config).__name__}")
        values.update(overrides)
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(values.keys() - known)
        if unknown:
            raise UsageError(
                f"unknown setting {unknown[0]!r}; the settings are: {', '.join(sorted(known))}"
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-able data."""
        return {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in dataclasses.fields(self)
            for value in [getattr(self, field.name)]
        }


def resolve_precision(precision: str, model: Model) -> str:
    """What ``"auto"`` means for this network on this machine.

    bfloat16 pays where the processor multiplies it much faster than float32, which is measured
    once, and where each layer has enough to multiply to outweigh the conversions: convolutions over
    whole images with tens of channels do, dense layers at small batches and small strided
    convolutions measured slower.
    """
    if precision != "auto":
        return precision
    if model.device.type == "cuda":
        import torch

        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    per_layer = model.multiply_adds / max(1, len(model.parameters()) // 2)
    enough = per_layer >= _BF16_MULTIPLY_ADDS
    return "bf16" if enough and _bf16_speedup() >= _BF16_SPEEDUP else "fp32"


# Multiply–adds per image and weighted layer from which bfloat16 is used.
_BF16_MULTIPLY_ADDS = 1_000_000
# How much faster its products must be. Float32 convolutions run close to the processor's rate.
_BF16_SPEEDUP = 1.8


@functools.cache
def _bf16_speedup() -> float:
    """Seconds of a float32 matrix product over those of the same in bfloat16, on this processor."""
    import torch

    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        factor = torch.ones(384, 384, dtype=dtype)
        times = []
        for _ in range(6):
            begin = time.perf_counter()
            torch.mm(factor, factor)
            times.append(time.perf_counter() - begin)
        seconds[dtype] = min(times)
    return seconds[torch.float32] / seconds[torch.bfloat16]


def resolve_memory_format(memory_format: str, model: Model) -> str:
    """What ``"auto"`` means: channels_last where there are convolutions, as it measures faster."""
    if memory_format != "auto":
        return memory_format
    return "channels_last" if model._core.has_convolutions else "contiguous"


def resolve_objective(objective: str | None, model: Model) -> str:
    """The objective asked for, or the usual one of the network's task."""
    if objective is not None:
        return objective
    return "cross_entropy" if model.spec["task"] == "classifier" else "mse"


def core_config(config: FitConfig, model: Model) -> _core.TrainerConfig:
    """The settings as the C++ loop takes them."""
    core = _core.TrainerConfig()
    core.objective = resolve_objective(config.objective, model)
    core.metrics = list(config.metrics)
    core.set_optimizer(
        config.optimizer, config.momentum, config.weight_decay, config.betas, config.eps
    )
    core.set_schedule(
        config.schedule,
        config.gamma,
        config.step_epochs,
        config.final_fraction,
        config.warmup_epochs,
    )
    core.learning_rate = config.lr
    core.epochs = config.epochs
    core.batch_size = config.batch_size
    core.evaluation_batch_size = config.evaluation_batch_size
    core.seed = config.seed
    core.shuffle = config.shuffle
    core.drop_last = config.drop_last
    core.bf16 = resolve_precision(config.precision, model) == "bf16"
    core.channels_last = resolve_memory_format(config.memory_format, model) == "channels_last"
    core.threads = config.threads or 0
    core.gradient_clip = config.grad_clip
    core.monitor = config.keep_best or ""
    core.patience = config.patience or 0
    core.log_batches = config.log_batches
    return core
