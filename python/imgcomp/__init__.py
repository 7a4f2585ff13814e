"""Small-image compression with neural networks: a C++ core on LibTorch and papers rerun with it."""

from imgcomp import _build_info, _torch_check

_torch_check.check_torch(_build_info.TORCH_VERSION, _build_info.CUDA_VERSION)

from imgcomp import errors  # noqa: E402
from imgcomp._build import build_config  # noqa: E402
from imgcomp._core import __version__  # noqa: E402
from imgcomp.errors import ImgcompError  # noqa: E402

__all__ = ["ImgcompError", "__version__", "build_config", "errors"]
