"""Calibrated int8 for OpenVINO: a package's graph quantised on real frames, with NNCF."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ovseg_ros.check.calibration_inputs import CalibrationInputs
from ovseg_ros.check.float_parts import Flow, float_parts
from ovseg_ros.check.material import Material
from ovseg_ros.engine.choice import Precision
from ovseg_ros.engine.openvino import (
    import_openvino,
    openvino_version,
    read_graph,
    require_precision,
)
from ovseg_ros.engine.quantised import QuantisedModel, store_quantised
from ovseg_ros.errors import MissingExtraError
from ovseg_ros.output import OutputError
from ovseg_ros.packages import ModelPackage

EXTRA = "calibrate"
_LAYERS = ("Convolution", "GroupConvolution", "MatMul")
_PLUMBING = ("Constant", "Parameter", "Result")
# Attention needs its own treatment of outliers; its softmax gives it away.
_ATTENTION = ("Softmax", "ScaledDotProductAttention")


def import_nncf() -> Any:
    """Return the nncf module; raises `MissingExtraError` where it is not installed."""
    import_openvino()
    try:
        import nncf
    except ImportError:
        raise MissingExtraError("nncf", EXTRA) from None
    return nncf


def calibrate(
    package: ModelPackage,
    material: Material,
    cache: Path,
    facts: Mapping[str, Any],
    on_frame: Callable[[], None] = lambda: None,
) -> QuantisedModel:
    """Quantise the graph of `package` on the frames of `material`, and put it into `cache`.

    `facts` go into the readable sidecar; `on_frame` is called for each frame read. Raises
    `BackendError` where the processor has no int8, `QueryError` for labels the package does not
    take, `FrameError`, `MissingExtraError`, `OutputError`.
    """
    ov, nncf = import_openvino(), import_nncf()
    nncf.set_log_level(logging.ERROR)
    core = ov.Core()
    require_precision(core, Precision.INT8)
    graph = read_graph(core, package.segmenter_path)
    kinds = {node.get_type_name() for node in graph.get_ops()}
    quantised = nncf.quantize(
        graph,
        nncf.Dataset(list(_counted(CalibrationInputs(package, material), on_frame))),
        subset_size=len(material),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER if kinds & set(_ATTENTION) else None,
        ignored_scope=nncf.IgnoredScope(names=sorted(left_in_float(graph)), validate=False),
    )
    about = {
        "openvino": openvino_version(),
        "nncf": nncf.__version__,
        "frames": len(material),
        "labels": [spec.name for spec in material.specs],
    }

    def save(path: Path) -> None:
        try:
            ov.save_model(quantised, str(path), compress_to_fp16=False)
        except RuntimeError as error:
            raise OutputError(f"cannot write {path}: {error}; make room in the cache") from None

    return store_quantised(cache, package, save, {**about, **facts})


def _counted(inputs: CalibrationInputs, on_frame: Callable[[], None]) -> Iterator[dict[str, Any]]:
    for frame in inputs:
        yield frame
        on_frame()


def left_in_float(graph: Any) -> set[str]:
    """Return the names of the nodes of an openvino.Model that are not to be quantised."""
    return float_parts(_flow(graph), _LAYERS, _PLUMBING)


def _flow(graph: Any) -> Flow:
    nodes = {node.get_friendly_name(): node for node in graph.get_ops()}
    return Flow(
        kinds={name: node.get_type_name() for name, node in nodes.items()},
        sources={name: _sources(node) for name, node in nodes.items()},
        inputs={p.get_any_name(): p.get_node().get_friendly_name() for p in graph.inputs},
        outputs={p.get_any_name(): p.get_node().get_friendly_name() for p in graph.outputs},
    )


def _sources(node: Any) -> list[str]:
    return [port.get_source_output().get_node().get_friendly_name() for port in node.inputs()]
