"""ONNX Runtime, which must work; OpenVINO and torch, which may."""

from __future__ import annotations

import pytest
from fake_machine import GEFORCE, NOT_THERE, broken, driver

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.backends import examine_onnxruntime, examine_openvino, examine_torch
from ovseg_ros.doctor.examination import State
from ovseg_ros.doctor.gpu import Gpus

CRASH = broken("the import crashed with SIGILL")


def torch(cuda: str | None, available: bool) -> Answer:
    return Answer({"version": "2.13.0", "cuda": cuda, "available": available})


@pytest.mark.parametrize(
    ("answer", "state", "remedy"),
    [
        (Answer({"version": "1.20.1", "works": True}), State.OK, ""),
        (Answer({"version": "1.16.3", "works": True}), State.FAULT, "--upgrade"),
        (Answer({"version": "1.20.1", "works": False}), State.FAULT, "--force-reinstall"),
        (NOT_THERE, State.FAULT, "pip install 'ovseg_ros[cpu]'"),
        (CRASH, State.FAULT, "--force-reinstall"),
    ],
)
def test_onnxruntime_must_work(answer, state, remedy) -> None:
    finding = examine_onnxruntime(answer)
    assert finding.state is state
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("answer", "state", "found"),
    [
        (NOT_THERE, State.ABSENT, "optional"),
        (CRASH, State.WARNING, "SIGILL"),
        (
            Answer({"version": "2026.4", "capabilities": ["FP32", "INT8", "BIN"]}),
            State.OK,
            "2026.4, fp32, int8 on this processor",
        ),
    ],
)
def test_openvino_may_be_there(answer, state, found) -> None:
    finding = examine_openvino(answer)
    assert finding.state is state
    assert found in finding.found


@pytest.mark.parametrize(
    ("answer", "gpu", "state", "found"),
    [
        (NOT_THERE, NOT_THERE, State.ABSENT, "not installed"),
        (CRASH, NOT_THERE, State.WARNING, "SIGILL"),
        (torch(None, False), driver(GEFORCE), State.OK, "for the processor only"),
        (torch("12.6", True), driver(GEFORCE), State.OK, "with CUDA 12.6"),
        (torch("13.0", False), driver(GEFORCE), State.WARNING, "the driver has CUDA 12.8"),
        (torch("13.0", False), NOT_THERE, State.OK, "there is no GPU here"),
    ],
)
def test_torch_says_whether_it_has_cuda(answer, gpu, state, found) -> None:
    finding = examine_torch(answer, Gpus.of(gpu, on_jetson=False))
    assert finding.state is state
    assert found in finding.found
