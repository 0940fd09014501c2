"""Programs that do not take what a query, an adapter or a frame needs are refused at the door."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ovseg_ros.engine.base import load_backend
from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice, Precision
from ovseg_ros.errors import FrameError, PackageError
from ovseg_ros.packages import ModelPackage, seal
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.text import TextBank
from ovseg_ros.vocabulary import IdSpace

onnx = pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")

BYTES, FLOATS, HALVES = (getattr(onnx.TensorProto, name) for name in ("UINT8", "FLOAT", "FLOAT16"))
Ports = Mapping[str, tuple[int, list[Any]] | None]
# The widths are those of the embedded package.
INPUTS: Ports = {
    "image": (BYTES, ["B", "H", "W", 3]),
    "text_bank": (FLOATS, ["N", 512]),
    "label_codes": (BYTES, ["N"]),
    "thresholds": (FLOATS, ["N"]),
    "lora_a": (FLOATS, ["R", 5568]),
    "lora_b": (FLOATS, ["R", 2048]),
}
OUTPUTS: Ports = {
    "mask": (BYTES, ["B", "H", "W"]),
    "confidence": (BYTES, ["B", "H", "W"]),
    "embedding": (FLOATS, ["B", 240]),
}
ENGINES = [
    pytest.param(REFERENCE, id="onnxruntime"),
    pytest.param(
        EngineChoice(BackendName.OPENVINO, Precision.FP32),
        id="openvino",
        marks=pytest.mark.openvino,
    ),
]


def seal_with(tiny_package: Path, folder: Path, program: Any) -> Path:
    """Copy the embedded package with `program` in the place of its own."""
    shutil.copytree(tiny_package, folder)
    onnx.save(program, folder / "segmenter.onnx")
    seal(folder, yaml.safe_load((folder / "card.yaml").read_text()))
    return folder


def program_of(inputs: Ports, outputs: Ports) -> Any:
    """Return a program with these inputs and outputs that computes nothing."""
    helper = onnx.helper
    nodes, entries, results = [], [], []
    for name, port in inputs.items():
        if port:
            entries.append(helper.make_tensor_value_info(name, *port))
    for name, port in outputs.items():
        if port:
            value = helper.make_tensor("value", port[0], [1] * len(port[1]), [0])
            nodes.append(helper.make_node("Constant", [], [name], value=value))
            results.append(helper.make_tensor_value_info(name, port[0], [None] * len(port[1])))
    graph = helper.make_graph(nodes, "stub", entries, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def test_a_program_with_all_sides_free_is_taken(tiny_package: Path, tmp_path: Path) -> None:
    with Segmenter.open(seal_with(tiny_package, tmp_path / "p", program_of(INPUTS, OUTPUTS))):
        pass


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("inputs", "outputs", "sentence"),
    [
        pytest.param(
            {"text_bank": (FLOATS, [8, 512])},
            {},
            "input text_bank: float32 [8, 512] was found, float32 [N, 512] was wanted; "
            "no other number of labels than 8 would run",
            id="fixed N",
        ),
        pytest.param(
            {"lora_a": (FLOATS, [4, 5568])},
            {},
            "input lora_a: float32 [4, 5568] was found, float32 [R, 5568] was wanted; "
            "no other number of LoRA ranks than 4 would run",
            id="fixed rank",
        ),
        pytest.param(
            {"text_bank": (FLOATS, ["N", 768])},
            {},
            "input text_bank: float32 [?, 768] was found, float32 [N, 512] was wanted",
            id="another text space",
        ),
        pytest.param(
            {"lora_b": (FLOATS, ["R", 2049])},
            {},
            "input lora_b: float32 [?, 2049] was found, float32 [R, 2048] was wanted",
            id="other LoRA sites",
        ),
        pytest.param(
            {"lora_a": None},
            {},
            "input lora_a is missing, float32 [R, 5568] was wanted",
            id="no LoRA input",
        ),
        pytest.param(
            {"depth": (FLOATS, ["H", "W"])},
            {},
            "input depth: float32 [?, ?] was found, no input of this name was wanted",
            id="one input more",
        ),
        pytest.param(
            {"thresholds": (HALVES, ["N"])},
            {},
            "input thresholds: float16 [?] was found, float32 [N] was wanted",
            id="another type",
        ),
        pytest.param(
            {"image": (BYTES, ["B", 3, "H", "W", 1])},
            {},
            "input image: uint8 [?, 3, ?, ?, 1] was found, uint8 [B, H, W, 3] was wanted",
            id="another layout",
        ),
        pytest.param(
            {},
            {"embedding": None},
            "output embedding is missing, float32 [B, E] was wanted",
            id="no embedding",
        ),
        pytest.param(
            {},
            {"mask": (FLOATS, ["B", "H", "W"])},
            "output mask: float32 ",
            id="probabilities for a mask",
        ),
    ],
)
def test_a_program_of_another_kind_is_refused(
    tiny_package: Path,
    tmp_path: Path,
    engine: EngineChoice,
    inputs: Ports,
    outputs: Ports,
    sentence: str,
) -> None:
    program = program_of({**INPUTS, **inputs}, {**OUTPUTS, **outputs})
    folder = seal_with(tiny_package, tmp_path / "package", program)
    with pytest.raises(PackageError) as refusal:
        load_backend(ModelPackage.load(folder), engine, 1, tmp_path)
    first, *faults = str(refusal.value).splitlines()
    assert str(folder / "segmenter.onnx") in first
    assert "convert the package again" in first and "restore it" in first
    assert len(faults) == 1 and faults[0].startswith(f"  {sentence}")


def test_all_differences_are_told_at_once(tiny_package: Path, tmp_path: Path) -> None:
    fixed = {"text_bank": (FLOATS, [8, 512]), "label_codes": (BYTES, [8]), "lora_b": None}
    program = program_of({**INPUTS, **fixed}, {**OUTPUTS, "embedding": None})
    folder = seal_with(tiny_package, tmp_path / "package", program)
    with pytest.raises(PackageError) as refusal:
        Segmenter.open(folder, "car; person")
    named = re.findall(r"^  \w+ (\w+)", str(refusal.value), re.MULTILINE)
    assert named == ["text_bank", "label_codes", "lora_b", "embedding"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("sides", "allowed"),
    [([None, 48, 64], "64x48"), ([None, None, 64], "64x?"), ([1, 48, 64], "64x48")],
)
def test_a_program_for_one_size_of_frames_takes_no_other(
    tiny_package: Path, tmp_path: Path, engine: EngineChoice, sides: list[Any], allowed: str
) -> None:
    program = onnx.load(tiny_package / "segmenter.onnx")
    image = next(entry for entry in program.graph.input if entry.name == "image")
    for dim, side in zip(image.type.tensor_type.shape.dim, sides, strict=False):
        if side:
            dim.dim_value = side
    folder = seal_with(tiny_package, tmp_path / "package", program)
    package = ModelPackage.load(folder)
    backend = load_backend(package, engine, 1, tmp_path)
    with Segmenter(package, backend, TextBank.load(package), IdSpace.MONO8) as segmenter:
        segmenter.set_query("car; person")
        fitting = segmenter.infer(np.zeros((48, 64, 3), np.uint8))
        with pytest.raises(FrameError) as refusal:
            segmenter.infer(np.zeros((30, 40, 3), np.uint8))
    assert fitting.label_mask.shape == (48, 64)
    assert "a frame of 40x30 px was given" in str(refusal.value)
    assert f"exported for a frame of {allowed} px alone" in str(refusal.value)
