"""The program that an engine is built from: as it is, made float16, or refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from edited_packages import beyond_half, looped, untyped, with_card, with_program

from ovseg_ros.engine.choice import Precision
from ovseg_ros.engine.tensorrt.program import islands_of, program_of
from ovseg_ros.errors import BackendError, MissingExtraError, PackageError
from ovseg_ros.packages import ModelPackage


@pytest.mark.parametrize(("typed", "precision"), [("fp32", "fp32"), ("fp16", "fp16")])
def test_a_program_of_the_precision_is_taken_as_it_is(
    tiny_package, tmp_path, typed, precision
) -> None:
    package = with_card(ModelPackage.load(tiny_package), tmp_path / "package", precision=typed)
    path = program_of(package, Precision(precision), tmp_path, tmp_path)
    assert path == package.segmenter_path


def test_a_package_of_float32_is_made_float16(tiny_package: Path, tmp_path: Path) -> None:
    ir = pytest.importorskip("onnx_ir")
    package = ModelPackage.load(tiny_package)
    path = program_of(package, Precision.FP16, tmp_path / "cache", tmp_path)
    assert path.parent == tmp_path
    kinds = {node.op_type: node.outputs[0].dtype for node in ir.load(path).graph}
    assert kinds["Conv"] == ir.DataType.FLOAT16
    assert path.stat().st_size < 0.6 * package.segmenter_path.stat().st_size
    assert "LayerNormalization" in islands_of(package, Precision.FP16)
    assert islands_of(package, Precision.FP32) == []


@pytest.mark.parametrize(
    ("typed", "error", "sentence"),
    [
        ("fp16", BackendError, r"typed fp16, fp32 was asked for; build with --precision fp16, or"),
        ("fp8", PackageError, r"says precision 'fp8'; there are fp32, fp16"),
    ],
)
def test_a_package_of_another_precision_is_refused(
    tiny_package, tmp_path, typed, error, sentence
) -> None:
    package = with_card(ModelPackage.load(tiny_package), tmp_path / "package", precision=typed)
    with pytest.raises(error, match=sentence):
        program_of(package, Precision.FP32, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (beyond_half, "beyond float16 .*build with --precision fp32"),
        (untyped, r"does not say the type of 1 values.*--precision fp16"),
        (looped, r"an ONNX Loop.*ovseg convert .* --at-once"),
    ],
)
def test_a_program_that_cannot_be_made_float16_is_refused(
    tiny_package, tmp_path, edit, sentence
) -> None:
    package = with_program(ModelPackage.load(tiny_package), tmp_path / "package", edit)
    with pytest.raises(PackageError, match=sentence):
        program_of(package, Precision.FP16, tmp_path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_without_onnx_ir_the_extra_is_named(tiny_package, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx_ir", None)
    with pytest.raises(MissingExtraError, match=r"ovseg_ros\[tensorrt\]"):
        program_of(ModelPackage.load(tiny_package), Precision.FP16, tmp_path, tmp_path)
