"""Quantised ONNX programs in the cache, with Q/DQ: what TensorRT engines in int8 and fp8 are of.

`<cache>/qdq/int8/` and `<cache>/qdq/fp8/` hold one folder per graph, as `quantised.py` says.
"""

from __future__ import annotations

from pathlib import Path

from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.quantised import QuantisedForm, QuantisedModel, find_quantised
from ovseg_ros.packages import ModelPackage

QDQ_PRECISIONS = (Precision.INT8, Precision.FP8)


def qdq_form(precision: Precision) -> QuantisedForm:
    """Return the form of quantised programs of this `precision`, one of `QDQ_PRECISIONS`."""
    assert precision in QDQ_PRECISIONS, precision
    return QuantisedForm(
        EngineChoice(BackendName.TENSORRT, precision),
        f"qdq/{precision.value}",
        (".onnx",),
        f"ovseg calibrate --backend tensorrt --precision {precision.value}",
    )


def find_quantised_onnx(cache: Path, package: ModelPackage, precision: Precision) -> QuantisedModel:
    """Return the quantised program of `package`: float16 with islands, and Q/DQ of `precision`.

    Its `sha256` is that of the file. Raises `BackendError` where it is missing or was altered.
    """
    return find_quantised(cache, package, qdq_form(precision))
