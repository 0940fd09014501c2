"""TensorRT's modules as far as running an engine goes, for `HostEngine`; and engines opened so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from host_engine import HostEngine
from host_gpu import HostGpu

from ovseg_ros.engine.choice import BackendName, EngineChoice
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.backend import TensorRtBackend
from ovseg_ros.engine.tensorrt.library import Library, TensorRtLibrary
from ovseg_ros.engine.tensorrt.logger import Messages
from ovseg_ros.engine.tensorrt.opening import OpenedEngine
from ovseg_ros.packages import ModelPackage

TENSORRT = EngineChoice.of(BackendName.TENSORRT.value)
USER_MANAGED = "user managed"


def host_library(rtx: bool = False) -> Library:
    """Return a library that says of itself what TensorRT, or that for RTX, says."""
    module = SimpleNamespace(
        __version__="10.3.0",
        IBuilderConfig=SimpleNamespace(),
        ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED=USER_MANAGED),
    )
    which = TensorRtLibrary.TENSORRT
    if rtx:
        which = TensorRtLibrary.TENSORRT_RTX
        module.IBuilderConfig = SimpleNamespace(num_compute_capabilities=1)
        module.CudaGraphStrategy = SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole graph")
        module.DynamicShapesKernelSpecializationStrategy = SimpleNamespace(EAGER="eager")
    return Library(which, module, None, Messages())


class HostRuntimeCache:
    """IRuntimeCache that accepts what it wrote itself."""

    WRITTEN = b"compiled kernels"

    def __init__(self) -> None:
        """Start empty."""
        self.accepted: bool | None = None

    def deserialize(self, blob: bytes) -> bool:
        """Take `blob` if it is one of ours."""
        self.accepted = blob == self.WRITTEN
        return self.accepted

    def serialize(self) -> bytes:
        """Return the same bytes always."""
        return self.WRITTEN


class HostRuntimeConfig:
    """IRuntimeConfig."""

    cuda_graph_strategy: str | None = None
    dynamic_shapes_kernel_specialization_strategy: str | None = None

    def __init__(self) -> None:
        """Start with nothing chosen."""
        self.strategy: str | None = None
        self.cache: HostRuntimeCache | None = None

    def set_execution_context_allocation_strategy(self, strategy: str) -> None:
        """Take it."""
        self.strategy = strategy

    def create_runtime_cache(self) -> HostRuntimeCache:
        """Return a new one."""
        return HostRuntimeCache()

    def set_runtime_cache(self, cache: HostRuntimeCache) -> bool:
        """Take it."""
        self.cache = cache
        return True


@dataclass
class Bench:
    """Opens TensorRT backends on a GPU that is none; `gpu` and `engine` are the last one's."""

    package: ModelPackage
    profile: EngineProfile
    folder: Path
    gpu: HostGpu = field(default_factory=HostGpu)
    rtx: bool = False
    engine: HostEngine | None = None
    library: Library | None = None

    def open(self, **engine_options: Any) -> TensorRtBackend:
        """Return a backend."""

        def opener(package: ModelPackage, *_: Any) -> OpenedEngine:
            self.library = host_library(self.rtx)
            self.engine = HostEngine(package, self.profile, self.gpu, **engine_options)
            if self.rtx:
                self.engine.create_runtime_config = HostRuntimeConfig
            path = self.folder / "runtime" / "kernels.bin"
            return OpenedEngine(self.gpu, self.library, None, self.engine, self.profile, path)

        return TensorRtBackend(self.package, TENSORRT, self.folder, None, opener)
