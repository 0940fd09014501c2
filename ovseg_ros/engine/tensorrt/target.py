"""Which GPU an engine is for, as its key says."""

from __future__ import annotations

from ovseg_ros.engine.tensorrt.library import NEEDS_GPU, Library
from ovseg_ros.errors import BackendError

_PORTABLE = "any GPU from Ampere on"


def target_of(library: Library, gpu: int) -> str:
    """Return the GPU number `gpu` in words, or all those that `library` builds one engine for.

    Raises `BackendError` where the library builds for the GPU at hand and there is none.
    """
    if library.is_rtx:
        return _PORTABLE
    from ovseg_ros.engine.cuda.device import describe_gpu

    try:
        facts = describe_gpu(gpu)
    except BackendError as error:
        raise BackendError(f"{error}\n{library.name} {NEEDS_GPU}") from None
    return f"{facts.name} ({facts.compute_capability})"


def use_gpu(gpu: int) -> None:
    """Make this thread work on the GPU number `gpu`; raises `BackendError` where there is none."""
    from ovseg_ros.engine.cuda.device import describe_gpu

    describe_gpu(gpu)


def driver_of(gpu: int) -> str:
    """Return the driver of the GPU number `gpu` in words; raises `BackendError` without one."""
    from ovseg_ros.engine.cuda.device import describe_gpu

    return str(describe_gpu(gpu).driver)
