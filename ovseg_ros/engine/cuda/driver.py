"""NVIDIA's driver from Python: cuda-core and cuda-bindings, with their errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ovseg_ros.errors import BackendError, GpuMemoryError, MissingExtraError, OvsegError

EXTRA = "tensorrt"
OUT_OF_MEMORY = "CUDA_ERROR_OUT_OF_MEMORY"
# How the two libraries call it when there is no driver, or only the toolkit's stand-in for one.
_NO_DRIVER = ("DynamicLibNotFoundError", "CUDA_ERROR_STUB_LIBRARY")
_NO_GPU = ("CUDA_ERROR_NO_DEVICE", "CUDA_ERROR_DEVICE_UNAVAILABLE")
_OTHER_ENGINES = "without a GPU use the backend onnxruntime or openvino"


@dataclass(frozen=True)
class Cuda:
    """The modules `cuda.core` and `cuda.bindings.driver`, and the CUDA the latter was made for."""

    core: Any
    driver: Any
    made_for: tuple[int, int]


def import_cuda() -> Cuda:
    """Return the modules; needs no driver. Raises `MissingExtraError`."""
    try:
        import cuda.core as core
        from cuda import bindings
        from cuda.bindings import driver
    except ImportError:
        raise MissingExtraError("cuda.core", EXTRA) from None
    major, minor = bindings.__version__.split(".")[:2]
    return Cuda(core, driver, (int(major), int(minor)))


def require_driver(cuda: Cuda) -> tuple[int, int]:
    """Return the (major, minor) of the CUDA that the driver can do.

    Raises `BackendError` without a driver, and where it is older than the installed modules.
    """
    with explained("asking the driver for its version"):
        number = checked(cuda.driver.cuDriverGetVersion())
    found = (number // 1000, number % 1000 // 10)
    if found == (0, 0):
        raise _no_driver("it reports no CUDA version")
    if found[0] < cuda.made_for[0]:
        raise BackendError(
            f"the NVIDIA driver supports CUDA {found[0]}.{found[1]}, the installed cuda-bindings "
            f"are made for CUDA {cuda.made_for[0]}; update the driver, or run  "
            f"pip install 'cuda-bindings=={found[0]}.*'"
        )
    return found


def checked(result: tuple[Any, ...]) -> Any:
    """Return what a call of `cuda.bindings.driver` gave; for use inside `explained`."""
    status, *values = result
    if int(status) != 0:
        raise RuntimeError(status.name)
    return values[0] if len(values) == 1 else tuple(values)


@contextmanager
def explained(task: str) -> Iterator[None]:
    """Turn an error of the block into a `BackendError` that says what failed and what to do.

    `task` completes 'the GPU failed while ...'. Raises `GpuMemoryError` where memory ran out.
    """
    try:
        yield
    except OvsegError:
        raise
    except Exception as error:  # cuda.core raises types that it does not export, and RuntimeErrors
        raise _in_words(task, error) from None


def _in_words(task: str, error: Exception) -> BackendError:
    text = f"{type(error).__name__}: {error}"
    if any(name in text for name in _NO_DRIVER):
        return _no_driver(str(error))
    if any(name in text for name in _NO_GPU):
        return BackendError(
            f"the NVIDIA driver has no GPU to offer ({error}); check it with  nvidia-smi  and, "
            f"in a container, start that with  --gpus all; {_OTHER_ENGINES}"
        )
    if OUT_OF_MEMORY in text:
        return GpuMemoryError(
            f"the GPU ran out of memory while {task}; close other programs that use it, or build "
            "the engine for fewer labels or a smaller camera"
        )
    return BackendError(f"the GPU failed while {task}: {error}")


def _no_driver(found: str) -> BackendError:
    return BackendError(
        f"no NVIDIA driver was found on this machine ({found}); install one, or start the "
        f"container with  --gpus all  (on a Jetson  --runtime nvidia); {_OTHER_ENGINES}"
    )
