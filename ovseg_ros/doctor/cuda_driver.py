"""The CUDA driver asked directly, so that nothing needs to be installed to see a GPU.

Through ctypes: before anything is installed is when a doctor is called.
"""

from __future__ import annotations

import ctypes
from typing import Any

_LIBRARY = "libcuda.so.1"
# CUdevice_attribute
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_NO_DEVICE = 100


class CudaDriverError(Exception):
    """The driver answered a call with an error."""


def read_driver() -> dict[str, Any] | None:
    """Return the CUDA version of the driver and its devices; None without a driver.

    Free memory is what a process gets that starts now. Raises `CudaDriverError`.
    """
    try:
        cuda = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    cuda_version = ctypes.c_int()
    _call(cuda, "cuDriverGetVersion", ctypes.byref(cuda_version))
    code = cuda.cuInit(0)
    if code not in (0, _NO_DEVICE):
        raise CudaDriverError(_words(cuda, "cuInit", code))
    count = ctypes.c_int()
    if code == 0:
        _call(cuda, "cuDeviceGetCount", ctypes.byref(count))
    return {
        "cuda": [cuda_version.value // 1000, cuda_version.value % 1000 // 10],
        "devices": [_device(cuda, number) for number in range(count.value)],
    }


def _device(cuda: ctypes.CDLL, number: int) -> dict[str, Any]:
    device = ctypes.c_int()
    _call(cuda, "cuDeviceGet", ctypes.byref(device), number)
    name = ctypes.create_string_buffer(256)
    _call(cuda, "cuDeviceGetName", name, len(name), device)
    free_bytes, total_bytes = _memory(cuda, device)
    return {
        "name": name.value.decode(errors="replace"),
        "capability": [
            _attribute(cuda, device, _CAPABILITY_MAJOR),
            _attribute(cuda, device, _CAPABILITY_MINOR),
        ],
        "free_bytes": free_bytes,
        "total_bytes": total_bytes,
    }


def _memory(cuda: ctypes.CDLL, device: ctypes.c_int) -> tuple[int | None, int]:
    """Return (free, total) in bytes; free is None where the GPU has no room for a context."""
    total = ctypes.c_size_t()
    _call(cuda, "cuDeviceTotalMem_v2", ctypes.byref(total), device)
    context = ctypes.c_void_p()
    if cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
        return None, total.value
    free = ctypes.c_size_t()
    _call(cuda, "cuCtxSetCurrent", context)
    _call(cuda, "cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    return free.value, total.value


def _attribute(cuda: ctypes.CDLL, device: ctypes.c_int, attribute: int) -> int:
    value = ctypes.c_int()
    _call(cuda, "cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
    return value.value


def _call(cuda: ctypes.CDLL, function: str, *arguments: Any) -> None:
    code = getattr(cuda, function)(*arguments)
    if code:
        raise CudaDriverError(_words(cuda, function, code))


def _words(cuda: ctypes.CDLL, function: str, code: int) -> str:
    text = ctypes.c_char_p()
    known = cuda.cuGetErrorString(code, ctypes.byref(text)) == 0 and text.value
    return f"{function}: {known.decode() if known else 'unknown error'} (CUDA error {code})"
