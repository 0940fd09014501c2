"""From the cache to an engine in the GPU's memory, or the sentence that says what is in the way."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.closing import Closing
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.cuda.cuda_gpu import CudaGpu
from ovseg_ros.engine.cuda.device import GpuFacts
from ovseg_ros.engine.cuda.gpu import Gpu
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.contexts import refusal
from ovseg_ros.engine.tensorrt.find import find_engine
from ovseg_ros.engine.tensorrt.key import EngineKey, key_of
from ovseg_ros.engine.tensorrt.library import Library, TensorRtLibrary, open_library
from ovseg_ros.engine.tensorrt.staging import COMPILED
from ovseg_ros.engine.tensorrt.store import StoredEngine, read_plan
from ovseg_ros.engine.tensorrt.target import target_of
from ovseg_ros.engine.tensorrt.tensors import require_tensors
from ovseg_ros.errors import BackendError, MissingExtraError
from ovseg_ros.packages import ModelPackage


@dataclass
class OpenedEngine(Closing):
    """An engine of `library` on `gpu`, both owned.

    What the library compiles when it loads the engine goes to `runtime_path`.
    """

    gpu: Gpu
    library: Library
    runtime: Any
    engine: Any
    profile: EngineProfile
    runtime_path: Path

    def close(self) -> None:
        """Free the engine, then the GPU; a second time does nothing."""
        if self.engine is not None:
            self.engine = self.runtime = None
            self.gpu.close()


def find_stored(
    package: ModelPackage,
    choice: EngineChoice,
    cache: Path,
    camera_px: tuple[int, int] | None,
) -> tuple[Library, StoredEngine]:
    """Return the engine of `package` for the GPU of `choice`, with the library that runs it.

    Raises `MissingExtraError` without any library, and what `find_engine` raises.
    """
    refusals = []
    for which in TensorRtLibrary:
        try:
            library = open_library(which)
            target = target_of(library, choice.gpu)
            return library, find_engine(cache, package, choice, library, target, camera_px)
        except MissingExtraError:
            continue
        except BackendError as error:
            refusals.append(error)
    raise refusals[0] if refusals else MissingExtraError("tensorrt", "tensorrt")


def open_engine(
    package: ModelPackage,
    choice: EngineChoice,
    cache: Path,
    camera_px: tuple[int, int] | None,
) -> OpenedEngine:
    """Load the engine of `package` onto the GPU of `choice`.

    Raises `MissingExtraError`, `GpuMemoryError`, and `BackendError` without a GPU, without an
    engine for it, or where the library refuses the plan.
    """
    with ExitStack() as owned:
        gpu = owned.enter_context(CudaGpu(choice.gpu))
        library, stored = find_stored(package, choice, cache, camera_px)
        opened = load_plan(package, choice, library, stored, gpu, cache)
        owned.pop_all()
        return opened


def load_plan(
    package: ModelPackage,
    choice: EngineChoice,
    library: Library,
    stored: StoredEngine,
    gpu: Gpu,
    cache: Path,
) -> OpenedEngine:
    """Load the plan of `stored` with `library` onto `gpu`, which the result owns from then on.

    Raises `GpuMemoryError`, and `BackendError` with what the library says and both keys.
    """
    profile, plan, runtime = stored.key.profile, read_plan(stored), library.runtime()
    doubt = library.why_not_usable(runtime, plan)
    engine = None if doubt else runtime.deserialize_cuda_engine(plan)
    if engine is None:
        wanted = key_of(package, choice, library, target_of(library, choice.gpu), profile)
        raise _not_loaded(library, stored, gpu.facts, wanted, doubt or library.said())
    require_tensors(engine, profile, package.card, stored.plan_path, stored.sidecar.rebuild)
    name = f"{stored.sidecar.plan_sha256[:16]}-cuda{gpu.facts.index}.bin"
    path = cache / COMPILED / name
    return OpenedEngine(gpu, library, runtime, engine, profile, path)


def _not_loaded(
    library: Library, stored: StoredEngine, gpu: GpuFacts, wanted: EngineKey, said: str
) -> BackendError:
    remedy = f"build it again with  {stored.sidecar.rebuild}"
    if _OLD_DRIVER.search(said):
        remedy = f"update the NVIDIA driver, which is too old for {library.name} {library.version}"
    lines = [f"did not load {stored.plan_path} on {gpu}; {remedy}"]
    differences = wanted.differences(stored.key)
    if differences:
        lines += [f"  wanted {wanted}", f"  found  {stored.key}"]
        lines += [f"    {difference}" for difference in differences]
    return refusal(library, "\n".join([*lines, "  it says"]), said)


_OLD_DRIVER = re.compile("driver version is insufficient|OLD_CUDA_DRIVER")
