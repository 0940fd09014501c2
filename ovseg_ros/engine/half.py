"""A float32 program made strongly typed float16: every operator gets operands of one type.

Weights and heavy operators become float16; explicit casts lead into and out of the islands of
float32. Inputs and outputs keep their types, so that a package is used like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ovseg_ros.engine.islands import UNTYPED, float32_nodes, loops
from ovseg_ros.engine.qdq import is_scale

if TYPE_CHECKING:
    import onnx_ir as ir


def to_half(model: ir.Model) -> None:
    """Change the float32 program `model`, in place, to float16 with float32 islands."""
    import onnx_ir as ir

    single, half = ir.DataType.FLOAT, ir.DataType.FLOAT16
    graph = model.graph
    wide = float32_nodes(graph)
    nodes = [node for node in graph.all_nodes() if node.op_type not in UNTYPED]
    for node in nodes:
        if node not in wide:
            _become(node.outputs, half)
    _type_loops(graph)
    casts = _Casts()
    for node in nodes:
        for place, value in enumerate(node.inputs):
            if value is not None and value.dtype in (single, half):
                casts.lead(value, node, place, single if node in wide else half)
    for loop, body in loops(graph):
        for place, (outer, inner) in enumerate(zip(loop.inputs, body.inputs, strict=True)):
            if outer is not None and inner.dtype in (single, half):
                casts.lead(outer, loop, place, inner.dtype)
    for place, value in enumerate(graph.outputs):
        if value.dtype == half:
            graph.outputs[place] = casts.output(value, single)
    for value in [v for v in graph.initializers.values() if not v.uses()]:
        del graph.initializers[value.name or ""]


def _become(values: Iterable[ir.Value], half: ir.DataType) -> None:
    import onnx_ir as ir

    for value in values:
        if value.dtype == ir.DataType.FLOAT:
            value.dtype = half


def _type_loops(graph: ir.Graph) -> None:
    """Give what a loop carries and collects the type that its body makes it in."""
    for loop, body in loops(graph):
        for place, made in enumerate(body.outputs[1:]):
            carried = body.inputs[2 + place : 3 + place]
            for value in (loop.outputs[place], *carried):
                value.type = made.type


class _Casts:
    """Each value in each type that somebody wants it in, cast once and where it is made.

    A loop that casts what it takes from outside would do so at every turn.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[ir.Value, ir.DataType], ir.Value] = {}

    def lead(self, value: ir.Value, node: ir.Node, place: int, dtype: ir.DataType) -> None:
        """Make `value`, in `dtype`, the input of `node` at `place`."""
        if value.dtype != dtype:
            node.replace_input_with(place, self._cast(value, dtype))

    def output(self, value: ir.Value, dtype: ir.DataType) -> ir.Value:
        """Return the output of the program, in `dtype`, that takes the name of `value`."""
        cast = self._cast(value, dtype)
        cast.name, value.name = value.name, cast.name
        return cast

    def _cast(self, value: ir.Value, dtype: ir.DataType) -> ir.Value:
        key = value, dtype
        if key not in self._made:
            constant = value.is_initializer()
            self._made[key] = _constant(value, dtype) if constant else _computed(value, dtype)
        return self._made[key]


def _constant(value: ir.Value, dtype: ir.DataType) -> ir.Value:
    """Return initializer `value` rounded to `dtype`, in the same graph."""
    import onnx_ir as ir

    graph, name = value.graph, _name(value, dtype)
    assert value.const_value is not None and graph is not None
    numbers = value.const_value.numpy().astype(dtype.numpy())
    if is_scale(value):
        # Of channels that are as good as zero; engines refuse a scale of zero.
        numbers = numbers.clip(min=np.finfo(numbers.dtype).smallest_subnormal)
    tensor = ir.tensor(numbers, name=name)
    rounded = ir.Value(name=name, type=ir.TensorType(dtype), shape=value.shape, const_value=tensor)
    graph.register_initializer(rounded)
    return rounded


def _computed(value: ir.Value, dtype: ir.DataType) -> ir.Value:
    """Return `value` cast to `dtype` right behind the node that makes it."""
    import onnx_ir as ir

    node = ir.node("Cast", [value], {"to": int(dtype)}, name=_name(value, dtype))
    cast = node.outputs[0]
    cast.name, cast.type, cast.shape = node.name, ir.TensorType(dtype), value.shape
    producer, graph = value.producer(), value.graph
    assert graph is not None
    if producer is None:
        graph.insert_before(graph[0], node)
    else:
        graph.insert_after(producer, node)
    return cast


def _name(value: ir.Value, dtype: ir.DataType) -> str:
    return f"{value.name}_{dtype.name.lower()}"
