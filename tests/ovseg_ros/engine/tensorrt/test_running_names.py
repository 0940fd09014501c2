"""Every name of TensorRT that running an engine uses is in the installed library, as it is used.

The installed one is that for RTX; where a name differs between libraries, it is asked for first.
"""

from __future__ import annotations

import pytest

from ovseg_ros.engine.tensorrt.library import TensorRtLibrary, open_library

pytestmark = pytest.mark.tensorrt

# A part of the signature that the binding says of itself.
CALLS = {
    "Runtime.deserialize_cuda_engine": "serialized_engine",
    "Runtime.get_engine_validity": "buffer",
    "ICudaEngine.create_runtime_config": "-> tensorrt_rtx_bindings.tensorrt_rtx.IRuntimeConfig",
    "ICudaEngine.create_execution_context": "strategy: ",
    "ICudaEngine.get_device_memory_size_for_profile_v2": "profile_index: ",
    "ICudaEngine.get_tensor_name": "index: ",
    "ICudaEngine.get_tensor_dtype": "name: str",
    "ICudaEngine.get_tensor_mode": "name: str",
    "ICudaEngine.get_tensor_shape": "name: str",
    "ICudaEngine.get_tensor_profile_shape": "name: str, profile_index: ",
    "IExecutionContext.set_optimization_profile_async": "profile_index: ",
    "IExecutionContext.set_device_memory": "memory: typing.SupportsInt, size: ",
    "IExecutionContext.set_input_shape": "name: str, shape: tuple",
    "IExecutionContext.set_tensor_address": "name: str, memory: ",
    "IExecutionContext.infer_shapes": "-> list[str]",
    "IExecutionContext.execute_async_v3": "stream_handle: ",
    "IExecutionContext.is_stream_capturable": "stream: ",
    "IRuntimeConfig.set_execution_context_allocation_strategy": "strategy: ",
    "IRuntimeConfig.create_runtime_cache": "IRuntimeCache",
    "IRuntimeConfig.set_runtime_cache": "cache: ",
    "IRuntimeCache.serialize": "IHostMemory",
    "IRuntimeCache.deserialize": "blob: ",
}
PROPERTIES = {
    "ICudaEngine": ("num_io_tensors", "num_optimization_profiles"),
    "IRuntimeConfig": ("cuda_graph_strategy", "dynamic_shapes_kernel_specialization_strategy"),
    "Runtime": ("engine_header_size",),
    "ExecutionContextAllocationStrategy": ("USER_MANAGED",),
    "CudaGraphStrategy": ("WHOLE_GRAPH_CAPTURE",),
    "DynamicShapesKernelSpecializationStrategy": ("EAGER",),
    "TensorIOMode": ("INPUT", "OUTPUT"),
    "DataType": ("UINT8", "FLOAT"),
    "EngineInvalidityDiagnostics": ("INSUFFICIENT_GPU_MEMORY", "OLD_CUDA_DRIVER"),
}


@pytest.fixture(scope="module")
def module() -> object:
    return open_library(TensorRtLibrary.TENSORRT_RTX).module


@pytest.mark.parametrize(("path", "part"), CALLS.items())
def test_a_call_is_there_and_takes_what_it_is_given(module, path: str, part: str) -> None:
    owner, name = path.split(".")
    found = getattr(getattr(module, owner), name).__doc__ or ""
    assert part in found, found


@pytest.mark.parametrize(("owner", "names"), PROPERTIES.items())
def test_a_property_or_member_is_there(module, owner: str, names: tuple[str, ...]) -> None:
    assert [name for name in names if not hasattr(getattr(module, owner), name)] == []
