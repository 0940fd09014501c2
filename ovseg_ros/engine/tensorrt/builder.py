"""One build: a program becomes a plan, with progress, and stops where the user interrupts it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from ovseg_ros.engine.profile import Bucket, EngineProfile
from ovseg_ros.engine.tensorrt.layers import LayerTable, layers_of
from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.engine.tensorrt.parsing import parse_program
from ovseg_ros.engine.tensorrt.progress import OnProgress, Phases, monitor_of
from ovseg_ros.engine.tensorrt.target import use_gpu
from ovseg_ros.engine.tensorrt.tensors import input_shapes
from ovseg_ros.engine.tensorrt.timing import kept_timings
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import Card

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class BuildOrder:
    """What to build: the program at `path`, which `card` describes, for `profile`.

    `gpu` is the number of the GPU that a library builds on which needs one; `timings` where its
    timings are kept; `workspace_mb` the most memory that a layer may take, None for no limit.
    """

    path: Path
    card: Card
    profile: EngineProfile
    timings: Path
    gpu: int = 0
    workspace_mb: int | None = None


@dataclass(frozen=True)
class BuiltPlan:
    """A finished engine: its bytes, its layers, and how many seconds it took."""

    plan: memoryview
    layers: LayerTable
    build_s: float


def build_plan(library: Library, order: BuildOrder, on_progress: OnProgress) -> BuiltPlan:
    """Build `order` with `library`.

    `on_progress` is called from threads of the library. Raises `PackageError` or `FrameError` for a
    program that cannot become this engine, `BackendError` where the library fails, with its words,
    and `KeyboardInterrupt` once the library has stopped after Ctrl-C.
    """
    cancelled = Event()
    phases = Phases(on_progress, cancelled)
    return _interruptible(lambda: _build(library, order, phases), cancelled)


def _build(library: Library, order: BuildOrder, phases: Phases) -> BuiltPlan:
    started = time.monotonic()
    if not library.is_rtx:
        use_gpu(order.gpu)
    builder = library.builder()
    network = parse_program(library, builder, order.path, order.card, order.profile)
    config = _config(library, builder, order)
    for bucket in order.profile.buckets:
        _add_shapes(builder, config, order, bucket)
    # Python has to own the monitor for as long as the library calls it.
    monitor = monitor_of(library.module, phases)
    config.progress_monitor = monitor
    library.messages.take()
    with kept_timings(library, config, order.timings):
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BackendError(
            f"{library.name} {library.version} built no engine of {order.path}\n{library.said()}"
        )
    seconds = time.monotonic() - started
    return BuiltPlan(memoryview(plan), layers_of(library, network, memoryview(plan)), seconds)


def _config(library: Library, builder: Any, order: BuildOrder) -> Any:
    config, module = builder.create_builder_config(), library.module
    config.profiling_verbosity = module.ProfilingVerbosity.DETAILED
    # TF32 has the ten bits of float16: what is to be float32 would not be.
    config.clear_flag(module.BuilderFlag.TF32)
    if order.workspace_mb is not None:
        pool = module.MemoryPoolType.WORKSPACE
        config.set_memory_pool_limit(pool, order.workspace_mb << 20)
    return config


def _add_shapes(builder: Any, config: Any, order: BuildOrder, bucket: Bucket) -> None:
    """Add one set of shapes, in which every side is fixed."""
    shapes = builder.create_optimization_profile()
    for name, shape in input_shapes(order.profile, bucket, order.card).items():
        shapes.set_shape(name, shape, shape, shape)
    if config.add_optimization_profile(shapes) < 0:
        raise BackendError(f"TensorRT does not take the shapes of {bucket} for {order.profile}")


def _interruptible(work: Callable[[], _Result], cancelled: Event) -> _Result:
    """Run `work` in a thread, since Python hears Ctrl-C only while its main thread is not in it."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="build") as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            cancelled.set()
            raise  # leaving the block waits until the library has stopped
