"""Int8 and fp8 for TensorRT: what is quantised, that it runs, and that an engine is built of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ir = pytest.importorskip("onnx_ir", reason="onnx_ir is not installed; run `make build-torch`")

from ovseg_ros.check.calibration_onnx import calibrate_onnx, left_in_float  # noqa: E402
from ovseg_ros.check.comparison import Pair, compare  # noqa: E402
from ovseg_ros.check.material import Material, material_from_bag  # noqa: E402
from ovseg_ros.engine.base import TextRows  # noqa: E402
from ovseg_ros.engine.choice import Precision  # noqa: E402
from ovseg_ros.engine.half import to_half  # noqa: E402
from ovseg_ros.engine.islands import HEAVY  # noqa: E402
from ovseg_ros.engine.onnxruntime import OnnxRuntimeBackend, import_onnxruntime  # noqa: E402
from ovseg_ros.engine.padding import PAD_CODE  # noqa: E402
from ovseg_ros.engine.qdq import DEQUANTISE, QUANTISE, read_quantised  # noqa: E402
from ovseg_ros.engine.quantised import QuantisedModel  # noqa: E402
from ovseg_ros.engine.quantised_onnx import QDQ_PRECISIONS, find_quantised_onnx  # noqa: E402
from ovseg_ros.errors import MissingExtraError, OvsegError  # noqa: E402
from ovseg_ros.packages import ModelPackage  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402
from ovseg_ros.text.bank import TextBank  # noqa: E402
from ovseg_ros.vocabulary import IdSpace  # noqa: E402

STORED = {Precision.INT8: ir.DataType.INT8, Precision.FP8: ir.DataType.FLOAT8E4M3FN}
# What the small network gets to here; `ovseg check` wants more of an engine, and refuses it.
LEAST = {"embedding cosine, lowest": 0.8, "mask agreement, frames": 0.95}


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(scope="module")
def drive(tiny_package: Path) -> Material:
    return material_from_bag(tiny_package.parent / "demo" / "drive", 6)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=QDQ_PRECISIONS, ids=lambda precision: precision.value)
def precision(request) -> Precision:
    return request.param


@pytest.fixture(scope="module")
def model(package, precision, drive, cache) -> QuantisedModel:
    pytest.importorskip("modelopt", reason="run `pip install -r requirements/modelopt.txt`")
    return calibrate_onnx(package, precision, drive, cache, {"command": "ovseg calibrate"})


@pytest.fixture
def quantised(package, model, tmp_path, monkeypatch) -> ModelPackage:
    """The package with the quantised program in place of its own, for ONNX Runtime."""
    ort = import_onnxruntime()

    def plain() -> object:
        # Its own int8 kernels take scales of biases in float16, where they are zero.
        options = ort_options()
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        return options

    ort_options = ort.SessionOptions
    monkeypatch.setattr(ort, "SessionOptions", plain)
    (tmp_path / "segmenter.onnx").symlink_to(model.graph_path)
    return replace(package, folder=tmp_path)


def backend(package: ModelPackage, codes: list[int]) -> OnnxRuntimeBackend:
    rng = np.random.default_rng(0)
    bank = rng.standard_normal((len(codes), package.card.embedding_dim)).astype(np.float32)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    engine = OnnxRuntimeBackend(package, 0)
    engine.set_text(TextRows(bank, np.array(codes, np.uint8), np.zeros(len(codes), np.float32)))
    return engine


def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, 120, 160, 3), np.uint8)


def test_ids_and_adapters_stay_out_of_it(package: ModelPackage) -> None:
    program = ir.load(package.segmenter_path)
    names = left_in_float(program)
    kinds = Counter(node.op_type for node in program.graph if node.name in names)
    assert kinds["MatMul"] >= len(package.card.lora_sites), "the products of the factors"
    assert kinds["GreaterOrEqual"] and kinds["LayerNormalization"]
    heavy = [node for node in program.graph if node.op_type in HEAVY and node.name not in names]
    assert len(heavy) > len(package.card.lora_sites), "most of the network may be quantised"


def add_loop(program: ir.Model) -> None:
    body = ir.Graph((), (), nodes=())
    program.graph.append(ir.node("Loop", [None, None], {"body": body}))


@pytest.mark.modelopt
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (to_half, "is in float16.* ovseg convert --precision fp32"),
        (add_loop, "in an ONNX Loop.* ovseg convert .* --at-once"),
    ],
)
def test_a_program_of_another_kind_is_refused(
    package, drive, tmp_path: Path, change, message: str
) -> None:
    program = ir.load(package.segmenter_path)
    change(program)
    ir.save(program, tmp_path / "segmenter.onnx")
    other = replace(package, folder=tmp_path)
    with pytest.raises(OvsegError, match=message):
        calibrate_onnx(other, Precision.INT8, drive, tmp_path, {})
    assert not (tmp_path / "qdq").exists()


def test_without_modelopt_the_extra_is_named(package, drive, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "modelopt", None)
    monkeypatch.setitem(sys.modules, "modelopt.onnx.quantization", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ovseg_ros\[modelopt\]'"):
        calibrate_onnx(package, Precision.INT8, drive, tmp_path, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.modelopt
def test_the_program_is_found_again_with_its_origin_beside_it(
    package, precision, cache, model
) -> None:
    assert find_quantised_onnx(cache, package, precision) == model
    facts = json.loads((model.graph_path.parent / "calibration.json").read_text())
    assert (facts["precision"], facts["frames"]) == (precision.value, 6)
    assert {"modelopt", "method", "labels", "command"} <= facts.keys()


@pytest.mark.modelopt
def test_it_is_strongly_typed_and_keeps_its_ports(package, precision, model) -> None:
    program, source = ir.load(model.graph_path), ir.load(package.segmenter_path)
    for ports in ("inputs", "outputs"):
        found, wanted = ([(v.name, v.dtype) for v in getattr(p.graph, ports)]
                         for p in (program, source))  # fmt: skip
        assert found == wanted
    floats = {ir.DataType.FLOAT, ir.DataType.FLOAT16}
    pairs = [node for node in program.graph if node.op_type in (QUANTISE, DEQUANTISE)]
    for node in program.graph:
        if node.op_type not in ("Cast", "Loop"):
            values = (value for value in (*node.inputs, *node.outputs) if value is not None)
            assert len({value.dtype for value in values} & floats) <= 1, node.name
    stored = {n.inputs[0].dtype for n in pairs if n.op_type == DEQUANTISE}
    assert stored == {STORED[precision]}
    assert not read_quantised(program.graph, left_in_float(source))


@pytest.mark.modelopt
def test_it_is_near_the_reference(package, quantised, drive) -> None:
    bank = TextBank.load(package)
    with (
        Segmenter(package, OnnxRuntimeBackend(package, 0), bank, IdSpace.MONO8) as reference,
        Segmenter(quantised, OnnxRuntimeBackend(quantised, 0), bank, IdSpace.MONO8) as candidate,
    ):
        rows = {row.name: row.found for row in compare(Pair(reference, candidate), drive)}
    assert rows["difference of adapter A after A, B, A"] == 0
    assert {name: rows[name] >= least for name, least in LEAST.items()} == dict.fromkeys(
        LEAST, True
    ), rows


@pytest.mark.modelopt
def test_ids_are_exact_and_rows_that_are_not_there_change_nothing(quantised) -> None:
    with backend(quantised, [251, 7, 130]) as engine:
        found = engine.infer(image())
    assert set(np.unique(found.mask)) <= {251, 7, 130}
    rows = [251, 7, 130, PAD_CODE, PAD_CODE]
    with backend(quantised, rows) as engine:
        padded = engine.infer(image())
    assert set(np.unique(padded.mask)) <= {251, 7, 130}
    np.testing.assert_array_equal(padded.embedding, found.embedding)
    np.testing.assert_array_equal(padded.mask, found.mask)
    np.testing.assert_array_equal(padded.confidence, found.confidence)


@pytest.mark.modelopt
def test_adapters_are_live(quantised) -> None:
    from ovseg_ros.check.material import random_adapter

    with backend(quantised, [251, 7, 130]) as engine:
        base = engine.infer(image())
        engine.set_adapter(random_adapter(quantised.card, 0))
        assert not np.array_equal(engine.infer(image()).confidence, base.confidence)


@pytest.mark.modelopt
def test_an_engine_is_built_of_it(model) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed")
    builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, trt.Logger(trt.Logger.ERROR))
    assert parser.parse_from_file(str(model.graph_path)), str(parser.get_error(0))
    profile, config = builder.create_optimization_profile(), builder.create_builder_config()
    for index in range(network.num_inputs):
        port = network.get_input(index)
        sides = {"image": (1, 480, 640, 3), "lora_a": (16,), "lora_b": (16,)}.get(port.name, (8,))
        shape = (*sides, *tuple(port.shape)[len(sides) :])
        profile.set_shape(port.name, shape, shape, shape)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None and plan.nbytes > 1_000_000
