"""Calibrated int8: post-training quantisation of a package's graph on real frames, with NNCF.

What stays in floating point: layers whose weight depends on the LoRA factors, since one
calibration cannot know the adapters to come; everything computed from label codes and thresholds,
which is bookkeeping on ids and would come out as wrong ids; and what only the scene embedding
needs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.mix import packed_factors
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
from ovseg_ros.text.bank import TextBank

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
        nncf.Dataset(list(_inputs(package, material, on_frame))),
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


def left_in_float(graph: Any) -> set[str]:
    """Return the names of the nodes of an openvino.Model that are not to be quantised."""
    nodes = {node.get_friendly_name(): node for node in graph.get_ops()}
    from_image = _downstream(graph, ["image"])
    adapted = _downstream(graph, ["lora_a", "lora_b"]) - from_image
    layers = {
        name
        for name, node in nodes.items()
        if node.get_type_name() in _LAYERS and (name in adapted or adapted & set(_sources(node)))
    }
    bookkeeping = _downstream(graph, ["label_codes", "thresholds"])
    scene = _upstream(graph, ["embedding"]) - _upstream(graph, ["mask", "confidence"])
    return layers | {
        name for name in bookkeeping | scene if nodes[name].get_type_name() not in _PLUMBING
    }


def _inputs(
    package: ModelPackage, material: Material, on_frame: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    """Yield the inputs of the graph for each frame, under all labels and under fewer in turn."""
    lora_a, lora_b = packed_factors(None, package.card.lora_widths)
    bank = TextBank.load(package).encode(
        [spec.prompts for spec in material.specs], package.card.templates
    )
    counts = sorted({len(bank), (len(bank) + 1) // 2, 1}, reverse=True)
    for index, frame in enumerate(material):
        rows = bank[: counts[index % len(counts)]]
        yield {
            "image": frame.image[None],
            "text_bank": rows,
            "label_codes": np.arange(1, len(rows) + 1, dtype=np.uint8),
            "thresholds": np.full(len(rows), package.card.default_threshold, np.float32),
            "lora_a": lora_a,
            "lora_b": lora_b,
        }
        on_frame()


def _downstream(graph: Any, inputs: Sequence[str]) -> set[str]:
    """Return the names of all nodes that depend on one of `inputs`."""
    start = [port.get_node() for port in graph.inputs if port.get_any_name() in inputs]
    return _reached(start, _users)


def _upstream(graph: Any, outputs: Sequence[str]) -> set[str]:
    """Return the names of all nodes that one of `outputs` depends on."""
    start = [port.get_node() for port in graph.outputs if port.get_any_name() in outputs]
    return _reached(start, lambda node: [i.get_source_output().get_node() for i in node.inputs()])


def _reached(start: Sequence[Any], neighbours: Callable[[Any], list[Any]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() not in seen:
            seen.add(node.get_friendly_name())
            waiting += neighbours(node)
    return seen


def _users(node: Any) -> list[Any]:
    return [user.get_node() for port in node.outputs() for user in port.get_target_inputs()]


def _sources(node: Any) -> list[str]:
    return [port.get_source_output().get_node().get_friendly_name() for port in node.inputs()]
