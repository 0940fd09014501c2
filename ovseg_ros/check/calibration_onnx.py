"""Calibrated int8 and fp8 for TensorRT: Q/DQ put into a package's program with NVIDIA ModelOpt.

ModelOpt decides where quantising pays on tensor cores. What `float_parts` names and the float32
islands of a float16 program are not quantised; everything else becomes float16.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ovseg_ros.check.calibration_inputs import CalibrationInputs
from ovseg_ros.check.float_parts import Flow, float_parts
from ovseg_ros.check.material import Material
from ovseg_ros.engine.choice import Precision
from ovseg_ros.engine.half import to_half
from ovseg_ros.engine.islands import HEAVY, float32_nodes, loops
from ovseg_ros.engine.qdq import read_quantised, restore_float, type_pairs
from ovseg_ros.engine.quantised import QuantisedModel, store_quantised
from ovseg_ros.engine.quantised_onnx import qdq_form
from ovseg_ros.engine.tensorrt.program import loop_refusal
from ovseg_ros.errors import BackendError, MissingExtraError
from ovseg_ros.packages import ModelPackage

if TYPE_CHECKING:
    import onnx_ir as ir

EXTRA = "modelopt"
# ModelOpt's default for int8; its ranges of fp8 hold for the largest value only.
_METHODS = {Precision.INT8: "entropy", Precision.FP8: "max"}
_PORT = "Port"
# ModelOpt takes names for patterns from their beginning: `add_1` would be `add_10` as well.
_END = "/"


def import_modelopt() -> Any:
    """Return `modelopt.onnx.quantization`; raises `MissingExtraError` where it is not installed."""
    # It shows a bar of its own for each frame, read once, when it is imported.
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        import modelopt.onnx.quantization as quantization
        import onnx_ir  # noqa: F401
    except ImportError as error:
        # ModelOpt raises a new error without a name for what is missing of its own needs.
        cause = error.__context__ if error.name is None else error
        raise MissingExtraError(getattr(cause, "name", None) or "modelopt", EXTRA) from None
    return quantization


def calibrate_onnx(
    package: ModelPackage,
    precision: Precision,
    material: Material,
    cache: Path,
    facts: Mapping[str, Any],
    on_frame: Callable[[], None] = lambda: None,
) -> QuantisedModel:
    """Quantise the program of `package` to `precision` on the frames of `material`, into `cache`.

    `precision` is int8 or fp8. `facts` go into the readable sidecar; `on_frame` is called for each
    frame calibrated on. Raises `BackendError` for a package in float16, `PackageError` for one with
    loops, `QueryError` for labels it does not take, `FrameError`, `MissingExtraError`,
    `OutputError`.
    """
    modelopt = import_modelopt()
    import onnx_ir as ir

    model = ir.load(package.segmenter_path)
    _require_suitable(model, package)
    kept = left_in_float(model)
    inputs = CalibrationInputs(package, material)
    with tempfile.TemporaryDirectory(prefix="ovseg_calibrate_") as scratch:
        quantised = _quantise(modelopt, model, kept, precision, Path(scratch), inputs, on_frame)
        _finish(quantised, kept, package)
        about = {
            "modelopt": modelopt_version(),
            "method": _METHODS[precision],
            "frames": len(material),
            "labels": [spec.name for spec in material.specs],
            "quantised_nodes": sum(node.op_type == "QuantizeLinear" for node in quantised.graph),
        }

        def save(path: Path) -> None:
            ir.save(quantised, path)

        return store_quantised(cache, package, save, {**about, **facts}, qdq_form(precision))


def modelopt_version() -> str:
    """Return the version of ModelOpt; raises `MissingExtraError` where it is not installed."""
    import_modelopt()
    import modelopt

    return str(modelopt.__version__)


def left_in_float(model: ir.Model) -> set[str]:
    """Return the names of the nodes of the float32 program `model` that are not to be quantised."""
    islands = {node.name or "" for node in float32_nodes(model.graph)}
    return float_parts(_flow(model.graph), sorted(HEAVY), [_PORT]) | islands


def _flow(graph: ir.Graph) -> Flow:
    ports = {f"{_PORT} {value.name}": value for value in graph.inputs}
    makers: dict[Any, str] = {value: name for name, value in ports.items()}
    for node in graph:
        makers |= dict.fromkeys(node.outputs, node.name or "")
    kinds = dict.fromkeys(ports, _PORT) | {node.name or "": node.op_type for node in graph}
    sources = {
        node.name or "": [makers[value] for value in node.inputs if value in makers]
        for node in graph
    }
    inputs = {value.name or "": name for name, value in ports.items()}
    return Flow(kinds, sources, inputs, {v.name or "": makers[v] for v in graph.outputs})


def _require_suitable(model: ir.Model, package: ModelPackage) -> None:
    if any(v.dtype and v.dtype.name == "FLOAT16" for v in model.graph.initializers.values()):
        raise BackendError(
            f"the program of package '{package.card.name}' is in float16, and calibration starts "
            "from float32; make the package again with  ovseg convert --precision fp32"
        )
    if any(loops(model.graph)):
        raise loop_refusal(package.segmenter_path, package.card)


def _quantise(
    modelopt: Any,
    model: ir.Model,
    kept: set[str],
    precision: Precision,
    scratch: Path,
    inputs: CalibrationInputs,
    on_frame: Callable[[], None],
) -> ir.Model:
    """Return `model` with Q/DQ, in float32; `model` itself is renamed."""
    import onnx_ir as ir

    for node in model.graph:
        node.name = f"{node.name}{_END}"
    before, after = scratch / "float.onnx", scratch / "quantised.onnx"
    ir.save(model, before)
    with redirect_stdout(io.StringIO()):
        modelopt.quantize(
            str(before),
            quantize_mode=precision.value,
            calibration_data_reader=_reader(inputs, on_frame),
            calibration_method=_METHODS[precision],
            calibration_eps=["cpu"],
            nodes_to_exclude=[f"{re.escape(name + _END)}$" for name in sorted(kept)],
            output_path=str(after),
            # Our own islands, below, instead of those that it would choose.
            high_precision_dtype="fp32",
            dq_only=True,
            log_level="CRITICAL",
        )
    quantised = ir.load(after)
    for node in quantised.graph:
        node.name = (node.name or "").removesuffix(_END)
    return quantised


def _finish(model: ir.Model, kept: set[str], package: ModelPackage) -> None:
    """Set right what ModelOpt leaves, and make everything else float16 with float32 islands."""
    restore_float(model.graph, kept)
    left = read_quantised(model.graph, kept)
    assert not left, f"quantised although they are to stay in float: {left}"
    type_pairs(model.graph)
    try:
        with np.errstate(over="raise"):
            to_half(model)
    except FloatingPointError:
        raise BackendError(
            f"weights of package '{package.card.name}' are beyond float16 (65504); use  ovseg "
            "build --precision fp32"
        ) from None


def _reader(inputs: CalibrationInputs, on_frame: Callable[[], None]) -> Any:
    """Return `inputs` as ONNX Runtime's calibrators, and ModelOpt besides, read them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rewind()

        def rewind(self) -> None:
            self._frames = iter(inputs)

        def get_first(self) -> dict[str, Any]:
            return next(iter(inputs))

        def get_next(self) -> dict[str, Any] | None:
            frame = next(self._frames, None)
            if frame is not None:
                on_frame()
            return frame

    return Reader()
