"""Execution contexts of an engine, the same way for TensorRT 10, TensorRT 11 and TensorRT for RTX.

Contexts share one piece of working memory, since only one of them runs at a time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovseg_ros.engine.cuda.gpu import Gpu, Memory
from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.engine.tensorrt.resident import Shape
from ovseg_ros.engine.tensorrt.runtime_cache import RuntimeCache
from ovseg_ros.errors import BackendError, GpuMemoryError


class Contexts:
    """Makes the contexts of `engine` (ICudaEngine of `library`).

    `replays_itself` says that the library records CUDA graphs on its own, as that for RTX does.
    """

    def __init__(self, library: Library, engine: Any, cache_path: Path) -> None:
        """Prepare; where the library compiles when loading, `cache_path` keeps what it compiles."""
        self._library = library
        self._engine = engine
        self._cache: RuntimeCache | None = None
        self._how = library.module.ExecutionContextAllocationStrategy.USER_MANAGED
        self.replays_itself = hasattr(library.module, "CudaGraphStrategy")
        if self.replays_itself:
            self._configure(cache_path)

    def _configure(self, cache_path: Path) -> None:
        module, config = self._library.module, self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(self._how)
        config.cuda_graph_strategy = module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        # A bucket has one shape, so its kernels can be the final ones before the first frame.
        strategies = module.DynamicShapesKernelSpecializationStrategy
        config.dynamic_shapes_kernel_specialization_strategy = strategies.EAGER
        self._cache = RuntimeCache(config, cache_path)
        self._how = config

    @property
    def working_bytes(self) -> int:
        """How much working memory the largest set of shapes needs."""
        measure = self._engine.get_device_memory_size_for_profile_v2
        return max(int(measure(each)) for each in range(self._engine.num_optimization_profiles))

    def create(
        self,
        gpu: Gpu,
        index: int,
        shapes: Mapping[str, Shape],
        addresses: Mapping[str, int],
        working: Memory,
    ) -> Any:
        """Return a context for set of shapes `index`, bound to `addresses` for good.

        `shapes` are those of the inputs. Raises `BackendError` with what the library says where it
        refuses one, `GpuMemoryError` where it says that memory ran out.
        """
        self._library.messages.take()
        context = self._engine.create_execution_context(self._how)
        self._require(context is not None, f"a context for set of shapes {index}")
        self._require(context.set_optimization_profile_async(index, gpu.stream), f"set {index}")
        gpu.finish()
        context.set_device_memory(working.address, working.size)
        for name, shape in shapes.items():
            self._require(context.set_input_shape(name, shape), f"shape {list(shape)} of {name}")
        for name, address in addresses.items():
            self._require(context.set_tensor_address(name, address), f"memory for {name}")
        missing = context.infer_shapes()
        self._require(not missing, f"shapes without {', '.join(missing)}")
        return context

    def enqueue(self, context: Any, stream: int) -> None:
        """Hand the work of `context` over; raises `BackendError` with what the library says."""
        self._require(context.execute_async_v3(stream), "work for the GPU")

    def can_be_recorded(self, context: Any, stream: int) -> bool:
        """Whether the work of `context` may become part of a CUDA graph of ours."""
        asked = getattr(context, "is_stream_capturable", None)
        return not self.replays_itself and (asked is None or bool(asked(stream)))

    def save_cache(self) -> None:
        """Keep what the library compiled, for the next time."""
        if self._cache is not None:
            self._cache.save()

    def _require(self, accepted: bool, what: str) -> None:
        if not accepted:
            raise refusal(self._library, f"refused {what}")


def refusal(library: Library, what: str, said: str = "") -> BackendError:
    """Return the error that `library` did `what`, with what it `said` (empty: asks it) of that.

    It is a `GpuMemoryError` where it says that memory ran out.
    """
    said = said or library.said()
    kind = GpuMemoryError if _OUT_OF_MEMORY.search(said) else BackendError
    return kind(f"{library.name} {library.version} {what}:\n{said}")


_OUT_OF_MEMORY = re.compile("out ?of ?memory|insufficient_gpu_memory", re.IGNORECASE)
