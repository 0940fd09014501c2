"""Loops of exported programs: as ONNX Loop, which every engine reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir


def scans_to_loops(model: ir.Model) -> None:
    """Replace every Scan of the main graph of `model`, in place, by a Loop that does the same.

    The exporter knows Scan alone; OpenVINO refuses a Scan whose body uses values from outside.
    """
    for node in list(model.graph):
        if node.op_type == "Scan":
            _replace(model.graph, node)
    # What the loops took from outside was folded by the exporter, which keeps the unfolded.
    for value in [v for v in model.graph.initializers.values() if not v.uses()]:
        if not value.is_graph_output():
            del model.graph.initializers[value.name or ""]


def _replace(graph: ir.Graph, scan: ir.Node) -> None:
    import onnx_ir as ir

    body = scan.attributes["body"].as_graph()
    carried = len(scan.inputs) - scan.attributes["num_scan_inputs"].as_int()
    scanned = scan.inputs[carried:]
    number = ir.Value(name=f"{scan.name}_number", type=ir.TensorType(ir.DataType.INT64))
    number.shape = ir.Shape([])
    go_on = ir.Value(name=f"{scan.name}_go_on", type=ir.TensorType(ir.DataType.BOOL))
    go_on.shape = ir.Shape([])

    parts = [ir.node("Gather", [value, number], {"axis": 0}) for value in scanned]
    for old, part in zip(body.inputs[carried:], parts, strict=True):
        part.outputs[0].name, part.outputs[0].type = f"{old.name}_part", old.type
        part.outputs[0].shape = old.shape
        old.replace_all_uses_with(part.outputs[0])
    for part in reversed(parts):
        body.insert_before(body[0], part)
    still = ir.node("Identity", [go_on])
    still.outputs[0].name, still.outputs[0].type = f"{go_on.name}_still", go_on.type
    body.append(still)
    body.inputs[:] = [number, go_on, *body.inputs[:carried]]
    body.outputs[:] = [still.outputs[0], *body.outputs]

    shape = ir.node("Shape", [scanned[0]], {"start": 0, "end": 1})
    trips = ir.node("Squeeze", [shape.outputs[0]])
    true = ir.node("Constant", [], {"value": ir.tensor(True, name=f"{scan.name}_true")})
    loop = ir.node(
        "Loop",
        [trips.outputs[0], true.outputs[0], *scan.inputs[:carried]],
        {"body": body},
        num_outputs=len(scan.outputs),
        name=scan.name,
    )
    graph.insert_before(scan, [shape, trips, true, loop])
    for old, new in zip(scan.outputs, loop.outputs, strict=True):
        new.type, new.shape = old.type, old.shape
        old.replace_all_uses_with(new, replace_graph_outputs=True)
    graph.remove(scan, safe=True)
