"""What is set right in a program that a quantiser leaves, and how it becomes float16."""

from __future__ import annotations

import pytest

ir = pytest.importorskip("onnx_ir", reason="onnx_ir is not installed; run `make build-torch`")

from ovseg_ros.engine.half import to_half  # noqa: E402
from ovseg_ros.engine.qdq import (  # noqa: E402
    is_scale,
    read_quantised,
    restore_float,
    type_pairs,
)

# x is quantised for the first product; the second, which is to stay in float, reads it too.
TEXT = """
<ir_version: 10, opset_import: ["" : 20]>
program (float[1, 2] x) => (float[1, 2] first, float[1, 2] second)
<float[2, 2] w = {1, 2, 3, 4}, float scale = {0.5}, int8 zero = {0},
 float tiny = {1e-9}, int8[2, 2] small = {1, 2, 3, 4}>
{
    [quantise] xq = QuantizeLinear(x, scale, zero)
    [dequantise] xd = DequantizeLinear(xq, scale, zero)
    [weight] wd = DequantizeLinear(small, tiny, zero)
    [a] first = MatMul(xd, wd)
    [b] second = MatMul(xd, w)
}
"""


@pytest.fixture
def model() -> ir.Model:
    made = ir.from_onnx_text(TEXT)
    type_pairs(made.graph)
    return made


def node(model: ir.Model, name: str) -> ir.Node:
    return next(node for node in model.graph if node.name == name)


def test_pairs_get_types_and_shapes(model: ir.Model) -> None:
    found = {name: node(model, name).outputs[0] for name in ("quantise", "dequantise", "weight")}
    assert {name: value.dtype for name, value in found.items()} == {
        "quantise": ir.DataType.INT8,
        "dequantise": ir.DataType.FLOAT,
        "weight": ir.DataType.FLOAT,
    }
    assert found["dequantise"].shape == [1, 2]
    assert found["weight"].shape == [2, 2]


def test_what_stays_in_float_reads_what_was_there_before(model: ir.Model) -> None:
    assert read_quantised(model.graph, {"b"}) == ["b"]
    restore_float(model.graph, {"b"})
    assert read_quantised(model.graph, {"b"}) == []
    assert node(model, "b").inputs[0].name == "x"
    assert node(model, "a").inputs[0].name == "xd"


def test_pairs_that_nobody_reads_go(model: ir.Model) -> None:
    restore_float(model.graph, {"a", "b"})
    assert [node.name for node in model.graph] == ["weight", "a", "b"]
    assert read_quantised(model.graph, {"a", "b"}) == ["a"], "a weight has nothing to go back to"


@pytest.mark.parametrize(("name", "whether"), [("scale", True), ("zero", False), ("w", False)])
def test_scales_are_told_from_other_constants(model: ir.Model, name: str, whether: bool) -> None:
    assert is_scale(model.graph.initializers[name]) is whether


def test_in_float16_every_operand_has_one_type_and_no_scale_is_zero(model: ir.Model) -> None:
    to_half(model)
    for name in ("quantise", "dequantise", "weight", "a", "b"):
        floats = {
            value.dtype
            for value in (*node(model, name).inputs, *node(model, name).outputs)
            if value.dtype is not ir.DataType.INT8
        }
        assert floats == {ir.DataType.FLOAT16}, name
    scale = node(model, "weight").inputs[1].const_value.numpy()
    assert 0 < scale < 1e-7
