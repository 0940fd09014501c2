"""Execution contexts of an engine, the same way for TensorRT 10, TensorRT 11 and TensorRT for RTX.

Contexts share one piece of working memory, since only one of them runs at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovseg_ros.engine.cuda.gpu import Gpu, Memory
from ovseg_ros.engine.tensorrt.resident import Shape
from ovseg_ros.engine.tensorrt.runtime_cache import RuntimeCache
from ovseg_ros.errors import BackendError


class Contexts:
    """Makes the contexts of `engine` (ICudaEngine of `module`).

    `replays_itself` says that the library records CUDA graphs on its own, as that for RTX does.
    """

    def __init__(self, module: Any, engine: Any, cache_path: Path) -> None:
        """Prepare; where the library compiles when loading, `cache_path` keeps what it compiles."""
        self._module = module
        self._engine = engine
        self._config: Any = None
        self._cache: RuntimeCache | None = None
        self.replays_itself = False
        if hasattr(module, "CudaGraphStrategy") and hasattr(engine, "create_runtime_config"):
            self._configure(cache_path)

    def _configure(self, cache_path: Path) -> None:
        module, config = self._module, self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(
            module.ExecutionContextAllocationStrategy.USER_MANAGED
        )
        config.cuda_graph_strategy = module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        # A bucket has one shape, so its kernels can be the final ones before the first frame.
        strategies = module.DynamicShapesKernelSpecializationStrategy
        config.dynamic_shapes_kernel_specialization_strategy = strategies.EAGER
        self._cache = RuntimeCache(config, cache_path)
        self._config = config
        self.replays_itself = True

    @property
    def working_bytes(self) -> int:
        """How much working memory the largest set of shapes needs."""
        engine = self._engine
        # The old name measures in 32 bits in some versions; it is gone in new ones.
        measure = getattr(engine, "get_device_memory_size_for_profile_v2", None)
        measure = measure or engine.get_device_memory_size_for_profile
        return max(int(measure(index)) for index in range(engine.num_optimization_profiles))

    def create(
        self,
        gpu: Gpu,
        index: int,
        shapes: Mapping[str, Shape],
        addresses: Mapping[str, int],
        working: Memory,
    ) -> Any:
        """Return a context for set of shapes `index`, bound to `addresses` for good.

        `shapes` are those of the inputs. Raises `BackendError` where the library refuses one.
        """
        context = self._new()
        self._require(context.set_optimization_profile_async(index, gpu.stream), "set of shapes")
        gpu.finish()
        context.set_device_memory(working.address, working.size)
        for name, shape in shapes.items():
            self._require(context.set_input_shape(name, shape), f"shape {shape} of {name}")
        for name, address in addresses.items():
            self._require(context.set_tensor_address(name, address), f"address of {name}")
        missing = context.infer_shapes()
        self._require(not missing, f"shapes without {', '.join(missing)}")
        return context

    def save_cache(self) -> None:
        """Keep what the library compiled, for the next time."""
        if self._cache is not None:
            self._cache.save()

    def _new(self) -> Any:
        if self._config is not None:
            context = self._engine.create_execution_context(self._config)
        else:
            strategy = self._module.ExecutionContextAllocationStrategy.USER_MANAGED
            context = self._engine.create_execution_context(strategy)
        self._require(context is not None, "execution context")
        return context

    def _require(self, accepted: bool, what: str) -> None:
        if not accepted:
            raise BackendError(
                f"{self._module.__name__} {self._module.__version__} refused the {what}"
            )
