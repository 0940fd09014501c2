"""Every name of cuda-core and cuda-bindings that is used here is there and takes what it is given.

No GPU is needed: signatures of the installed modules are compared with how they are called.
"""

from __future__ import annotations

import inspect

import pytest

from ovseg_ros.engine.cuda.driver import import_cuda

pytestmark = pytest.mark.cuda_core

# Where a call goes, what it is called, and with which arguments (methods without self).
CORE_CALLS = [
    ("Device", "__new__", (object, 0), {}),
    ("Device", "set_current", (), {}),
    ("Device", "create_stream", (), {}),
    ("Device", "create_event", (object(),), {}),
    ("Device", "get_all_devices", (), {}),
    ("Stream", "create_graph_builder", (), {}),
    ("Stream", "record", (object(),), {}),
    ("Stream", "close", (), {}),
    ("Event", "sync", (), {}),
    ("Event", "close", (), {}),
    ("graph.GraphBuilder", "begin_building", ("thread_local",), {}),
    ("graph.GraphBuilder", "end_building", (), {}),
    ("graph.GraphBuilder", "complete", (), {}),
    ("graph.GraphBuilder", "close", (), {}),
    ("graph.Graph", "upload", (object(),), {}),
    ("graph.Graph", "launch", (object(),), {}),
    ("graph.Graph", "close", (), {}),
    ("utils.StridedMemoryView", "from_dlpack", (object(),), {"stream_ptr": 1}),
]
CORE_PROPERTIES = [
    ("Device", ("name", "compute_capability", "properties")),
    ("Stream", ("handle",)),
    ("Event", ("__sub__",)),
    ("utils.StridedMemoryView", ("ptr", "shape", "strides", "dtype")),
]
DRIVER_CALLS = {
    "cuDriverGetVersion": "()",
    "cuMemGetInfo": "()",
    "cuMemAlloc": "(size_t bytesize)",
    "cuMemFree": "(dptr)",
    "cuMemHostAlloc": "(size_t bytesize, unsigned int Flags)",
    "cuMemFreeHost": "(p)",
    "cuMemHostGetDevicePointer": "(p, unsigned int Flags)",
    "cuMemcpyAsync": "(dst, src, size_t ByteCount, hStream)",
    "cuMemsetD8Async": "(dstDevice, unsigned char uc, size_t N, hStream)",
}


def found(path: str) -> object:
    value = import_cuda().core
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize(("owner", "name", "positional", "named"), CORE_CALLS)
def test_a_call_of_cuda_core_fits(owner: str, name: str, positional: tuple, named: dict) -> None:
    if name == "__new__":
        inspect.signature(found(owner)).bind(*positional[1:], **named)
        return
    method = getattr(found(owner), name)
    parameters = inspect.signature(method)
    bound = inspect.ismethod(method) or isinstance(
        inspect.getattr_static(found(owner), name), (classmethod, staticmethod)
    )
    parameters.bind(*(() if bound else (None,)), *positional, **named)


@pytest.mark.parametrize(("owner", "names"), CORE_PROPERTIES)
def test_a_property_of_cuda_core_is_there(owner: str, names: tuple[str, ...]) -> None:
    assert [name for name in names if not hasattr(found(owner), name)] == []


def test_options_of_events_are_there() -> None:
    options = import_cuda().core.EventOptions(timing_enabled=True, blocking_sync=True)
    assert options.timing_enabled and options.blocking_sync


def test_facts_that_are_asked_of_a_device_are_there() -> None:
    from cuda.core import _device, system

    assert hasattr(_device.DeviceProperties, "integrated")
    assert callable(system.get_kernel_mode_driver_version)


@pytest.mark.parametrize(("name", "arguments"), DRIVER_CALLS.items())
def test_a_call_of_the_driver_fits(name: str, arguments: str) -> None:
    first_line = (getattr(import_cuda().driver, name).__doc__ or "").splitlines()[0]
    assert first_line == name + arguments


def test_statuses_have_the_names_that_are_looked_for() -> None:
    driver = import_cuda().driver
    names = {
        "CUDA_ERROR_OUT_OF_MEMORY",
        "CUDA_ERROR_STUB_LIBRARY",
        "CUDA_ERROR_NO_DEVICE",
        "CUDA_ERROR_DEVICE_UNAVAILABLE",
    }
    assert names <= {status.name for status in driver.CUresult}
    assert int(driver.CUresult.CUDA_SUCCESS) == 0
    assert driver.CU_MEMHOSTALLOC_DEVICEMAP == 2
