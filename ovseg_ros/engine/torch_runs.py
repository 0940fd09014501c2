"""Two ways of running a network in torch: as it is called, and recorded, on buffers that stay.

What is recorded has fixed shapes, so queries and adapters are padded to the next bucket, and there
is one recording for each pair of buckets and each size of frames, made when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ovseg_ros.engine.base import RawResult, TextRows
from ovseg_ros.engine.padding import pad_rank, pad_rows
from ovseg_ros.engine.torch_device import Buffer, Outputs, Program, TorchDevice, to_result

Factors = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
# The six inputs of `SegmenterGraph` to its three outputs.
Network = Callable[..., Outputs]
_RANK_BUCKETS = (16, 64)
_LABEL_BUCKETS = (8, 32, 128)
# Frames of ever new sizes must not fill the memory; each recording holds a thousand kernels.
_MOST_RECORDINGS = 16


class Runner(Protocol):
    """Text and adapter in force, and frames under them; called while the device is active."""

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow."""

    def set_adapter(self, factors: Factors) -> None:
        """Make packed `factors` of rank 1 or more those of the frames that follow."""

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3], after both of the above."""


class EagerRunner:
    """Calls the network with every input in the shape it has."""

    def __init__(self, network: Network, device: TorchDevice) -> None:
        self._network, self._device = network, device.device
        self._text: tuple[Tensor, ...] = ()
        self._factors: tuple[Tensor, ...] = ()

    def set_text(self, rows: TextRows) -> None:
        """Copy `rows` to the device."""
        self._text = self._copies(rows.bank, rows.codes, rows.thresholds)

    def set_adapter(self, factors: Factors) -> None:
        """Copy `factors` to the device."""
        self._factors = self._copies(*factors)

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3]."""
        return to_result(self._network(*self._copies(images), *self._text, *self._factors))

    def _copies(self, *values: npt.NDArray[np.generic]) -> tuple[Tensor, ...]:
        return tuple(torch.tensor(value, device=self._device) for value in values)


class _TextBuffers(NamedTuple):
    bank: Buffer
    codes: Buffer
    thresholds: Buffer


class _FactorBuffers(NamedTuple):
    a: Buffer
    b: Buffer


class GraphRunner:
    """Writes inputs into buffers and runs what was recorded to read them."""

    def __init__(self, network: Network, device: TorchDevice, label_capacity: int) -> None:
        self._network, self._device = network, device
        smaller = (count for count in _LABEL_BUCKETS if count < label_capacity)
        self._label_buckets = (*smaller, label_capacity)
        self._texts: dict[int, _TextBuffers] = {}
        self._adapters: dict[int, _FactorBuffers] = {}
        self._images: dict[tuple[int, ...], Buffer] = {}
        self._programs: dict[tuple[int, int, tuple[int, ...]], Program] = {}
        self._labels = self._rank = 0

    def set_text(self, rows: TextRows) -> None:
        """Write `rows` into the buffers of their bucket; a new bucket is recorded for now."""
        self._labels = _bucket(self._label_buckets, len(rows.codes))
        padded = pad_rows(rows, self._labels)
        if self._labels not in self._texts:
            self._texts[self._labels] = _TextBuffers(
                self._device.buffer(padded.bank.shape, torch.float32),
                self._device.buffer(padded.codes.shape, torch.uint8),
                self._device.buffer(padded.thresholds.shape, torch.float32),
            )
        text = self._texts[self._labels]
        text.bank.write(padded.bank)
        text.codes.write(padded.codes)
        text.thresholds.write(padded.thresholds)
        # A second query may come before any frame, and would overtake this one in its memory.
        self._device.wait()

    def set_adapter(self, factors: Factors) -> None:
        """Write `factors` into the buffers of their bucket."""
        self._rank = _bucket(_RANK_BUCKETS, len(factors[0]))
        a, b = (pad_rank(factor, self._rank) for factor in factors)
        if self._rank not in self._adapters:
            self._adapters[self._rank] = _FactorBuffers(
                self._device.buffer(a.shape, torch.float32),
                self._device.buffer(b.shape, torch.float32),
            )
        buffers = self._adapters[self._rank]
        buffers.a.write(a)
        buffers.b.write(b)
        self._device.wait()

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3]; the first of a size or a bucket are recorded."""
        program = self._program(images.shape)
        self._images[images.shape].write(images)
        return program()

    def _program(self, shape: tuple[int, ...]) -> Program:
        key = self._labels, self._rank, shape
        if key not in self._programs:
            if len(self._programs) >= _MOST_RECORDINGS:
                self._forget_oldest()
            if shape not in self._images:
                self._images[shape] = self._device.buffer(shape, torch.uint8)
            inputs = (self._images[shape], *self._texts[key[0]], *self._adapters[key[1]])
            values = tuple(buffer.value for buffer in inputs)
            self._programs[key] = self._device.record(lambda: self._network(*values))
        return self._programs[key]

    def _forget_oldest(self) -> None:
        del self._programs[next(iter(self._programs))]
        sizes = {shape for _, _, shape in self._programs}
        self._images = {shape: own for shape, own in self._images.items() if shape in sizes}


def _bucket(buckets: tuple[int, ...], wanted: int) -> int:
    """Return the smallest bucket that holds `wanted`; beyond the last it has one to itself."""
    return next((bucket for bucket in buckets if wanted <= bucket), wanted)
