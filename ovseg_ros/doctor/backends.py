"""The backends of processors, and torch."""

from __future__ import annotations

import re

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.gpu import Gpus

_OLDEST_ONNXRUNTIME = (1, 17)


def examine_onnxruntime(answer: Answer) -> Finding:
    """Return the finding on ONNX Runtime, which every package's text tower needs as well."""
    topic = Topic.ONNXRUNTIME
    if answer.refusal:
        remedy = "pip install --force-reinstall onnxruntime"
        return Finding(topic, State.FAULT, f"cannot be imported: {answer.refusal}", remedy)
    if answer.facts is None:
        found = "not installed; it runs queries and, by default, frames"
        return Finding(topic, State.FAULT, found, "pip install 'ovseg_ros[cpu]'")
    found = str(answer.facts["version"])
    if not answer.facts["works"]:
        found = f"{found} is installed, but files of it are missing"
        return Finding(topic, State.FAULT, found, "pip install --force-reinstall onnxruntime")
    if _numbers(found) < _OLDEST_ONNXRUNTIME:
        found = f"{found}; 1.17 or newer is wanted"
        return Finding(topic, State.FAULT, found, "pip install --upgrade onnxruntime")
    return Finding(topic, State.OK, found)


def examine_openvino(answer: Answer) -> Finding:
    """Return the finding on OpenVINO and what it computes in on this processor."""
    topic = Topic.OPENVINO
    if answer.refusal:
        remedy = "pip install --force-reinstall openvino"
        return Finding(topic, State.WARNING, f"cannot be loaded: {answer.refusal}", remedy)
    if answer.facts is None:
        remedy = "pip install 'ovseg_ros[openvino]'"
        return Finding(topic, State.ABSENT, "not installed; it is optional", remedy)
    names = {"FP32": "fp32", "BF16": "bf16", "INT8": "int8"}
    usable = [names[name] for name in names if name in answer.facts["capabilities"]]
    found = f"{answer.facts['version']}, {', '.join(usable)} on this processor"
    return Finding(topic, State.OK, found)


def examine_torch(answer: Answer, gpus: Gpus) -> Finding:
    """Return the finding on torch, and whether it can use the GPU."""
    topic = Topic.TORCH
    if answer.refusal:
        remedy = "pip install --force-reinstall torch"
        return Finding(topic, State.WARNING, f"cannot be imported: {answer.refusal}", remedy)
    if answer.facts is None:
        remedy = "pip install 'ovseg_ros[torch]'"
        found = "not installed; it is for `ovseg convert`, training and the backend torch"
        return Finding(topic, State.ABSENT, found, remedy)
    found, cuda = str(answer.facts["version"]), answer.facts["cuda"]
    if cuda is None:
        return Finding(topic, State.OK, f"{found} without CUDA: for the processor only")
    if gpus.devices and not answer.facts["available"]:
        found = f"{found} is for CUDA {cuda} and finds no GPU; the driver has {gpus.cuda_text}"
        return Finding(topic, State.WARNING, found, gpus.newer_driver)
    where = "with CUDA" if answer.facts["available"] else "for CUDA; there is no GPU here, CUDA"
    return Finding(topic, State.OK, f"{found} {where} {cuda}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
