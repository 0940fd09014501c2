"""Where a frame enters the GPU and its results leave it.

A GPU with memory of its own gets copies. One that shares the memory of the host, as on a Jetson,
reads the frame and writes the results where the host has them, so nothing is copied over.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt

from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import RawResult
from ovseg_ros.engine.cuda.dlpack import GpuFrames
from ovseg_ros.engine.cuda.gpu import Gpu, HostMemory
from ovseg_ros.engine.tensorrt.resident import TensorSpec

IMAGE = "image"
RESULTS = ("mask", "confidence", "embedding")


class FrameMemory(Closing):
    """Fixed memory for one frame and its results; `addresses` are what the engine is bound to."""

    def __init__(self, gpu: Gpu, specs: Mapping[str, TensorSpec]) -> None:
        """Allocate for `specs` of the image and the results; raises `GpuMemoryError`."""
        self._gpu = gpu
        self._specs = specs
        self._host: dict[str, HostMemory] = {}
        self.addresses: dict[str, int] = {}
        with ExitStack() as owned:
            for name, spec in specs.items():
                self._host[name] = gpu.allocate_host(spec.size, f"the engine's {name}")
                owned.callback(self._host[name].close)
                self.addresses[name] = self._host[name].address
                if not gpu.facts.integrated:
                    memory = gpu.allocate(spec.size, f"the engine's {name}")
                    owned.callback(memory.close)
                    self.addresses[name] = memory.address
            self._owned = owned.pop_all()
        self._host[IMAGE].array[:] = 0

    def put(self, frames: npt.NDArray[np.uint8] | GpuFrames) -> None:
        """Make `frames` uint8 [B, H, W, 3] the image of the work that follows."""
        spec, host = self._specs[IMAGE], self._host[IMAGE]
        if isinstance(frames, GpuFrames):
            self._gpu.copy(self.addresses[IMAGE], frames.address, spec.size)
            return
        np.copyto(host.array.reshape(spec.shape), frames)
        self._copy(self.addresses[IMAGE], host.address, spec.size)

    def fetch(self) -> None:
        """Hand over the copies of the results to the host."""
        for name in RESULTS:
            self._copy(self._host[name].address, self.addresses[name], self._specs[name].size)

    def results(self) -> RawResult:
        """Return copies of the results that are on the host, once the GPU has finished."""
        mask, confidence, embedding = (
            self._host[name]
            .array.view(self._specs[name].dtype)
            .reshape(self._specs[name].shape)
            .copy()
            for name in RESULTS
        )
        return RawResult(mask, confidence, embedding)

    def close(self) -> None:
        """Free the memory on both sides."""
        self._owned.close()

    def _copy(self, target: int, source: int, size: int) -> None:
        if target != source:
            self._gpu.copy(target, source, size)
