"""What is asked of cuda-core and of the driver, in which order, and what comes of failures.

The modules are doubles that note their calls; `test_names` holds the calls to the real ones.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from host_gpu import host_facts

from ovseg_ros.engine.cuda import cuda_gpu
from ovseg_ros.engine.cuda.cuda_gpu import CudaGpu
from ovseg_ros.engine.cuda.driver import Cuda
from ovseg_ros.errors import BackendError, GpuMemoryError

GB = 1 << 30


class Status(int):
    """A CUresult."""

    @property
    def name(self) -> str:
        return {0: "CUDA_SUCCESS", 2: "CUDA_ERROR_OUT_OF_MEMORY"}.get(self, "CUDA_ERROR_UNKNOWN")


class Noting:
    """Notes every call as text; `answers` are results by name."""

    def __init__(self, calls: list[str], name: str, **answers: Any) -> None:
        self._calls, self._name, self._answers = calls, name, answers

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **_: Any) -> Any:
            self._calls.append(f"{self._name}.{name}")
            answer = self._answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer(*arguments) if callable(answer) else answer

        return call


class Machine:
    """A GPU's modules; what its driver answers can be changed."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.block = ctypes.create_string_buffer(64)
        host = ctypes.addressof(self.block)
        ok = (Status(0),)
        self.driver_answers: dict[str, Any] = {
            "cuMemAlloc": (Status(0), 0x1000),
            "cuMemHostAlloc": (Status(0), host),
            "cuMemHostGetDevicePointer": (Status(0), 0x2000),
            "cuMemGetInfo": (Status(0), 1 * GB, 8 * GB),
            **dict.fromkeys(["cuMemFree", "cuMemFreeHost", "cuMemcpyAsync", "cuMemsetD8Async"], ok),
        }
        self.builder_answers: dict[str, Any] = {"complete": Noting(self.calls, "graph")}
        self.event = Noting(self.calls, "event")
        stream = Noting(
            self.calls,
            "stream",
            create_graph_builder=lambda: Noting(self.calls, "builder", **self.builder_answers),
        )
        stream.handle = 77
        device = Noting(
            self.calls, "device", create_stream=lambda: stream, create_event=lambda _: self.event
        )
        core = SimpleNamespace(Device=lambda index: device, EventOptions=SimpleNamespace)
        driver = Noting(self.calls, "driver")
        driver._answers = self.driver_answers
        driver.CU_MEMHOSTALLOC_DEVICEMAP = 2
        self.cuda = Cuda(core, driver, (12, 9))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(cuda_gpu, "import_cuda", lambda: machine.cuda)
    monkeypatch.setattr(cuda_gpu, "describe_gpu", host_facts)
    return machine


@pytest.fixture
def gpu(machine: Machine) -> Iterator[CudaGpu]:
    with CudaGpu(0) as gpu:
        machine.calls.clear()
        yield gpu


def test_memory_is_freed_once_on_the_side_it_came_from(machine: Machine, gpu: CudaGpu) -> None:
    with gpu.allocate(100, "a test") as there, gpu.allocate_host(64, "a test") as here:
        assert (gpu.stream, there.address, here.address) == (77, 0x1000, 0x2000)
        here.array[:] = 7
        assert machine.block.raw == b"\7" * 64
    there.close()
    here.close()
    assert machine.calls == [
        "driver.cuMemAlloc",
        "driver.cuMemHostAlloc",
        "driver.cuMemHostGetDevicePointer",
        "driver.cuMemFreeHost",
        "driver.cuMemFree",
    ]


@pytest.mark.parametrize("kind", ["allocate", "allocate_host"])
def test_memory_that_is_not_there_is_said_in_numbers(
    machine: Machine, gpu: CudaGpu, kind: str
) -> None:
    machine.driver_answers["cuMemAlloc"] = machine.driver_answers["cuMemHostAlloc"] = (Status(2),)
    with pytest.raises(GpuMemoryError, match="a test wants 3072 MB .* 1024 of 8192 MB are free"):
        getattr(gpu, kind)(3 * GB, "a test")


def test_host_memory_that_cannot_be_mapped_is_given_back(machine: Machine, gpu: CudaGpu) -> None:
    machine.driver_answers["cuMemHostGetDevicePointer"] = (Status(999),)
    with pytest.raises(BackendError, match="while mapping memory of the host: CUDA_ERROR_UNKNOWN"):
        gpu.allocate_host(64, "a test")
    assert machine.calls[-1] == "driver.cuMemFreeHost"


def test_work_is_recorded_and_launched(machine: Machine, gpu: CudaGpu) -> None:
    recording = gpu.record(lambda: gpu.copy(1, 2, 3))
    recording.launch()
    recording.close()
    assert machine.calls == [
        "stream.create_graph_builder",
        "builder.begin_building",
        "driver.cuMemcpyAsync",
        "builder.end_building",
        "builder.complete",
        "builder.close",
        "graph.upload",
        "graph.launch",
        "graph.close",
    ]


def test_recording_ends_where_the_work_fails(machine: Machine, gpu: CudaGpu) -> None:
    machine.builder_answers["close"] = RuntimeError("the capture was invalidated")

    def work() -> None:
        raise BackendError("the engine refused")

    with pytest.raises(BackendError, match="the engine refused"):
        gpu.record(work)
    assert machine.calls[-1] == "builder.close"


def test_waiting_goes_through_an_event(machine: Machine, gpu: CudaGpu) -> None:
    gpu.clear(1, 2)
    gpu.finish()
    with gpu.mark(timing=True) as mark:
        mark.record()
        mark.wait()
    assert machine.calls == [
        "driver.cuMemsetD8Async",
        *["stream.record", "event.sync"],
        *["device.create_event", "stream.record", "event.sync", "event.close"],
    ]


def test_a_failure_while_it_computes_is_said(machine: Machine, gpu: CudaGpu) -> None:
    machine.event._answers["sync"] = RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS: oh")
    with pytest.raises(BackendError, match="while computing: CUDA_ERROR_ILLEGAL_ADDRESS"):
        gpu.finish()


def test_the_gpu_becomes_current_where_it_is_asked_to_and_is_closed_once(
    machine: Machine,
) -> None:
    gpu = CudaGpu(0)
    gpu.activate()
    assert machine.calls.count("device.set_current") == 2
    gpu.close()
    gpu.close()
    assert machine.calls.count("stream.close") == 1
