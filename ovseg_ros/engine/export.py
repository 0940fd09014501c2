"""A network to the ONNX program that backends run, checked against torch before it is kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovseg_ros.engine.activations import run_within_half
from ovseg_ros.engine.choice import ProgramPrecision
from ovseg_ros.engine.half import to_half
from ovseg_ros.engine.loops import scans_to_loops
from ovseg_ros.engine.onnxruntime import import_onnxruntime
from ovseg_ros.engine.torch_weights import TORCH_WEIGHTS_NAME, write_weights
from ovseg_ros.errors import PackageError
from ovseg_ros.models.segmenter_graph import SegmenterGraph
from ovseg_ros.packages import SEGMENTER_NAME

INPUTS = ("image", "text_bank", "label_codes", "thresholds", "lora_a", "lora_b")
OUTPUTS = ("mask", "confidence", "embedding")
OPSET = 20
# Large enough that a program which ignored its factors would be far off.
_FACTOR_SCALE = 0.1


@dataclass(frozen=True)
class Difference:
    """How far a program is from torch: the share of pixels with another label, the mean error of
    the confidence (of 255), the largest error of the embedding.
    """

    pixels: float
    confidence: float
    embedding: float

    def within(self, limits: Difference) -> bool:
        """Return whether nothing is beyond `limits`; what is not a number is."""
        return (
            self.pixels <= limits.pixels
            and self.confidence <= limits.confidence
            and self.embedding <= limits.embedding
        )

    def __str__(self) -> str:
        """Return all three in words."""
        return (
            f"{self.pixels:.2%} of the mask, confidence by {self.confidence:.2g} of 255 on "
            f"average, embedding by {self.embedding:.2g}"
        )


# Random labels and factors leave many near ties, which rounding decides one way or the other.
_LIMITS = {
    ProgramPrecision.FP32: Difference(pixels=5e-3, confidence=0.05, embedding=1e-2),
    # Several times what made-up weights measure: 3.5 %, 0.5 and 4e-4 at worst over 1 to 255 labels.
    ProgramPrecision.FP16: Difference(pixels=0.1, confidence=2.0, embedding=2e-3),
}
_REMEDIES = {
    ProgramPrecision.FP32: "report this with the name of the network",
    ProgramPrecision.FP16: "convert this network with --precision fp32",
}


@dataclass(frozen=True)
class Trial:
    """One random input to compare the program with torch on."""

    height: int
    width: int
    labels: int
    rank: int
    frames: int = 1


TRIALS = (
    Trial(480, 640, 8, 1),
    Trial(360, 480, 1, 3),
    Trial(240, 321, 32, 8, frames=2),
    Trial(720, 1280, 11, 2),
)


def export_segmenter(
    graph: SegmenterGraph,
    folder: Path,
    trials: Sequence[Trial] = TRIALS,
    precision: ProgramPrecision = ProgramPrecision.FP32,
) -> None:
    """Write the program of `graph` into `folder` once it agrees with torch on all `trials`.

    Beside it goes what the torch backend needs to find the weights in it. Raises `PackageError`
    where program and torch do not agree; nothing is replaced then.
    """
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path, weights = Path(scratch) / SEGMENTER_NAME, Path(scratch) / TORCH_WEIGHTS_NAME
        export_graph(graph, path, precision)
        check_graph(graph, path, trials, precision)
        write_weights(graph, path, weights)
        for made in (path, weights):
            made.chmod(0o644)
            os.replace(made, folder / made.name)


def export_graph(
    graph: SegmenterGraph, path: Path, precision: ProgramPrecision = ProgramPrecision.FP32
) -> None:
    """Write the ONNX program of `graph` with B, H, W, N and R dynamic."""
    dynamic = torch.export.Dim.DYNAMIC
    rows = {0: dynamic}
    shapes = ({0: dynamic, 1: dynamic, 2: dynamic}, rows, rows, rows, rows, rows)
    # A side of 1 would become a constant of the program.
    inputs = random_inputs(graph, Trial(480, 640, 8, 2, frames=2))
    save_program(graph, inputs, INPUTS, OUTPUTS, shapes, path, precision)


def save_program(
    module: Any,
    inputs: tuple[Tensor, ...],
    input_names: Sequence[str],
    output_names: Sequence[str],
    dynamic_shapes: Any,
    path: Path,
    precision: ProgramPrecision = ProgramPrecision.FP32,
) -> None:
    """Trace `module` on `inputs` and write it to `path`, weights included."""
    with torch.no_grad():
        program = torch.onnx.export(
            module.eval(),
            inputs,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(input_names),
            output_names=list(output_names),
            dynamic_shapes=dynamic_shapes,
            verbose=False,
        )
    assert program is not None
    scans_to_loops(program.model)
    if precision is ProgramPrecision.FP16:
        to_half(program.model)
    _forget_sources(program.model)
    program.save(str(path), external_data=False)


def _forget_sources(model: Any) -> None:
    """Remove the stack trace that the exporter keeps for every node: paths of this machine."""
    model.graph.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()


def check_graph(
    graph: SegmenterGraph,
    path: Path,
    trials: Sequence[Trial] = TRIALS,
    precision: ProgramPrecision = ProgramPrecision.FP32,
) -> None:
    """Compare the program at `path` with torch in float32, within the limits of its `precision`.

    Raises `PackageError` where they differ, or where the network leaves the range of float16.
    """
    session = import_onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for trial in trials:
        inputs = random_inputs(graph, trial)
        feeds = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
        with torch.no_grad():
            half = precision is ProgramPrecision.FP16
            outputs = run_within_half(graph, inputs) if half else graph(*inputs)
        wanted = [value.numpy() for value in outputs]
        found = _difference(session.run(list(OUTPUTS), feeds), wanted)
        if not found.within(_LIMITS[precision]):
            raise PackageError(
                f"the exported {precision.value} program differs from torch on {trial}: {found}; "
                f"wanted at most {_LIMITS[precision]}; {_REMEDIES[precision]}"
            )


def _difference(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> Difference:
    return Difference(
        pixels=float(np.mean(found[0] != wanted[0])),
        confidence=float(np.abs(found[1].astype(np.float32) - wanted[1]).mean()),
        embedding=float(np.abs(found[2] - wanted[2]).max()),
    )


def random_inputs(graph: SegmenterGraph, trial: Trial) -> tuple[Tensor, ...]:
    """Return inputs of the graph: random frames [B, H, W, 3], N labels and rank-R factors."""
    generator = torch.Generator().manual_seed(trial.height)
    wide_a, wide_b = graph.lora_widths
    shape = (trial.frames, trial.height, trial.width, 3)
    image = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    bank = torch.randn(trial.labels, graph.embedding_dim, generator=generator)
    return (
        image,
        torch.nn.functional.normalize(bank, dim=-1),
        torch.arange(1, trial.labels + 1).to(torch.uint8),
        torch.zeros(trial.labels),
        _FACTOR_SCALE * torch.randn(trial.rank, wide_a, generator=generator),
        _FACTOR_SCALE * torch.randn(trial.rank, wide_b, generator=generator),
    )
