"""Every name of TensorRT's Python API that this project uses, and what is wrong with a module.

Run as `python tensorrt_api.py FOLDER MODULE` it prints the faults of a module in FOLDER: several
versions of one extension module cannot be imported into one process.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

# Per class: attributes (None), and methods with the parameters that are given to them, in order.
USED: Mapping[str, Mapping[str, tuple[str, ...] | None]] = {
    "Builder": {
        "__init__": ("logger",),
        "create_network": ("flags",),
        "create_builder_config": (),
        "create_optimization_profile": (),
        "build_serialized_network": ("network", "config"),
    },
    "IBuilderConfig": {
        "profiling_verbosity": None,
        "progress_monitor": None,
        "clear_flag": ("flag",),
        "set_memory_pool_limit": ("pool", "pool_size"),
        "add_optimization_profile": ("profile",),
        "create_timing_cache": ("serialized_timing_cache",),
        "set_timing_cache": ("cache", "ignore_mismatch"),
        "get_timing_cache": (),
    },
    "BuilderFlag": {"TF32": None},
    "MemoryPoolType": {"WORKSPACE": None},
    "ProfilingVerbosity": {"DETAILED": None},
    "NetworkDefinitionCreationFlag": {"STRONGLY_TYPED": None},
    "ITimingCache": {"serialize": ()},
    "IOptimizationProfile": {"set_shape": ("input", "min", "opt", "max")},
    "INetworkDefinition": {
        "num_inputs": None,
        "num_outputs": None,
        "num_layers": None,
        "get_input": ("index",),
        "get_output": ("index",),
        "get_layer": ("index",),
    },
    "ITensor": {"name": None, "dtype": None, "shape": None},
    "ILayer": {"name": None, "type": None, "num_outputs": None, "get_output": ("index",)},
    "LayerType": {"TRIP_LIMIT": None},
    "DataType": {"UINT8": None, "FLOAT": None, "HALF": None, "BF16": None, "FP8": None},
    "OnnxParser": {
        "__init__": ("network", "logger"),
        "parse_from_file": ("model",),
        "num_errors": None,
        "get_error": ("index",),
    },
    "ParserError": {"node": (), "node_name": (), "node_operator": (), "desc": ()},
    "ILogger": {"Severity": None, "log": ("severity", "msg")},
    "IProgressMonitor": {
        "phase_start": ("phase_name", "parent_phase", "num_steps"),
        "phase_finish": ("phase_name",),
        "step_complete": ("phase_name", "step"),
    },
    "IHostMemory": {"nbytes": None},
    "Runtime": {
        "__init__": ("logger",),
        "deserialize_cuda_engine": ("serialized_engine",),
    },
    "EngineInspector": {"get_engine_information": ("format",)},
    "LayerInformationFormat": {"JSON": None},
    "ICudaEngine": {
        "create_engine_inspector": (),
        "create_execution_context": ("strategy",),
        "get_device_memory_size_for_profile_v2": ("profile_index",),
        "num_optimization_profiles": None,
        "num_io_tensors": None,
        "get_tensor_name": ("index",),
        "get_tensor_dtype": ("name",),
        "get_tensor_mode": ("name",),
        "get_tensor_shape": ("name",),
        "get_tensor_profile_shape": ("name", "profile_index"),
    },
    "ExecutionContextAllocationStrategy": {"USER_MANAGED": None},
    "IExecutionContext": {
        "set_optimization_profile_async": ("profile_index", "stream_handle"),
        "set_device_memory": ("memory", "size"),
        "set_input_shape": ("name", "shape"),
        "set_tensor_address": ("name", "memory"),
        "infer_shapes": (),
        "execute_async_v3": ("stream_handle",),
    },
}
# What is asked for before it is used: all of a feature is there, or nothing.
OPTIONAL: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...] | None]]] = {
    "validity": {
        "Runtime": {"engine_header_size": None, "get_engine_validity": ("buffer",)},
        "EngineValidity": {"INVALID": None},
        "EngineInvalidityDiagnostics": {"INSUFFICIENT_GPU_MEMORY": None, "OLD_CUDA_DRIVER": None},
    },
    "portable engines": {"IBuilderConfig": {"num_compute_capabilities": None}},
    "kernels compiled when loading": {
        "CudaGraphStrategy": {"WHOLE_GRAPH_CAPTURE": None},
        "DynamicShapesKernelSpecializationStrategy": {"EAGER": None},
        "IRuntimeConfig": {
            "cuda_graph_strategy": None,
            "dynamic_shapes_kernel_specialization_strategy": None,
            "create_runtime_cache": (),
            "set_runtime_cache": ("cache",),
        },
        "IRuntimeCache": {"serialize": (), "deserialize": ()},
    },
}


def faults(module: Any) -> list[str]:
    """Return what `module` lacks of what is used, or has with other parameters."""
    found = list(_faults(module, USED))
    for feature, names in OPTIONAL.items():
        missing = list(_faults(module, names))
        wanted = sum(len(each) for each in names.values())
        if missing and len(missing) < wanted:
            found.append(f"of {feature} only: {missing}")
    return found


def features(module: Any) -> set[str]:
    """Return the optional features that `module` has."""
    return {name for name, names in OPTIONAL.items() if not list(_faults(module, names))}


def _faults(module: Any, names: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for kind, members in names.items():
        for name, parameters in members.items():
            member = getattr(getattr(module, kind, None), name, None)
            if member is None:
                yield f"{kind}.{name} is missing"
            elif parameters is not None and not _takes(member, name, parameters):
                yield f"{kind}.{name} does not take {parameters}: {member.__doc__}"


def _takes(member: Any, name: str, parameters: tuple[str, ...]) -> bool:
    """Return whether one of the signatures that pybind11 wrote begins with `parameters`."""
    signatures = re.findall(rf"^(?:\d+\. )?{name}\((.*)\) -> ", member.__doc__ or "", re.MULTILINE)
    return any(_parameters(each)[: len(parameters)] == parameters for each in signatures)


def _parameters(signature: str) -> tuple[str, ...]:
    names = re.findall(r"(?:^|, )(\w+): ", signature)
    return tuple(name for name in names if name != "self")


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    tensorrt = import_module(sys.argv[2])
    print(tensorrt.__version__, sorted(features(tensorrt)))
    print("\n".join(faults(tensorrt)))
