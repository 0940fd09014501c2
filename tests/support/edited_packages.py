"""Copies of a model package with another card or an edited program, sealed again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovseg_ros.packages import ModelPackage, seal

# Of the loop of `stuck_on_bright_corners`; one turn takes about half a microsecond.
TURNS = 1_000_000


def with_card(package: ModelPackage, folder: Path, **fields: object) -> ModelPackage:
    """Return a copy of `package` in `folder` whose card says `fields` too."""
    shutil.copytree(package.folder, folder)
    seal(folder, {**package.card.raw, **fields})
    return ModelPackage.load(folder)


def with_program(
    package: ModelPackage, folder: Path, edit: Callable[[Any, Any], None]
) -> ModelPackage:
    """Return a copy of `package` in `folder` whose program `edit`(onnx_ir, model) has changed."""
    ir = pytest.importorskip("onnx_ir")
    shutil.copytree(package.folder, folder)
    model = ir.load(folder / "segmenter.onnx")
    edit(ir, model)
    ir.save(model, folder / "segmenter.onnx")
    seal(folder, package.card.raw)
    return ModelPackage.load(folder)


def beyond_half(ir: Any, model: Any) -> None:
    """Make weights of a convolution larger than float16 can be."""
    value = next(node for node in model.graph if node.op_type == "Conv").inputs[1]
    large = ir.tensor(np.full(value.shape.numpy(), 1e6, np.float32), name=value.name)
    value.const_value = large


def untyped(ir: Any, model: Any) -> None:
    """Forget the type of one value."""
    next(node for node in model.graph if node.op_type == "Conv").outputs[0].type = None


def looped(ir: Any, model: Any) -> None:
    """Put a loop into the program that counts and is not used."""
    state, number, still = (ir.Value(name=name) for name in ("state", "number", "still"))
    state.type = number.type = ir.TensorType(ir.DataType.INT64)
    still.type = ir.TensorType(ir.DataType.BOOL)
    same = [ir.node("Identity", [value]) for value in (still, state)]
    body = ir.Graph(
        [number, still, state], [node.outputs[0] for node in same], nodes=same, name="body"
    )
    trips, true = (ir.node("Constant", [], {"value": ir.tensor(v)}) for v in (3, True))
    inputs = [trips.outputs[0], true.outputs[0], trips.outputs[0]]
    loop = ir.node("Loop", inputs, {"body": body}, num_outputs=1)
    model.graph.insert_before(model.graph[0], [trips, true, loop])


def stuck_on_bright_corners(ir: Any, model: Any) -> None:
    """Go round a loop `TURNS` times for each step of brightness of the first value of a frame.

    What comes out is what would come out without the loop.
    """
    cast = next(node for node in model.graph if node.op_type == "Cast")
    assert cast.inputs[0].name == "image"
    frame = cast.outputs[0]
    state, number, still = (ir.Value(name=name) for name in ("state", "number", "still"))
    state.type, number.type = ir.TensorType(ir.DataType.FLOAT), ir.TensorType(ir.DataType.INT64)
    still.type = ir.TensorType(ir.DataType.BOOL)
    for value in (state, number, still):
        value.shape = ir.Shape([])
    same = [ir.node("Identity", [value]) for value in (still, state)]
    # Names that are given later would be those of values outside, too.
    for node in same:
        node.outputs[0].name = f"same_{node.inputs[0].name}"
    body = ir.Graph(
        [number, still, state], [node.outputs[0] for node in same], nodes=same, name="body"
    )
    nodes: list[Any] = []

    def add(kind: str, inputs: list[Any], **attributes: Any) -> Any:
        nodes.append(ir.node(kind, inputs, attributes, num_outputs=1))
        return nodes[-1].outputs[0]

    def constant(value: Any) -> Any:
        return add("Constant", [], value=ir.tensor(value))

    flat = add("Reshape", [cast.inputs[0], constant(np.array([-1]))])
    first = add("Gather", [flat, constant(np.array(0))], axis=0)
    brightness = add("Cast", [first], to=ir.DataType.INT64)
    trips = add("Mul", [brightness, constant(np.array(TURNS))])
    zero = constant(np.array(0, np.float32))
    nothing = add("Loop", [trips, constant(np.array(True)), zero], body=body)
    users = [(use.node, use.idx) for use in frame.uses()]
    same_frame = add("Add", [frame, nothing])
    for node, index in users:
        node.replace_input_with(index, same_frame)
    model.graph.insert_after(cast, nodes)


def uint8_transposed(ir: Any, model: Any) -> None:
    """Move the axes of the image before it is cast, as packages once did."""
    cast = next(node for node in model.graph if node.op_type == "Cast")
    assert cast.inputs[0].name == "image"
    moved = ir.node("Transpose", [cast.inputs[0]], {"perm": [0, 1, 2, 3]}, name="move_axes")
    moved.outputs[0].type, moved.outputs[0].shape = cast.inputs[0].type, cast.inputs[0].shape
    model.graph.insert_before(cast, moved)
    cast.replace_input_with(0, moved.outputs[0])


def renamed_output(ir: Any, model: Any) -> None:
    """Call the mask something else."""
    model.graph.outputs[0].name = "labels"


def one_camera(ir: Any, model: Any) -> None:
    """Take frames of 320x240 only."""
    model.graph.inputs[0].shape = ir.Shape([1, 240, 320, 3])
