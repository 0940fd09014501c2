"""Calibrated int8: what is quantised, what is stored, and what is refused afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from generated_drive import write_drive

from ovseg_ros.check.calibration import calibrate, left_in_float
from ovseg_ros.check.material import material_from_bag
from ovseg_ros.engine.base import TextRows, load_backend
from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.openvino import import_openvino
from ovseg_ros.engine.quantised import QuantisedModel, find_quantised
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage

pytestmark = [pytest.mark.openvino, pytest.mark.nncf]
INT8 = EngineChoice(BackendName.OPENVINO, Precision.INT8)


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(package: ModelPackage, cache: Path) -> QuantisedModel:
    material = material_from_bag(write_drive(cache / "bag", frames=4), 3)
    return calibrate(package, material, cache, {"command": "ovseg calibrate"})


def test_the_model_is_found_again_with_its_origin_beside_it(package, cache, model) -> None:
    assert find_quantised(cache, package) == model
    facts = json.loads((model.graph_path.parent / "calibration.json").read_text())
    assert facts["graph_sha256"] == package.card.files["segmenter.onnx"]
    assert (facts["frames"], facts["command"]) == (3, "ovseg calibrate")
    assert {"openvino", "nncf", "labels"} <= facts.keys()
    assert sorted(path.suffix for path in model.graph_path.parent.iterdir()) == [
        ".bin",
        ".json",
        ".xml",
    ]


def test_ids_and_adapters_stay_out_of_it(package: ModelPackage) -> None:
    graph = import_openvino().Core().read_model(str(package.segmenter_path))
    names = left_in_float(graph)
    kinds = [n.get_type_name() for n in graph.get_ops() if n.get_friendly_name() in names]
    assert kinds.count("MatMul") == len(package.card.lora_sites), "the products of the factors"
    assert "Convolution" in kinds, "what they are added to"
    assert "GreaterEqual" in kinds, "the thresholds"


def test_it_runs_with_exact_ids_and_live_adapters(package, cache, model) -> None:
    from ovseg_ros.check.material import random_adapter

    rng = np.random.default_rng(0)
    bank = rng.standard_normal((3, package.card.embedding_dim)).astype(np.float32)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    codes = np.array([251, 7, 130], np.uint8)
    image = rng.integers(0, 256, (1, 120, 160, 3), np.uint8)
    with load_backend(package, INT8, 0, cache) as engine:
        assert engine.capabilities.dtype == "int8"
        engine.set_text(TextRows(bank, codes, np.zeros(3, np.float32)))
        base = engine.infer(image)
        assert set(np.unique(base.mask)) <= {251, 7, 130}
        engine.set_adapter(random_adapter(package.card, 0))
        assert not np.array_equal(engine.infer(image).confidence, base.confidence)


def test_without_calibration_the_command_is_named(package: ModelPackage, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no int8 model .* run  ovseg calibrate --package"):
        load_backend(package, INT8, 0, tmp_path)
