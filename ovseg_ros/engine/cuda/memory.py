"""Memory of an NVIDIA GPU, and of the host where the GPU reaches it, owned and freed visibly.

It comes from the plain allocator: pools would keep from other programs what an engine gave back.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.closing import Closing
from ovseg_ros.engine.cuda.device import MB
from ovseg_ros.engine.cuda.driver import OUT_OF_MEMORY, Cuda, checked, explained
from ovseg_ros.errors import BackendError, GpuMemoryError


class DeviceMemory(Closing):
    """`size` bytes on the current GPU."""

    def __init__(self, cuda: Cuda, size: int, purpose: str) -> None:
        """Allocate; raises `GpuMemoryError` where `purpose` finds no room."""
        self._cuda = cuda
        self.size = size
        self.address = int(_allocated(cuda, cuda.driver.cuMemAlloc(size), size, purpose))

    def close(self) -> None:
        """Free it, once."""
        if self.address:
            with explained("freeing memory"):
                checked(self._cuda.driver.cuMemFree(self.address))
            self.address = 0


class PinnedMemory(Closing):
    """`size` bytes of the host that stay in place, so that the GPU reads and writes them itself."""

    array: npt.NDArray[np.uint8]

    def __init__(self, cuda: Cuda, size: int, purpose: str) -> None:
        """Allocate; raises `GpuMemoryError` where `purpose` finds no room."""
        driver = cuda.driver
        self._cuda = cuda
        self.size = size
        result = driver.cuMemHostAlloc(size, driver.CU_MEMHOSTALLOC_DEVICEMAP)
        self._host = int(_allocated(cuda, result, size, purpose))
        self.array = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(self._host))
        try:
            with explained("mapping memory of the host"):
                self.address = int(checked(driver.cuMemHostGetDevicePointer(self._host, 0)))
        except BackendError:
            self.close()
            raise

    def close(self) -> None:
        """Free it, once; the view of it is gone then."""
        if self._host:
            del self.array
            with explained("freeing memory of the host"):
                checked(self._cuda.driver.cuMemFreeHost(self._host))
            self._host = self.address = 0


def _allocated(cuda: Cuda, result: tuple[Any, ...], size: int, purpose: str) -> Any:
    if result[0].name != OUT_OF_MEMORY:
        with explained(f"making room for {purpose}"):
            return checked(result)
    with explained("asking for its free memory"):
        free, total = checked(cuda.driver.cuMemGetInfo())
    raise out_of_memory(purpose, size, free, total)


def out_of_memory(purpose: str, wanted: int, free: int, total: int) -> GpuMemoryError:
    """Return the error that says how many bytes were `wanted` and how many there are."""
    return GpuMemoryError(
        f"{purpose} wants {-(-wanted // MB)} MB of GPU memory, {free // MB} of {total // MB} MB "
        "are free; close other programs that use the GPU, or build the engine for fewer labels "
        "or a smaller camera"
    )
