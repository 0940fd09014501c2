"""Inputs that stay on the GPU from one query or adapter to the next, at addresses that never move.

They have room for the largest bucket. A new value goes through memory of the host that the GPU
copies from by itself, so neither the caller nor the frames under way wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.closing import Closing
from ovseg_ros.engine.cuda.gpu import Gpu, HostMemory, Mark

Shape = tuple[int, ...]
# A value may be set while the copy of the one before is still under way.
_SLOTS = 2
_ALIGNMENT = 256


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: its type and the largest shape it has."""

    dtype: npt.DTypeLike
    shape: Shape

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class _Slot:
    memory: HostMemory
    copied: Mark


class Resident(Closing):
    """Named inputs that are set together; `addresses` say where on the GPU each begins."""

    def __init__(self, gpu: Gpu, specs: Mapping[str, TensorSpec], purpose: str) -> None:
        """Allocate room for `specs`, filled with zeros; raises `GpuMemoryError`."""
        self._gpu = gpu
        self._offsets = _offsets(specs)
        size = _aligned(sum(_aligned(spec.size) for spec in specs.values()))
        with ExitStack() as owned:
            memory = gpu.allocate(size, purpose)
            owned.callback(memory.close)
            gpu.clear(memory.address, size)
            self._slots = [_slot(gpu, owned, size, purpose) for _ in range(_SLOTS)]
            self._owned = owned.pop_all()
        self.addresses = {name: memory.address + at for name, at in self._offsets.items()}

    def write(self, values: Mapping[str, npt.NDArray[Any]]) -> None:
        """Make `values` the inputs of the work that is handed over after this.

        Each has the type of its input and at most its largest shape, and fills it from the front.
        """
        slot = self._slots[0]
        self._slots.reverse()
        slot.copied.wait()
        for name, value in values.items():
            at = self._offsets[name]
            room = slot.memory.array[at : at + value.nbytes]
            np.copyto(room.view(value.dtype).reshape(value.shape), value)
            self._gpu.copy(self.addresses[name], slot.memory.address + at, value.nbytes)
        slot.copied.record()

    def close(self) -> None:
        """Free the memory on both sides."""
        self._owned.close()


def _slot(gpu: Gpu, owned: ExitStack, size: int, purpose: str) -> _Slot:
    memory = gpu.allocate_host(size, purpose)
    owned.callback(memory.close)
    mark = gpu.mark()
    owned.callback(mark.close)
    return _Slot(memory, mark)


def _offsets(specs: Mapping[str, TensorSpec]) -> dict[str, int]:
    offsets, end = {}, 0
    for name, spec in specs.items():
        offsets[name] = end
        end += _aligned(spec.size)
    return offsets


def _aligned(size: int) -> int:
    return -(-max(size, 1) // _ALIGNMENT) * _ALIGNMENT
