"""Which operators of a float16 program compute in float32, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ovseg_ros.engine.choice import ProgramPrecision

if TYPE_CHECKING:
    import onnx_ir as ir


class Island(NamedTuple):
    """Why a kind of operator computes in float32, and whether what only feeds it does so too."""

    reason: str
    draws_in: bool


_SUMS = Island("sums of many terms leave float16's range, and 256 + 0.1 is 256 there", True)
_NORM = Island("means and squares over channels; engines advise against float16", False)
_DECIDES = Island("rounding makes ties, and ties change labels", True)
_COUNTS = Island("whole numbers above 2048 are not in float16", True)

ISLANDS: Mapping[str, Island] = {
    "LayerNormalization": _NORM,
    "InstanceNormalization": _NORM,
    "Softmax": Island("sums exponentials over a whole row", False),
    "ReduceSum": _SUMS,
    "ReduceMean": _SUMS,
    "ReduceL2": _SUMS,
    "Div": Island("divisors are guarded by 1e-6 and less, which is subnormal in float16", True),
    "Sub": Island("differences of near values: pixels and their mean, E(x^2) and E(x)^2", True),
    "Resize": Island("pixels of 0..255 and confidences; positions are computed from sizes", True),
    "Greater": _DECIDES,
    "GreaterOrEqual": _DECIDES,
    "Equal": _DECIDES,
    "ReduceMax": _DECIDES,
    "TopK": _DECIDES,
    "Range": _COUNTS,
    "Cast": _COUNTS,
    "ConstantOfShape": Island("its type is its own, not that of an operand", False),
}

HEAVY = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose"})
# They read no numbers, or are typed by their bodies.
UNTYPED = frozenset({"Shape", "Size", "Loop"})
# What may lie between a sum or a quotient and the product that it enters.
_ON_THE_WAY = frozenset({"Reshape", "Transpose", "Unsqueeze", "Squeeze", "Add"})
_FACTORS = frozenset({"ReduceSum", "Div"})


def island_kinds(precision: ProgramPrecision) -> list[str]:
    """Return the sorted kinds of operators that are islands in a program of this `precision`."""
    return sorted(ISLANDS) if precision is ProgramPrecision.FP16 else []


def float32_nodes(graph: ir.Graph) -> set[ir.Node]:
    """Return the nodes of `graph` and of its loops' bodies that compute in float32.

    These are the operators of `ISLANDS`, products of a sum or a quotient with a computed value
    (q z of the linear attention, cosines), and light operators that feed nothing but islands.
    """
    nodes = [node for node in graph.all_nodes() if node.op_type not in UNTYPED]
    islands = {node for node in nodes if _is_island(node)}
    light = [node for node in nodes if node.op_type not in HEAVY and node not in islands]
    inside = {node for node in islands if node.op_type in HEAVY or ISLANDS[node.op_type].draws_in}
    inside.update(light)
    later = _goes_on_as(graph)
    shrinking = True
    while shrinking:
        # Consumers come later: one pass from the end settles nearly everything.
        found = len(inside)
        for node in reversed(light):
            if node in inside and not _feeds_only(node, inside, later):
                inside.remove(node)
        shrinking = len(inside) < found
    return inside | islands


def loops(graph: ir.Graph) -> Iterator[tuple[ir.Node, ir.Graph]]:
    """Yield every Loop of the main graph and its body."""
    for node in graph:
        if node.op_type == "Loop":
            yield node, node.attributes["body"].as_graph()


def _is_island(node: ir.Node) -> bool:
    if node.op_type == "Div":
        return not _is_constant(node.inputs[1])
    if node.op_type == "MatMul" and not any(_is_constant(value) for value in node.inputs):
        return any(_is_factor(value) for value in node.inputs)
    return node.op_type in ISLANDS


def _is_factor(value: ir.Value | None) -> bool:
    node = None if value is None else value.producer()
    if node is None:
        return False
    if node.op_type in _ON_THE_WAY:
        return any(_is_factor(source) for source in node.inputs)
    return node.op_type in _FACTORS and _is_island(node)


def _is_constant(value: ir.Value | None) -> bool:
    return value is not None and value.const_value is not None


def _goes_on_as(graph: ir.Graph) -> dict[ir.Value, list[ir.Value]]:
    """Map what enters or leaves the body of a loop to the values that it is there or afterwards."""
    later: dict[ir.Value, list[ir.Value]] = {}
    for loop, body in loops(graph):
        carried = len(body.inputs) - 2
        for outer, inner in zip(loop.inputs[2:], body.inputs[2:], strict=True):
            if outer is not None:
                later.setdefault(outer, []).append(inner)
        for inner, outer in zip(body.outputs[1:], loop.outputs, strict=True):
            later.setdefault(inner, []).append(outer)
        for inner, again in zip(body.outputs[1 : 1 + carried], body.inputs[2:], strict=True):
            later.setdefault(inner, []).append(again)
    return later


def _feeds_only(
    node: ir.Node, inside: set[ir.Node], later: Mapping[ir.Value, list[ir.Value]]
) -> bool:
    values = list(node.outputs)
    for value in values:
        values.extend(v for v in later.get(value, ()) if v not in values)
        for user, _ in value.uses():
            if user.op_type not in UNTYPED and user not in inside:
                return False
    return True
