"""What an engine needs of a GPU: memory that stays where it is, one stream, and recorded work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ovseg_ros.engine.cuda.device import GpuFacts


class Memory(Protocol):
    """`size` bytes at `address`, as the GPU sees them; freed by `close`, or never."""

    address: int
    size: int

    def close(self) -> None:
        """Give the memory back; a second time does nothing."""


class HostMemory(Memory, Protocol):
    """Memory of the host that the GPU reaches too; `array` uint8 [size] is the host's view.

    The view must not be used after `close`.
    """

    array: npt.NDArray[np.uint8]


class Mark(Protocol):
    """A point in the stream of work."""

    def record(self) -> None:
        """Put the mark behind all work handed over so far."""

    def wait(self) -> None:
        """Return when the GPU has passed the mark; at once where it was never recorded."""

    def milliseconds_since(self, earlier: Mark) -> float:
        """Return the time on the GPU between `earlier` and this; both must have been passed."""

    def close(self) -> None:
        """Give the mark back; a second time does nothing."""


class Recording(Protocol):
    """Work that was recorded once and is handed over whole."""

    def launch(self) -> None:
        """Hand the work over to the stream."""

    def close(self) -> None:
        """Give the recording back; a second time does nothing."""


class Gpu(Protocol):
    """One GPU with one stream, in which all work runs in the order in which it is handed over.

    Every method but `activate` wants the GPU to be current in the calling thread. All raise
    `BackendError` where the GPU fails.
    """

    facts: GpuFacts
    stream: int

    def activate(self) -> None:
        """Make this the current GPU of the calling thread."""

    def allocate(self, size: int, purpose: str) -> Memory:
        """Return `size` bytes on the GPU, at an address that is a multiple of 256.

        `purpose` is for the `GpuMemoryError` that is raised where they are not free.
        """

    def allocate_host(self, size: int, purpose: str) -> HostMemory:
        """Return `size` bytes of the host that the GPU reaches and copies need not wait for."""

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy `size` bytes from address `source` to `target`, either on host or GPU; later."""

    def clear(self, target: int, size: int) -> None:
        """Fill `size` bytes on the GPU with zeros; later."""

    def mark(self, timing: bool = False) -> Mark:
        """Return a new mark; only one with `timing` tells times."""

    def finish(self) -> None:
        """Return when all work handed over is done."""

    def record(self, work: Callable[[], None]) -> Recording:
        """Record what `work` hands over to the stream, without doing it."""

    def close(self) -> None:
        """Give the stream back; a second time does nothing. Memory has owners of its own."""
