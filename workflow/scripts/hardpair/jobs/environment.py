"""The environment that a command inherits from its caller, without what would change or break its results. Imports nothing heavy."""

import os
import sys

from hardpair.errors import say

AFFECTS_RESULTS = False
# Instruction sets, precisions and algorithms of MKL, oneDNN, ATen, OpenBLAS, NumPy, cuBLAS and cuDNN: each choice computes other bits.
CHANGES_BITS = (
    *("MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "ATEN_CPU_CAPABILITY"),
    *(f"{name}_{limit}" for name in ("ONEDNN", "DNNL") for limit in ("MAX_CPU_ISA", "CPU_ISA_HINTS", "DEFAULT_FPMATH_MODE")),
    *("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
    *("TORCH_BLAS_PREFER_CUBLASLT", "DISABLE_ADDMM_CUDA_LT", "CUBLASLT_WORKSPACE_SIZE", "TORCH_CUBLASLT_UNIFIED_WORKSPACE"),
    *("TORCH_CUDNN_V8_API_DISABLED", "TORCH_CUDNN_USE_HEURISTIC_MODE_B"),
)


def neutral() -> None:
    """Make this process independent of its caller's locale, of a Matplotlib backend, and of variables that change results.

    To be called before torch and Matplotlib are imported. Where file names are not read as UTF-8, the process starts again.
    """
    if sys.getfilesystemencoding().lower() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a test catches it
            stream.reconfigure(errors="backslashreplace")  # for PYTHONIOENCODING=ascii
    os.environ["MPLBACKEND"] = "agg"
    if ignored := [name for name in CHANGES_BITS if os.environ.pop(name, None) is not None]:
        say(f"ignored environment variables that would change results: {', '.join(ignored)}", file=sys.stderr)
