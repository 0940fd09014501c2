"""The answers of one interpreter to `asking.Question`; run by it, in a process of its own.

A thing that is not installed is answered by None. Whatever an import raises ends the process: its
last line is the answer then.
"""

from __future__ import annotations

import importlib
import re
from importlib.metadata import PackageNotFoundError, distributions, version
from importlib.util import find_spec
from typing import Any

from ovseg_ros.doctor.cuda_driver import read_driver

Facts = dict[str, Any]
# Distribution and module of what everything else stands on.
_CORE = {"numpy": "numpy", "pillow": "PIL", "pyyaml": "yaml", "rich": "rich"}
_CUDA_PYTHON = ("cuda-core", "cuda-bindings")


def answer(question: str) -> Facts | None:
    """Return what is known of the thing in question, as JSON can hold it."""
    if question in _ANSWERS:
        return _ANSWERS[question]()
    return _library(question)


def _library(name: str) -> Facts | None:
    """Return the version of a library of TensorRT, and the CUDA it was built for, if it says so."""
    if find_spec(name) is None:
        return None
    module = importlib.import_module(name)
    capabilities = getattr(module, "ComputeCapability", None)
    names = getattr(capabilities, "__members__", {})
    numbers = [found[1] for found in map(re.compile(r"SM(\d+)").fullmatch, names) if found]
    return {
        "version": str(module.__version__),
        "cuda": _cuda_of(name),
        # "89" is compute capability 8.9, "120" is 12.0.
        "capabilities": sorted([int(number[:-1]), int(number[-1])] for number in set(numbers)),
    }


def _cuda_of(name: str) -> int | None:
    """Return the major version of CUDA in the name of a wheel such as tensorrt_cu12_libs."""
    wheel = re.compile(rf"{name}[-_]cu(\d+)")
    found = (wheel.match(entry.metadata["Name"] or "") for entry in distributions())
    majors = [int(match[1]) for match in found if match]
    return max(majors, default=None)


def _core() -> Facts:
    missing = [name for name, module in _CORE.items() if find_spec(module) is None]
    for module in (module for name, module in _CORE.items() if name not in missing):
        importlib.import_module(module)
    return {"missing": missing}


def _onnxruntime() -> Facts | None:
    if find_spec("onnxruntime") is None:
        return None
    module = importlib.import_module("onnxruntime")
    return {"version": str(module.__version__), "works": hasattr(module, "InferenceSession")}


def _openvino() -> Facts | None:
    if find_spec("openvino") is None:
        return None
    # Through our own door, which keeps it from reporting over the network.
    from ovseg_ros.engine.openvino import import_openvino

    core = import_openvino().Core()
    return {
        "version": version("openvino"),
        "capabilities": list(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
    }


def _torch() -> Facts | None:
    if find_spec("torch") is None:
        return None
    module = importlib.import_module("torch")
    return {
        "version": str(module.__version__),
        "cuda": module.version.cuda,
        "available": bool(module.cuda.is_available()),
    }


def _cuda_python() -> Facts:
    facts: Facts = {}
    for name in _CUDA_PYTHON:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = None
    return facts


def _rclpy() -> Facts | None:
    if find_spec("rclpy") is None:
        return None
    utilities = importlib.import_module("rclpy.utilities")
    return {
        "rmw": utilities.get_rmw_implementation_identifier(),
        # The node watches for peers with an incompatible QoS through it.
        "event_handler": find_spec("rclpy.event_handler") is not None,
    }


def _interfaces() -> Facts | None:
    if find_spec("ovseg_ros.msg") is None or find_spec("ovseg_ros.srv") is None:
        return None
    messages = importlib.import_module("ovseg_ros.msg")
    importlib.import_module("ovseg_ros.srv")
    # Looks for the libraries of the middleware in use, as a publisher would, but sends nothing.
    importlib.import_module("rclpy.serialization").serialize_message(messages.LabelMap())
    return {"messages": len([name for name in dir(messages) if name[:1].isupper()])}


def _vision_msgs() -> Facts | None:
    if find_spec("vision_msgs") is None:
        return None
    module = importlib.import_module("vision_msgs.msg")
    return {"label_info": hasattr(module, "LabelInfo")}


_ANSWERS = {
    "core": _core,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "torch": _torch,
    "cuda": read_driver,
    "cuda-python": _cuda_python,
    "rclpy": _rclpy,
    "interfaces": _interfaces,
    "vision_msgs": _vision_msgs,
}
