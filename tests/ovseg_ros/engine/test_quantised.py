"""Quantised models in the cache: one in force per graph and form, whole or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovseg_ros.engine.choice import Precision
from ovseg_ros.engine.quantised import (
    OPENVINO_INT8,
    QuantisedForm,
    QuantisedModel,
    find_quantised,
    store_quantised,
)
from ovseg_ros.engine.quantised_onnx import QDQ_PRECISIONS, find_quantised_onnx, qdq_form
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage, sha256_of

FORMS = [OPENVINO_INT8, *(qdq_form(precision) for precision in QDQ_PRECISIONS)]


@pytest.fixture
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(params=FORMS, ids=[str(form.choice) for form in FORMS])
def form(request) -> QuantisedForm:
    return request.param


def store(
    package: ModelPackage, cache: Path, content: bytes, form: QuantisedForm
) -> QuantisedModel:
    def save(path: Path) -> None:
        for ending in form.endings:
            path.with_suffix(ending).write_bytes(content + ending.encode())

    return store_quantised(cache, package, save, {"command": "test"}, form)


def test_a_stored_model_is_found_with_its_origin_beside_it(package, tmp_path, form) -> None:
    model = store(package, tmp_path, b"content", form)
    assert find_quantised(tmp_path, package, form) == model
    facts = json.loads((model.graph_path.parent / "calibration.json").read_text())
    assert facts["graph_sha256"] == package.card.files["segmenter.onnx"]
    assert facts["precision"] == form.choice.precision.value
    assert facts["command"] == "test"


def test_forms_do_not_meet(package, tmp_path: Path) -> None:
    models = [store(package, tmp_path, b"content", form) for form in FORMS]
    assert [find_quantised(tmp_path, package, form) for form in FORMS] == models
    assert len({model.graph_path for model in models}) == len(FORMS)


@pytest.mark.parametrize("precision", QDQ_PRECISIONS)
def test_a_program_is_known_by_the_hash_of_its_file(package, tmp_path, precision) -> None:
    store(package, tmp_path, b"content", qdq_form(precision))
    model = find_quantised_onnx(tmp_path, package, precision)
    assert model.sha256 == sha256_of(model.graph_path)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (OPENVINO_INT8, "no int8 model .* run  ovseg calibrate --package"),
        (
            qdq_form(Precision.INT8),
            "no int8 model .* run  ovseg calibrate --backend tensorrt --precision int8 --package",
        ),
        (
            qdq_form(Precision.FP8),
            "no fp8 model .* run  ovseg calibrate --backend tensorrt --precision fp8 --package",
        ),
    ],
)
def test_without_one_the_command_is_named(package, tmp_path: Path, form, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        find_quantised(tmp_path, package, form)


def test_a_new_calibration_takes_the_place_of_the_old_one(package, tmp_path, form) -> None:
    old, new = (store(package, tmp_path, content, form) for content in (b"old", b"new"))
    assert find_quantised(tmp_path, package, form) == new != old
    assert len(list(new.graph_path.parent.iterdir())) == len(form.endings) + 1


def test_a_calibration_that_fails_leaves_the_old_one(package, tmp_path: Path, form) -> None:
    old = store(package, tmp_path, b"old", form)

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_quantised(tmp_path, package, fail, {}, form)
    assert find_quantised(tmp_path, package, form) == old
    assert len(list(old.graph_path.parent.iterdir())) == len(form.endings) + 1


@pytest.mark.parametrize("damage", ["altered", "missing"])
@pytest.mark.parametrize(
    ("form", "ending"), [(form, ending) for form in FORMS for ending in form.endings]
)
def test_a_damaged_model_is_refused(package, tmp_path: Path, form, ending, damage) -> None:
    path = store(package, tmp_path, b"content", form).graph_path.with_suffix(ending)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"other")
    with pytest.raises(BackendError, match="missing or was altered; run  ovseg calibrate"):
        find_quantised(tmp_path, package, form)


@pytest.mark.parametrize("text", ["{", "[]", '{"graph": "a.onnx"}'])
def test_an_unreadable_sidecar_is_refused(package, tmp_path: Path, form, text: str) -> None:
    model = store(package, tmp_path, b"content", form)
    (model.graph_path.parent / "calibration.json").write_text(text)
    with pytest.raises(BackendError, match="cannot be read: .* run  ovseg calibrate"):
        find_quantised(tmp_path, package, form)
