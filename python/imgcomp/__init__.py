"""Small-image compression with neural networks: a C++ core on LibTorch and papers rerun with it."""

from imgcomp import _build_info, _torch_check

_torch_check.check_torch(_build_info.TORCH_VERSION, _build_info.CUDA_VERSION)

from imgcomp import codec, datasets, errors, metrics, models, preprocess, training  # noqa: E402
from imgcomp._build import build_config  # noqa: E402
from imgcomp._core import __version__  # noqa: E402
from imgcomp.errors import ImgcompError  # noqa: E402
from imgcomp.models.torch_bridge import from_torch  # noqa: E402
from imgcomp.training import FitConfig, History, StopToken, evaluate, fit, load, save  # noqa: E402

__all__ = [
    "FitConfig",
    "History",
    "ImgcompError",
    "StopToken",
    "__version__",
    "build_config",
    "codec",
    "datasets",
    "errors",
    "evaluate",
    "fit",
    "from_torch",
    "load",
    "metrics",
    "models",
    "preprocess",
    "save",
    "training",
]
