"""Where torch runs a network: buffers to write to, programs to run, and the wait for both.

`HostDevice` is the processor; the GPU is in `torch_graphs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt
import torch
from torch import Tensor

from ovseg_ros.engine.base import RawResult

Outputs = tuple[Tensor, Tensor, Tensor]
Work = Callable[[], Outputs]
Program = Callable[[], RawResult]


@dataclass(frozen=True)
class Buffer:
    """A tensor that stays in its place on the device, and memory of the host that it is filled by.

    Both are one on the processor.
    """

    value: Tensor
    staging: Tensor

    def write(self, value: npt.NDArray[Any]) -> None:
        """Put `value` on its way into the buffer; the staging memory is free when that arrived."""
        self.staging.numpy()[...] = value
        if self.value is not self.staging:
            self.value.copy_(self.staging, non_blocking=True)


class TorchDevice(Protocol):
    """The processor or a GPU. Everything but `active` and `close` is called while it is active."""

    device: torch.device

    def active(self) -> AbstractContextManager[Any]:
        """Make this the device of the calls inside; raises `GpuMemoryError` where memory ends."""

    def buffer(self, shape: Sequence[int], dtype: torch.dtype) -> Buffer:
        """Return a buffer of zeros."""

    def record(self, work: Work) -> Program:
        """Return what does `work`, which reads nothing but buffers, again at every call."""

    def wait(self) -> None:
        """Return once all that was asked for is done."""

    def close(self) -> None:
        """Give memory back that nothing uses any more."""


class HostDevice:
    """The processor, where nothing has to be recorded or waited for."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")

    def active(self) -> AbstractContextManager[Any]:
        """Keep torch from preparing for gradients."""
        return torch.no_grad()

    def buffer(self, shape: Sequence[int], dtype: torch.dtype) -> Buffer:
        """Return a buffer of zeros."""
        value = torch.zeros(tuple(shape), dtype=dtype)
        return Buffer(value, value)

    def record(self, work: Work) -> Program:
        """Return what does `work` at every call."""
        return lambda: to_result(work())

    def wait(self) -> None:
        """Return at once."""

    def close(self) -> None:
        """Do nothing."""


def to_result(outputs: Outputs) -> RawResult:
    """Return `outputs`, which may be on any device, as arrays of the host."""
    return RawResult(*(value.cpu().numpy() for value in outputs))
