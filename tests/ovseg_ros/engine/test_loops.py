"""Work done part by part in a program: the same result for any number of parts, in every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
onnx_ir = pytest.importorskip("onnx_ir", reason="onnx_ir is not installed; run `make build-torch`")

from torch import Tensor, nn  # noqa: E402

from ovseg_ros.engine.export import save_program  # noqa: E402
from ovseg_ros.models.steps import Steps, best_label, each_part  # noqa: E402

COUNTS = (1, 2, 5, 40)

STEPS = Steps.ONE_BY_ONE


class Parts(nn.Module):
    """Changes labels one by one, then rows one by one, with values from outside of the loops."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, N, H, 3], share [B, 3]."""
        x = each_part(lambda labels: self.layer(labels) + share[:, None, None], x, 1, STEPS)
        x = each_part(lambda rows: rows / (rows.abs().sum(1, keepdim=True) + 1), x, 2, STEPS)
        best, winner = best_label(lambda labels: (labels * 8).round(), x, STEPS)
        return x, best, winner


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported module."""
    path = tmp_path_factory.mktemp("program") / "parts.onnx"
    dynamic = torch.export.Dim.DYNAMIC
    shapes = ({0: dynamic, 1: dynamic}, {0: dynamic})
    inputs = torch.randn(2, 7, 4, 3), torch.randn(2, 3)
    save_program(module(), inputs, ("x", "share"), ("y", "best", "winner"), shapes, path)
    return path


def module() -> Parts:
    torch.manual_seed(0)
    return Parts()


def by_onnxruntime(path: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    found: list[np.ndarray] = onnxruntime.InferenceSession(str(path)).run(None, feeds)
    return found


def by_openvino(path: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    found = openvino.Core().compile_model(str(path), "CPU", exact)(feeds)
    return [found[i] for i in range(3)]


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("count", COUNTS)
@torch.no_grad()
def test_parts_equal_the_whole(program: Path, run, batch: int, count: int) -> None:
    x, share = torch.randn(batch, count, 4, 3), torch.randn(batch, 3)
    found = run(program, {"x": x.numpy(), "share": share.numpy()})
    # Rounded scores are often equal, and of equals the first label wins.
    for wanted, own in zip(module()(x, share), found, strict=True):
        np.testing.assert_allclose(own, wanted.numpy(), atol=1e-5)


def test_the_program_holds_loops_and_nothing_unused(program: Path) -> None:
    graph = onnx_ir.load(program).graph
    kinds = [node.op_type for node in graph]
    assert kinds.count("Loop") == 3 and "Scan" not in kinds
    assert all(value.uses() for value in graph.initializers.values())
