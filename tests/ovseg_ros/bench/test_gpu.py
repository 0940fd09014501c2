"""The benchmark of GPU engines, driven on the processor; and its refusal without a GPU."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")

from generated_drive import write_drive  # noqa: E402
from torch_packages import write_whole_package  # noqa: E402

from ovseg_ros.bench.contender import Contender, ContenderSpec  # noqa: E402
from ovseg_ros.bench.floor import network_gflop  # noqa: E402
from ovseg_ros.bench.gpu import bench_gpu, rounds_of, usual_contenders  # noqa: E402
from ovseg_ros.bench.results import write_result  # noqa: E402
from ovseg_ros.cli import main  # noqa: E402
from ovseg_ros.engine.choice import REFERENCE, EngineChoice  # noqa: E402
from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.packages import ModelPackage  # noqa: E402

pytestmark = pytest.mark.torch
TORCH = EngineChoice.parse("torch:fp32@cpu")
FRAMES = list(np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8))


@pytest.fixture(scope="module")
def package(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    return write_whole_package(tiny_package, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "bag", frames=2)


@pytest.fixture
def checked(package: ModelPackage, drive: Path, tmp_path: Path, monkeypatch) -> str:
    """The package, once torch on the processor has passed its check."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = ["check", "--package", str(package.folder), "--bag", str(drive), "--frames", "2"]
    assert main([*words, "--backend", "torch", "--precision", "fp32", "--device", "cpu"]) == 0
    return str(package.folder)


def test_every_contender_is_measured_for_every_number_of_labels(
    checked: str, tmp_path: Path
) -> None:
    specs = [
        ContenderSpec(checked, TORCH, eager=True),
        ContenderSpec(checked, TORCH),
        ContenderSpec(checked, REFERENCE),
    ]
    rounds = []
    result = bench_gpu(specs, FRAMES, (8, 2), 25, "cpu", lambda: rounds.append(1))
    assert len(rounds) == 2 * rounds_of(25) == 4
    names = [str(spec) for spec in specs]
    assert names[0] == f"{checked}, torch fp32 on cpu, eager"
    rows = result.data["rows"]
    assert [(row["labels"], row["contender"]) for row in rows] == [
        (count, name) for count in (2, 8) for name in names
    ]
    for row in rows:
        assert row["infer_p99_ms"] >= row["infer_p95_ms"] >= row["infer_p50_ms"] > 0
        assert row["infer_p50_ms"] >= row["engine_p50_ms"] > 0
        assert row["processor_p50_ms"] > 0
        assert row["after_query_ms"] > 0 and row["after_adapter_ms"] > 0
        assert row["agreement_with_first"] > 0.99
        assert row["floor_ms"] > 0
        assert row["times_floor"] == pytest.approx(row["engine_p50_ms"] / row["floor_ms"], rel=0.3)
    assert rows[3]["gflop"] > rows[0]["gflop"] > 0
    assert result.data["matrix_product_tflops"] > 0
    assert result.data["device_memory_mb"].keys() == set(names)
    assert result.data["libraries"]["torch"] == torch.__version__
    page = write_result(result, tmp_path / "out", "ovseg bench gpu", "tiny").read_text()
    assert result.data["device"] in page and "![chart](gpu.svg)" in page
    assert json.loads((tmp_path / "out" / "gpu.json").read_text())["rows"] == rows


def test_the_floor_grows_by_the_same_for_every_label(package: ModelPackage) -> None:
    one, two, three = network_gflop(package, (64, 48), (1, 2, 3))
    assert 0 < one < two < three
    assert three - two == pytest.approx(two - one)


def test_an_engine_that_was_not_checked_is_no_contender(
    package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for eager in (False, True):
        spec = ContenderSpec(str(package.folder), TORCH, eager=eager)
        with pytest.raises(OvsegError, match="never checked.*--backend torch.*--device cpu"):
            Contender(spec, FRAMES)


@pytest.mark.parametrize("installed", [(), ("tensorrt_rtx",)])
def test_the_usual_contenders_are_those_that_are_installed(
    installed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovseg_ros.bench.gpu.find_spec", lambda name: name in installed or None)
    specs = usual_contenders("tiny", "cuda:1", (640, 480))
    assert [str(spec) for spec in specs] == [
        "tiny, torch fp32 on cuda:1, eager",
        "tiny, torch fp16 on cuda:1",
        *(["tiny, tensorrt fp16 on cuda:1"] if installed else []),
    ]
    assert [spec.camera_px for spec in specs[2:]] == [(640, 480)] * len(installed)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "the benchmark on cuda: torch .*; `ovseg bench packages` measures on the processor"),
        (["--engine", "onnxruntime"], "onnxruntime does not run on device 'cuda'"),
        (["--camera", "wide"], "camera size 'wide' was given"),
    ],
)
def test_without_a_gpu_nothing_is_measured(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list, sentence: str
) -> None:
    out = tmp_path / "out"
    assert main(["bench", "gpu", "--bag", str(drive), "--out", str(out), *words]) == 2
    assert re.search(sentence, capsys.readouterr().err)
    assert not out.exists()
