"""Which engines there are, and the sentences for those there are not."""

from __future__ import annotations

import pytest

from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice, Precision
from ovseg_ros.errors import BackendError


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("onnxruntime", REFERENCE),
        ("openvino", EngineChoice(BackendName.OPENVINO, Precision.FP32)),
        ("openvino:int8", EngineChoice(BackendName.OPENVINO, Precision.INT8)),
        ("tensorrt", EngineChoice(BackendName.TENSORRT, Precision.FP16, "cuda")),
        ("tensorrt:fp32@cuda:1", EngineChoice(BackendName.TENSORRT, Precision.FP32, "cuda:1")),
        ("torch:fp32@cpu", EngineChoice(BackendName.TORCH, Precision.FP32, "cpu")),
    ],
)
def test_a_choice_is_read_from_text(text: str, choice: EngineChoice) -> None:
    assert EngineChoice.parse(text) == choice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abacus", "'abacus' is unknown; there are onnxruntime, openvino, tensorrt, torch"),
        ("openvino:fp12", "'fp12' is unknown; there are fp32, fp16, bf16, int8, fp8"),
        ("onnxruntime:bf16", "onnxruntime has no precision bf16; it has fp32"),
        ("tensorrt@cpu", "tensorrt does not run on device 'cpu'; it runs on cuda or cuda:N"),
        ("openvino@cuda", "openvino does not run on device 'cuda'; it runs on cpu"),
        ("torch@cuda:x", "torch does not run on device 'cuda:x'; it runs on cuda or cuda:N, cpu"),
        ("torch:fp16@cpu", "torch computes in fp16 on a GPU only; choose precision fp32"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused_with_those_that_do(
    text: str, message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        EngineChoice.parse(text)
