"""
C++ core of imgcomp; the public interface is the Python package around it.
"""

from __future__ import annotations
import collections.abc
import torch
import typing

__all__: list[str] = [
    "BinaryDecoder",
    "BinaryEncoder",
    "BuildInfo",
    "ContextNetwork",
    "FrequencyTables",
    "Interruptible",
    "Model",
    "OpenStreams",
    "Pipeline",
    "PreprocessSteps",
    "TablePattern",
    "Trainer",
    "TrainerConfig",
    "build_info",
    "check_objective",
    "confusion_matrix",
    "count_parallel_threads",
    "crc32c",
    "decode_codes",
    "distortions",
    "encode_images",
    "evaluate",
    "fit_frequencies",
    "gather_scale",
    "image_statistics",
    "layer_kinds",
    "ms_ssim",
    "mse_per_image",
    "pool_matrix",
    "precision_recall_f1",
    "predict",
    "psnr_from_mse",
    "reconstruct",
    "refine_steps",
    "spline_matrix",
    "ssim",
    "to_bytes",
]

class BuildInfo:
    """
    How the extension module was built.
    """
    @property
    def build_type(self) -> str: ...
    @property
    def compiler(self) -> str: ...
    @property
    def cuda_version(self) -> str: ...
    @property
    def cxx_standard(self) -> int: ...
    @property
    def openmp(self) -> bool: ...
    @property
    def torch_version(self) -> str: ...
    @property
    def version(self) -> str: ...

class Interruptible:
    """
    A context in which the core's long passes that this thread begins ask `check()`, some ten times a second, and end with what it raises.
    """
    def __enter__(self) -> Interruptible: ...
    def __exit__(self, kind: typing.Any, error: typing.Any, trace: typing.Any) -> None: ...
    def __init__(self, check: collections.abc.Callable[[], None]) -> None: ...

class Model:
    """
    A network built from its spec.
    """
    def __init__(
        self,
        spec: dict[str, typing.Any],
        seed: typing.SupportsInt | typing.SupportsIndex = 0,
        max_parameters: typing.SupportsInt | typing.SupportsIndex | None = None,
    ) -> None: ...
    def decode(self, code: torch.Tensor) -> torch.Tensor: ...
    def encode(self, x: torch.Tensor) -> torch.Tensor: ...
    def forward(self, x: torch.Tensor) -> torch.Tensor: ...
    def parameters(self) -> list[tuple[str, torch.Tensor]]:
        """
        Name and tensor of every parameter, in the order of creation; memory is shared.
        """
    def reconstructions(self, x: torch.Tensor) -> list[torch.Tensor]: ...
    def summary(self) -> str: ...
    def to(self, device: str) -> None: ...
    @property
    def activations(self) -> int: ...
    @property
    def code_shape(self) -> list[int]:
        """
        Of one image; autoencoders only.
        """
    @property
    def device(self) -> str: ...
    @property
    def has_convolutions(self) -> bool: ...
    @property
    def multiply_adds(self) -> int: ...
    @property
    def num_parameters(self) -> int: ...
    @property
    def output_shape(self) -> list[int]:
        """
        Of the last part, without the batch axis.
        """
    @property
    def spec(self) -> dict[str, typing.Any]: ...

