"""Engines in the cache, as their sidecars and the verdicts on them describe them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_machine import GEFORCE, NOT_THERE, driver

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.engines import Engines, examine_engines, read_sidecar
from ovseg_ros.doctor.examination import State, Topic
from ovseg_ros.doctor.gpu import Gpus
from ovseg_ros.packages import ModelPackage

PLAN = b"plan"
DESKTOP = driver(GEFORCE)
BUILD = "ovseg build --package tiny --precision fp16 --camera 640x480"
CHECK = "ovseg check --package tiny --backend tensorrt --precision fp16 --camera 640x480"


@pytest.fixture
def package(tiny_package) -> ModelPackage:
    return ModelPackage.load(tiny_package)


def write_engine(cache: Path, package: ModelPackage, **changes: Any) -> Path:
    """Write an engine of `package` and its sidecar, with `changes` in its fields."""
    folder = cache / "engines" / "tiny-fp16-tensorrt-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "engine.plan").write_bytes(PLAN)
    key = {
        "library": "tensorrt",
        "library_version": "10.9.0",
        "target": "NVIDIA GeForce RTX 4090, compute capability 8.9",
        "graph_sha256": package.card.files["segmenter.onnx"],
        "precision": "fp16",
        "profile": {"camera_px": [640, 480], "label_buckets": [8, 32]},
    }
    sidecar = {"key": key | changes, "plan_sha256": "a" * 64, "plan_bytes": len(PLAN)}
    (folder / "engine.json").write_text(json.dumps(sidecar))
    return folder


def write_verdict(cache: Path, package: ModelPackage, passed: bool) -> None:
    """Write the verdict on that engine."""
    folder = cache / "verdicts"
    folder.mkdir(parents=True, exist_ok=True)
    verdict = {
        "passed": passed,
        "backend": "tensorrt",
        "precision": "fp16",
        "model_sha256": "a" * 64,
        "graph_sha256": package.card.files["segmenter.onnx"],
    }
    (folder / "one.json").write_text(json.dumps(verdict))


def examined(cache: Path, package: ModelPackage, gpu: Answer = DESKTOP) -> Engines:
    gpus = Gpus.of(gpu, on_jetson=False)
    return examine_engines(cache, gpus, {"tensorrt": "10.9.0"}, (package,))


def test_a_sidecar_is_read_whatever_its_groups_are(tmp_path, package) -> None:
    folder = write_engine(tmp_path, package, machine={"plan_bytes": 7})
    sidecar = read_sidecar(folder)
    assert sidecar is not None
    assert (sidecar.camera, sidecar.library, sidecar.plan_bytes) == ("640x480", "tensorrt", 4)


@pytest.mark.parametrize(
    ("passed", "gpu", "state", "remedy"),
    [
        pytest.param(True, DESKTOP, State.OK, "", id="passed"),
        pytest.param(None, DESKTOP, State.WARNING, CHECK, id="never-checked"),
        pytest.param(False, DESKTOP, State.WARNING, BUILD.replace("fp16", "fp32"), id="failed"),
        pytest.param(None, NOT_THERE, State.ABSENT, "", id="checked-elsewhere"),
    ],
)
def test_the_verdict_decides(tmp_path, package, passed, gpu, state, remedy) -> None:
    write_engine(tmp_path, package)
    if passed is not None:
        write_verdict(tmp_path, package, passed)
    engines = examined(tmp_path, package, gpu)
    finding = engines.findings[0]
    assert (finding.topic, finding.state, finding.remedy) == (Topic.ENGINE, state, remedy)
    assert len(engines.checked) == (state is State.OK)


@pytest.mark.parametrize(
    ("changes", "state", "found"),
    [
        pytest.param({"library_version": "10.3.0"}, State.WARNING, "10.9.0 is installed", id="old"),
        pytest.param({"target": "Orin, 8.7"}, State.WARNING, "built for Orin, 8.7", id="target"),
        pytest.param({"library": "tensorrt_rtx"}, State.ABSENT, "cannot be used", id="library"),
        pytest.param({"graph_sha256": "b" * 64}, State.ABSENT, "no package", id="graph"),
    ],
)
def test_engines_of_elsewhere_are_told(tmp_path, package, changes, state, found) -> None:
    write_engine(tmp_path, package, **changes)
    write_verdict(tmp_path, package, passed=True)
    engines = examined(tmp_path, package)
    finding = engines.findings[0]
    assert finding.state is state
    assert found in finding.found
    assert finding.remedy == (BUILD if state is State.WARNING else finding.remedy)
    assert not engines.checked


def test_the_command_that_built_an_engine_is_given_again(tmp_path, package) -> None:
    rebuild = "ovseg build --package tiny --labels 8"
    write_engine(tmp_path, package, library_version="10.3.0", rebuild=rebuild)
    (tmp_path / "engines" / ".part_abc").mkdir()
    (finding,) = examined(tmp_path, package).findings
    assert finding.remedy == rebuild


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        pytest.param(lambda f: (f / "engine.plan").write_bytes(b"pl"), "has 2 bytes", id="cut"),
        pytest.param(lambda f: (f / "engine.plan").unlink(), "has 0 bytes", id="no-plan"),
        pytest.param(lambda f: (f / "engine.json").unlink(), "has no engine.json", id="no-sidecar"),
        pytest.param(lambda f: (f / "engine.json").write_text("{"), "no engine.json", id="broken"),
        pytest.param(lambda f: (f / "engine.json").write_text("[]"), "no engine.json", id="list"),
    ],
)
def test_a_damaged_engine_is_told(tmp_path, package, damage, found) -> None:
    damage(write_engine(tmp_path, package))
    write_verdict(tmp_path, package, passed=True)
    finding = examined(tmp_path, package).findings[0]
    assert finding.state is State.WARNING
    assert found in finding.found


@pytest.mark.parametrize(("gpu", "count"), [(DESKTOP, 1), (NOT_THERE, 0)])
def test_a_gpu_without_an_engine_is_idle(tmp_path, package, gpu, count) -> None:
    findings = examined(tmp_path, package, gpu).findings
    remedies = ["ovseg build --package tiny --camera 640x480"] * count
    assert [finding.remedy for finding in findings] == remedies


def test_verdicts_are_listed_and_a_broken_one_is_told(tmp_path, package) -> None:
    write_verdict(tmp_path, package, passed=False)
    (tmp_path / "verdicts" / "two.json").write_text("{")
    broken, failed = examined(tmp_path, package, NOT_THERE).findings
    assert broken.remedy == f"rm {tmp_path / 'verdicts' / 'two.json'}"
    assert failed.found == "failed, so refused: tensorrt fp16 on tiny"
