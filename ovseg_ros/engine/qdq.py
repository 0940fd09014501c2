"""A program with Q/DQ (QuantizeLinear, DequantizeLinear): what a quantiser leaves to be set right.

A tensor that one operator wants quantised is quantised for all that read it, and the new values
have no types yet.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
# Places of their operands.
_SCALE, _ZERO = 1, 2


def restore_float(graph: ir.Graph, kept: Collection[str]) -> None:
    """Let the nodes of `graph` named in `kept` read what was there before it was quantised.

    Pairs of Q and DQ that nothing reads any more are removed.
    """
    for node in graph:
        if node.name in kept:
            for place, value in enumerate(node.inputs):
                original = _before(value)
                if original is not None:
                    node.replace_input_with(place, original)
    for node in reversed(list(graph)):
        if node.op_type in (QUANTISE, DEQUANTISE) and not node.outputs[0].uses():
            graph.remove(node, safe=True)


def read_quantised(graph: ir.Graph, kept: Collection[str]) -> list[str]:
    """Return the names of the nodes in `kept` that read a dequantised value all the same."""
    return [
        node.name or ""
        for node in graph
        if node.name in kept and any(_producer(value) == DEQUANTISE for value in node.inputs)
    ]


def type_pairs(graph: ir.Graph) -> None:
    """Give the outputs of all Q and DQ of `graph` their types and shapes."""
    import onnx_ir as ir

    for node in graph:
        if node.op_type in (QUANTISE, DEQUANTISE):
            source = node.inputs[_ZERO if node.op_type == QUANTISE else _SCALE]
            assert source is not None and source.dtype is not None and node.inputs[0] is not None
            node.outputs[0].type = ir.TensorType(source.dtype)
            node.outputs[0].shape = node.inputs[0].shape


def is_scale(value: ir.Value) -> bool:
    """Return whether `value` is the scale of Q and DQ, and nothing else."""
    uses = value.uses()
    return bool(uses) and all(
        node.op_type in (QUANTISE, DEQUANTISE) and place == _SCALE for node, place in uses
    )


def _before(value: ir.Value | None) -> ir.Value | None:
    """Return what became `value` by Q and DQ; None where it was not computed so."""
    if _producer(value) != DEQUANTISE:
        return None
    assert value is not None
    quantised = _node(value).inputs[0]
    return _node(quantised).inputs[0] if _producer(quantised) == QUANTISE else None


def _producer(value: ir.Value | None) -> str:
    node = None if value is None else value.producer()
    return "" if node is None else node.op_type


def _node(value: ir.Value | None) -> ir.Node:
    node = None if value is None else value.producer()
    assert node is not None
    return node
