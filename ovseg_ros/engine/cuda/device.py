"""Which GPUs there are, and what an engine must know of one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ovseg_ros.engine.cuda.driver import Cuda, checked, explained, import_cuda, require_driver
from ovseg_ros.errors import BackendError

MB = 1 << 20


@dataclass(frozen=True)
class GpuFacts:
    """One GPU; `index` is N of the device 'cuda:N'.

    `compute_capability` is like '8.7', `driver_cuda` the newest CUDA that the driver can do, like
    '12.6', `driver_version` the driver's own, empty where it does not say. `integrated` means that
    it shares the memory of the host, as on a Jetson.
    """

    index: int
    name: str
    compute_capability: str
    driver_cuda: str
    driver_version: str
    memory_total_mb: int
    memory_free_mb: int
    integrated: bool

    @property
    def driver(self) -> str:
        """The driver in words."""
        own = f"{self.driver_version}, " if self.driver_version else ""
        return f"driver {own}CUDA {self.driver_cuda}"

    def __str__(self) -> str:
        """Return what decides how an engine computes, in words."""
        return f"{self.name}, compute capability {self.compute_capability}, {self.driver}"


def describe_gpu(index: int = 0) -> GpuFacts:
    """Return the facts about GPU `index`; makes it the current one of this thread.

    Raises `MissingExtraError`, and `BackendError` without a driver, a GPU or this one.
    """
    cuda = import_cuda()
    driver_cuda = require_driver(cuda)
    devices = _devices(cuda)
    if not 0 <= index < len(devices):
        there = ", ".join(f"cuda:{n} ({each.name})" for n, each in enumerate(devices))
        raise BackendError(f"device cuda:{index} was asked for; there are {there}: choose of these")
    with explained(f"describing cuda:{index}"):
        return _facts(cuda, devices[index], index, driver_cuda)


def find_gpus() -> tuple[GpuFacts, ...]:
    """Return the facts about all GPUs; raises what `describe_gpu` raises."""
    return tuple(describe_gpu(index) for index in range(len(_devices(import_cuda()))))


def _devices(cuda: Cuda) -> tuple[Any, ...]:
    require_driver(cuda)
    with explained("looking for GPUs"):
        return tuple(cuda.core.Device.get_all_devices())


def _facts(cuda: Cuda, device: Any, index: int, driver_cuda: tuple[int, int]) -> GpuFacts:
    device.set_current()
    free, total = checked(cuda.driver.cuMemGetInfo())
    capability = device.compute_capability
    return GpuFacts(
        index=index,
        name=device.name,
        compute_capability=f"{capability.major}.{capability.minor}",
        driver_cuda=f"{driver_cuda[0]}.{driver_cuda[1]}",
        driver_version=_driver_version(cuda),
        memory_total_mb=total // MB,
        memory_free_mb=free // MB,
        integrated=bool(device.properties.integrated),
    )


def _driver_version(cuda: Cuda) -> str:
    # A Jetson has no library that tells; the CUDA version has to do there.
    with suppress(Exception):  # errors of that library are of many types, all with one meaning
        return ".".join(map(str, cuda.core.system.get_kernel_mode_driver_version()))
    return ""
