"""An engine in the words of TensorRT that computes a package with ONNX Runtime.

It reads and writes nothing but the addresses that it was bound to, when the stream gets there.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from host_gpu import HostGpu

from ovseg_ros.engine.onnxruntime import import_onnxruntime
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.tensors import input_shapes
from ovseg_ros.packages import ModelPackage

_OUTPUTS = ("mask", "confidence", "embedding")
WORKING_BYTES = 1 << 16


@cache
def _session(path: Path) -> Any:
    ort = import_onnxruntime()
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def named(name: str) -> SimpleNamespace:
    """Return what stands for a member of an enum."""
    return SimpleNamespace(name=name)


@dataclass
class HostEngine:
    """ICudaEngine; `capturable` is what contexts say, None for a library that does not say."""

    package: ModelPackage
    profile: EngineProfile
    gpu: HostGpu
    capturable: bool | None = None
    context_fails_at: int | None = None
    contexts: list[HostContext] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Load the package."""
        self.session = _session(self.package.segmenter_path)
        width, height = self.profile.camera_px
        dim = self.package.card.embedding_dim
        widths = self.package.card.lora_widths
        embedding = self.session.get_outputs()[_OUTPUTS.index("embedding")].shape[1]
        self.tensors: dict[str, tuple[str, tuple[int, ...]]] = {
            "image": ("UINT8", (1, height, width, 3)),
            "text_bank": ("FLOAT", (-1, dim)),
            "label_codes": ("UINT8", (-1,)),
            "thresholds": ("FLOAT", (-1,)),
            "lora_a": ("FLOAT", (-1, widths[0])),
            "lora_b": ("FLOAT", (-1, widths[1])),
            "mask": ("UINT8", (1, height, width)),
            "confidence": ("UINT8", (1, height, width)),
            "embedding": ("FLOAT", (1, int(embedding))),
        }

    @property
    def num_io_tensors(self) -> int:
        """How many tensors."""
        return len(self.tensors)

    @property
    def num_optimization_profiles(self) -> int:
        """How many sets of shapes."""
        return len(self.profile.buckets)

    def get_tensor_name(self, index: int) -> str:
        """Return one name."""
        return list(self.tensors)[index]

    def get_tensor_dtype(self, name: str) -> SimpleNamespace:
        """Return a member of DataType."""
        return named(self.tensors[name][0])

    def get_tensor_mode(self, name: str) -> SimpleNamespace:
        """Return a member of TensorIOMode."""
        return named("OUTPUT" if name in _OUTPUTS else "INPUT")

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape with -1 for what is free."""
        return self.tensors[name][1]

    def get_tensor_profile_shape(self, name: str, index: int) -> list[tuple[int, ...]]:
        """Return the least, usual and largest shape."""
        return [self.shapes(index)[name]] * 3

    def get_device_memory_size_for_profile_v2(self, index: int) -> int:
        """Return what grows with the bucket."""
        return WORKING_BYTES * (index + 1)

    def create_execution_context(self, how: Any) -> HostContext | None:
        """Return a context, or None where one fails."""
        if len(self.contexts) == self.context_fails_at:
            return None
        self.contexts.append(HostContext(self, how))
        return self.contexts[-1]

    def shapes(self, index: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all inputs in one set of shapes."""
        return input_shapes(self.profile, self.profile.buckets[index], self.package.card)


class HostContext:
    """IExecutionContext."""

    def __init__(self, engine: HostEngine, how: Any) -> None:
        """Start unbound; `how` is the strategy or the configuration it was made with."""
        self.engine, self.how = engine, how
        self._index = 0
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}
        self._working = (0, 0)
        if engine.capturable is not None:
            self.is_stream_capturable = lambda stream: engine.capturable

    def set_optimization_profile_async(self, index: int, stream: int) -> bool:
        """Choose a set of shapes."""
        assert stream == self.engine.gpu.stream
        self._index = index
        self._shapes.clear()
        return True

    def set_device_memory(self, memory: int, size: int) -> None:
        """Take working memory."""
        assert memory % 256 == 0
        assert size >= self.engine.get_device_memory_size_for_profile_v2(self._index)
        self._working = (memory, size)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        """Take a shape that the set of shapes has."""
        self._shapes[name] = shape
        return self.engine.shapes(self._index)[name] == shape

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Take an address that the GPU reaches."""
        block = self.engine.gpu.block_at(memory, 1)
        assert self.engine.gpu.facts.integrated or not block.pinned, f"{name} is host memory"
        self._addresses[name] = memory
        return name in self.engine.tensors

    def infer_shapes(self) -> list[str]:
        """Return the inputs without a shape."""
        return [name for name in self.engine.shapes(0) if name not in self._shapes]

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Queue the work."""
        assert stream_handle == self.engine.gpu.stream
        assert set(self._addresses) == set(self.engine.tensors)
        self.engine.gpu.enqueue(self._work)
        return True

    def _work(self) -> None:
        gpu, session = self.engine.gpu, self.engine.session
        gpu.block_at(*self._working).array[:] = 0xEE
        feeds = {name: self._read(name, shape) for name, shape in self._shapes.items()}
        for name, value in zip(_OUTPUTS, session.run(_OUTPUTS, feeds), strict=True):
            gpu.block_at(self._addresses[name], value.nbytes)
            ctypes.memmove(self._addresses[name], value.ctypes.data, value.nbytes)

    def _read(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        dtype = np.dtype({"UINT8": "uint8", "FLOAT": "float32"}[self.engine.tensors[name][0]])
        value = np.empty(shape, dtype)
        self.engine.gpu.block_at(self._addresses[name], value.nbytes)
        ctypes.memmove(value.ctypes.data, self._addresses[name], value.nbytes)
        return value