class PreprocessSteps:
    """
    Steps of a Pipeline; see imgcomp.preprocess.
    """
    def __init__(self) -> None: ...
    def flip(self, horizontal: bool, vertical: bool) -> None: ...
    def gaussian_noise(self, deviation: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    def pool(
        self,
        window: typing.SupportsInt | typing.SupportsIndex,
        step: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def rotate90(self) -> None: ...
    def salt_and_pepper(
        self,
        amount: typing.SupportsFloat | typing.SupportsIndex,
        low: typing.SupportsFloat | typing.SupportsIndex,
        high: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...
    def scale(
        self,
        low: typing.SupportsFloat | typing.SupportsIndex,
        high: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...
    def shift(
        self,
        pixels: typing.SupportsInt | typing.SupportsIndex,
        fill: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...
    def spline(
        self,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        order: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def standardize(self, mean: torch.Tensor, deviation: torch.Tensor) -> None: ...

class Pipeline:
    """
    Steps compiled for images of one shape; see imgcomp.preprocess.Pipeline.
    """
    def __init__(
        self,
        steps: PreprocessSteps,
        input_shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> None: ...
    def run(
        self,
        images: torch.Tensor,
        index: torch.Tensor,
        seed: typing.SupportsInt | typing.SupportsIndex,
        epoch: typing.SupportsInt | typing.SupportsIndex,
        noise: bool,
        bfloat16: bool,
        channels_last: bool,
        output: torch.Tensor | None,
    ) -> torch.Tensor: ...
    @property
    def has_geometry(self) -> bool: ...
    @property
    def has_noise(self) -> bool: ...
    @property
    def input_shape(self) -> list[int]: ...
    @property
    def num_passes(self) -> int: ...
    @property
    def output_shape(self) -> list[int]: ...

class TrainerConfig:
    """
    Settings of a Trainer; see imgcomp.FitConfig.
    """

    bf16: bool
    channels_last: bool
    drop_last: bool
    log_batches: bool
    monitor: str
    objective: str
    shuffle: bool
    def __init__(self) -> None: ...
    def set_optimizer(
        self,
        name: str,
        momentum: typing.SupportsFloat | typing.SupportsIndex,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex,
        betas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
        eps: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...
    def set_schedule(
        self,
        name: str,
        gamma: typing.SupportsFloat | typing.SupportsIndex,
        step_epochs: typing.SupportsInt | typing.SupportsIndex,
        final_fraction: typing.SupportsFloat | typing.SupportsIndex,
        warmup_epochs: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...
    @property
    def batch_size(self) -> int: ...
    @batch_size.setter
    def batch_size(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def epochs(self) -> int: ...
    @epochs.setter
    def epochs(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def evaluation_batch_size(self) -> int: ...
    @evaluation_batch_size.setter
    def evaluation_batch_size(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def gradient_clip(self) -> float | None: ...
    @gradient_clip.setter
    def gradient_clip(self, arg0: typing.SupportsFloat | typing.SupportsIndex | None) -> None: ...
    @property
    def learning_rate(self) -> float: ...
    @learning_rate.setter
    def learning_rate(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def metrics(self) -> list[str]: ...
    @metrics.setter
    def metrics(self, arg0: collections.abc.Sequence[str]) -> None: ...
    @property
    def patience(self) -> int: ...
    @patience.setter
    def patience(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def seed(self) -> int: ...
    @seed.setter
    def seed(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def threads(self) -> int: ...
    @threads.setter
    def threads(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class Trainer:
    """
    The training loop; imgcomp.fit is its public face.
    """
    def __init__(
        self,
        model: Model,
        images: torch.Tensor,
        targets: torch.Tensor | None,
        labels: torch.Tensor | None,
        validation_images: torch.Tensor | None,
        validation_targets: torch.Tensor | None,
        validation_labels: torch.Tensor | None,
        config: TrainerConfig,
        preprocess: Pipeline | None = None,
        validation_preprocess: Pipeline | None = None,
        judge: Model | None = None,
    ) -> None: ...
    def restore(self, state: dict[str, typing.Any]) -> None: ...
    def run(
        self,
        on_epoch: collections.abc.Callable[[], bool],
        on_progress: collections.abc.Callable[[int, int, int, float], bool],
    ) -> str: ...
    def snapshot(self) -> dict[str, typing.Any]: ...
    @property
    def epoch(self) -> int: ...
    @property
    def last_metrics(self) -> dict[str, float]: ...
    @property
    def steps_per_epoch(self) -> int: ...

class TablePattern:
    """
    Which table each symbol goes by; see imgcomp.codec.
    """
    def __init__(
        self, indexes: torch.Tensor, tables: typing.SupportsInt | typing.SupportsIndex
    ) -> None: ...

class FrequencyTables:
    """
    Integer probabilities; see imgcomp.codec.
    """
    def __init__(
        self,
        frequencies: torch.Tensor,
        sizes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        smallest: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        escapes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        precision: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def __len__(self) -> int: ...
    def decode(
        self,
        pattern: TablePattern,
        stream: bytes,
        shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> torch.Tensor: ...
    def decode_batch(
        self,
        pattern: TablePattern,
        streams: collections.abc.Sequence[bytes],
        shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> torch.Tensor: ...
    def encode(self, pattern: TablePattern, symbols: torch.Tensor) -> bytes: ...
    def encode_batch(self, pattern: TablePattern, symbols: torch.Tensor) -> list[bytes]: ...
    def information(self, pattern: TablePattern, symbols: torch.Tensor) -> float: ...
    def table(
        self, index: typing.SupportsInt | typing.SupportsIndex
    ) -> tuple[int, list[int], int]: ...
    @property
    def precision(self) -> int: ...

class OpenStreams:
    """
    Streams decoded in goes; see imgcomp.codec.
    """
    def __init__(
        self, tables: FrequencyTables, streams: collections.abc.Sequence[bytes]
    ) -> None: ...
    def __len__(self) -> int: ...
    def check_end(self) -> None: ...
    def decode(
        self,
        pattern: TablePattern,
        shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> torch.Tensor: ...

class ContextNetwork:
    """
    Means and scales in whole numbers.
    """
    def __init__(
        self,
        hidden: typing.SupportsInt | typing.SupportsIndex,
        kernel: typing.SupportsInt | typing.SupportsIndex,
        mean_bins: typing.SupportsInt | typing.SupportsIndex,
        scale_bins: typing.SupportsInt | typing.SupportsIndex,
        least_scale: typing.SupportsInt | typing.SupportsIndex,
        scale_step: typing.SupportsInt | typing.SupportsIndex,
        weights: collections.abc.Sequence[
            typing.Annotated[collections.abc.Sequence[torch.Tensor], "FixedSize(6)"]
        ],
        bits: collections.abc.Sequence[
            typing.Annotated[
                collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"
            ]
        ],
        sizes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> None: ...
    def check_bias(self, bias: torch.Tensor) -> None: ...
    def predict(
        self,
        symbols: torch.Tensor,
        of_pass: typing.SupportsInt | typing.SupportsIndex,
        bias: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]: ...
    @property
    def passes(self) -> int: ...
    @property
    def tables(self) -> int: ...

class BinaryEncoder:
    """
    Streams of bits; see imgcomp.codec.
    """
    def __init__(self, contexts: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def encode(self, bits: torch.Tensor, contexts: torch.Tensor) -> None: ...
    def encode_raw(
        self, values: torch.Tensor, bits: typing.SupportsInt | typing.SupportsIndex
    ) -> None: ...
    def end_part(self) -> None: ...
    def finish(self) -> tuple[bytes, list[int]]: ...
    @property
    def contexts(self) -> int: ...

class BinaryDecoder:
    """
    Streams of bits; see imgcomp.codec.
    """
    def __init__(
        self, stream: bytes, contexts: typing.SupportsInt | typing.SupportsIndex
    ) -> None: ...
    def decode(self, contexts: torch.Tensor) -> torch.Tensor: ...
    def decode_raw(
        self,
        bits: typing.SupportsInt | typing.SupportsIndex,
        shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> torch.Tensor: ...
    @property
    def at_end(self) -> bool: ...
    @property
    def contexts(self) -> int: ...
    @property
    def is_certain(self) -> bool: ...

def build_info() -> BuildInfo:
    """
    How the extension module was built.
    """

def check_objective(name: str) -> None:
    """
    UsageError unless there is such an objective.
    """

def confusion_matrix(
    target: torch.Tensor,
    prediction: torch.Tensor,
    num_classes: typing.SupportsInt | typing.SupportsIndex,
) -> torch.Tensor: ...
def count_parallel_threads(tasks: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    The number of threads that at::parallel_for really used for `tasks` short tasks.
    """

def crc32c(data: bytes, before: typing.SupportsInt | typing.SupportsIndex = 0) -> int: ...
def decode_codes(
    model: Model,
    codes: torch.Tensor,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    level: typing.SupportsFloat | typing.SupportsIndex | None = None,
) -> torch.Tensor: ...
def distortions(
    model: Model,
    images: torch.Tensor,
    outputs: torch.Tensor,
    level: typing.SupportsFloat | typing.SupportsIndex,
    objective: str,
    judge: Model | None = None,
) -> torch.Tensor: ...
def encode_images(
    model: Model,
    images: torch.Tensor,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    level: typing.SupportsFloat | typing.SupportsIndex | None = None,
    rounds: bool = True,
) -> torch.Tensor: ...
def evaluate(
    model: Model,
    images: torch.Tensor,
    targets: torch.Tensor | None,
    labels: torch.Tensor | None,
    objective: str,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    preprocess: Pipeline | None = None,
    judge: Model | None = None,
) -> dict[str, float]: ...
def fit_frequencies(
    counts: torch.Tensor, precision: typing.SupportsInt | typing.SupportsIndex
) -> list[int]: ...
def gather_scale(
    images: torch.Tensor,
    index: torch.Tensor,
    data_range: typing.Annotated[
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], "FixedSize(2)"
    ],
    channels_last: bool,
) -> torch.Tensor: ...
def image_statistics(
    images: torch.Tensor, per_channel: bool
) -> tuple[torch.Tensor, torch.Tensor]: ...
def layer_kinds() -> list[str]:
    """
    All layer kinds that a spec may name, sorted.
    """

def ms_ssim(
    x: torch.Tensor,
    y: torch.Tensor,
    variant: str,
    window: typing.SupportsInt | typing.SupportsIndex | None,
    scales: typing.SupportsInt | typing.SupportsIndex | None,
    data_range: typing.SupportsFloat | typing.SupportsIndex,
) -> torch.Tensor: ...
def mse_per_image(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor: ...
def pool_matrix(
    in_size: typing.SupportsInt | typing.SupportsIndex,
    window: typing.SupportsInt | typing.SupportsIndex,
    step: typing.SupportsInt | typing.SupportsIndex,
) -> torch.Tensor: ...
def precision_recall_f1(
    confusion: torch.Tensor, average: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]: ...
def predict(
    model: Model, images: torch.Tensor, batch_size: typing.SupportsInt | typing.SupportsIndex
) -> torch.Tensor: ...
def psnr_from_mse(
    mse: torch.Tensor, peak: typing.SupportsFloat | typing.SupportsIndex
) -> torch.Tensor: ...
def reconstruct(
    model: Model, images: torch.Tensor, batch_size: typing.SupportsInt | typing.SupportsIndex
) -> torch.Tensor: ...
def refine_steps(
    model: Model,
    images: torch.Tensor,
    steps: torch.Tensor,
    level: typing.SupportsFloat | typing.SupportsIndex,
    objective: str,
    rounds: typing.SupportsInt | typing.SupportsIndex,
    judge: Model | None = None,
) -> torch.Tensor: ...
def spline_matrix(
    in_size: typing.SupportsInt | typing.SupportsIndex,
    out_size: typing.SupportsInt | typing.SupportsIndex,
    order: typing.SupportsInt | typing.SupportsIndex,
) -> torch.Tensor: ...
def ssim(
    x: torch.Tensor, y: torch.Tensor, data_range: typing.SupportsFloat | typing.SupportsIndex
) -> torch.Tensor: ...
def to_bytes(
    values: torch.Tensor,
    data_range: typing.Annotated[
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], "FixedSize(2)"
    ],
) -> torch.Tensor: ...

__version__: str
