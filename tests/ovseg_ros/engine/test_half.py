"""Programs in float16: what is float16 there, what is not, and that nothing is in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
ir = pytest.importorskip("onnx_ir", reason="onnx_ir is not installed; run `make build-torch`")

from small_networks import build  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from ovseg_ros.engine.choice import ProgramPrecision  # noqa: E402
from ovseg_ros.engine.export import INPUTS, OUTPUTS, export_graph, save_program  # noqa: E402
from ovseg_ros.engine.islands import ISLANDS  # noqa: E402
from ovseg_ros.engine.onnxruntime import import_onnxruntime  # noqa: E402
from ovseg_ros.models.catseg_graph import CatSegGraph  # noqa: E402
from ovseg_ros.models.catseg_inference import Views  # noqa: E402
from ovseg_ros.models.steps import Steps, best_label, each_part  # noqa: E402

pytestmark = pytest.mark.torch
SINGLE, HALF = ir.DataType.FLOAT, ir.DataType.FLOAT16
FLOATS = {SINGLE, HALF}
HEAVY = {"MatMul", "Gemm", "Conv", "ConvTranspose"}


@pytest.fixture(
    scope="module", params=[(Views.SINGLE, None), (Views.SINGLE, 6)], ids=["all", "most"]
)
def program(request, tmp_path_factory: pytest.TempPathFactory) -> ir.Model:
    """The small network, exported in float16."""
    path = tmp_path_factory.mktemp("half") / "segmenter.onnx"
    export_graph(CatSegGraph(build(), *request.param).eval(), path, ProgramPrecision.FP16)
    return ir.load(path)


def types(values) -> set[ir.DataType]:
    return {value.dtype for value in values if value is not None} & FLOATS


def nodes(program: ir.Model) -> Iterator[ir.Node]:
    return (n for n in program.graph.all_nodes() if n.op_type not in ("Cast", "Loop"))


def test_every_operator_has_operands_of_one_type(program: ir.Model) -> None:
    mixed = [n.name for n in nodes(program) if len(types([*n.inputs, *n.outputs])) > 1]
    assert mixed == []
    for loop in (node for node in program.graph if node.op_type == "Loop"):
        body = loop.attributes["body"].as_graph()
        for outer, inner in [
            *zip(loop.inputs[2:], body.inputs[2:], strict=True),
            *zip(loop.outputs, body.outputs[1:], strict=True),
            *zip(body.inputs[2:], body.outputs[1:], strict=False),
        ]:
            assert outer.dtype == inner.dtype


def test_heavy_operators_and_their_weights_are_half(program: ir.Model) -> None:
    single = [n for n in nodes(program) if n.op_type in HEAVY and types(n.inputs) == {SINGLE}]
    # Cosines, and in both layers of the head the product with the sum over labels.
    assert Counter(node.op_type for node in single) == {"MatMul": 3}
    assert all(value.const_value is None for node in single for value in node.inputs)
    constants = program.graph.initializers.values()
    weights = [v for v in constants if ".weight" in v.name and len(v.shape) > 1]
    assert len(weights) > 20
    assert {value.dtype for value in weights} == {HALF}


def test_islands_are_float32(program: ir.Model) -> None:
    found = Counter()
    for node in nodes(program):
        by_constant = node.op_type == "Div" and node.inputs[1].const_value is not None
        if node.op_type in ISLANDS and not by_constant and types(node.inputs):
            assert types(node.inputs) == {SINGLE}, node.name
            found[node.op_type] += 1
    assert {"LayerNormalization", "InstanceNormalization", "Softmax", "ReduceSum"} <= set(found)


def test_inputs_and_outputs_keep_their_types(program: ir.Model) -> None:
    byte = ir.DataType.UINT8
    wanted = dict(zip(INPUTS, (byte, SINGLE, byte, SINGLE, SINGLE, SINGLE), strict=True))
    assert {value.name: value.dtype for value in program.graph.inputs} == wanted
    wanted = dict(zip(OUTPUTS, (byte, byte, SINGLE), strict=True))
    assert {value.name: value.dtype for value in program.graph.outputs} == wanted


def test_values_from_outside_are_cast_outside(program: ir.Model) -> None:
    for loop in (node for node in program.graph if node.op_type == "Loop"):
        body = loop.attributes["body"].as_graph()
        for cast in (node for node in body if node.op_type == "Cast"):
            assert cast.inputs[0].graph is body


STEPS = Steps.ONE_BY_ONE


class Parts(nn.Module):
    """Loops that carry, collect and take from outside, and an output that is made in half."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(3, 3), nn.LayerNorm(3)

    def forward(self, x: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, N, H, 3], share [B, 3]."""
        x = each_part(lambda labels: self.layer(labels) + share[:, None, None], x, 1, STEPS)
        x = each_part(lambda rows: rows / (rows.abs().sum(1, keepdim=True) + 1e-6), x, 2, STEPS)
        best, winner = best_label(lambda labels: self.norm(labels) @ self.layer.weight, x, STEPS)
        return x @ self.layer.weight, best, winner


@pytest.mark.parametrize("count", [1, 5, 255])
@torch.no_grad()
def test_loops_in_half_equal_torch(tmp_path: Path, count: int) -> None:
    torch.manual_seed(0)
    module, path = Parts(), tmp_path / "parts.onnx"
    dynamic = torch.export.Dim.DYNAMIC
    shapes = ({0: dynamic, 1: dynamic}, {0: dynamic})
    inputs, outputs = (torch.randn(2, 7, 4, 3), torch.randn(2, 3)), ("y", "best", "winner")
    half = ProgramPrecision.FP16
    save_program(module, inputs, ("x", "share"), outputs, shapes, path, half)
    x, share = torch.randn(2, count, 4, 3), torch.randn(2, 3)
    session = import_onnxruntime().InferenceSession(str(path))
    found = session.run(None, {"x": x.numpy(), "share": share.numpy()})
    assert [value.dtype for value in found] == [np.float32, np.float32, np.int64]
    for wanted, own in zip(module(x, share)[:2], found, strict=False):
        np.testing.assert_allclose(own, wanted.numpy(), atol=1e-2)
