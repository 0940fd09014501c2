"""Real engines, built ahead of time with tensorrt_rtx, which needs no GPU for that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from edited_packages import looped, one_camera, renamed_output, uint8_transposed, with_program

from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt import builder
from ovseg_ros.engine.tensorrt.find import find_engine
from ovseg_ros.engine.tensorrt.layers import OF_THE_NETWORK, read_layers
from ovseg_ros.engine.tensorrt.library import Library, TensorRtLibrary, open_library
from ovseg_ros.engine.tensorrt.make import BuildRequest, make_engine
from ovseg_ros.engine.tensorrt.progress import BuildProgress, OnProgress
from ovseg_ros.engine.tensorrt.store import StoredEngine, open_engine, read_plan
from ovseg_ros.errors import BackendError, FrameError, PackageError
from ovseg_ros.packages import ModelPackage

pytestmark = pytest.mark.tensorrt
PROFILE = EngineProfile((640, 480), (8, 32), (16,))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(scope="module")
def library() -> Library:
    return open_library(TensorRtLibrary.TENSORRT_RTX)


def make(
    library: Library,
    package: ModelPackage,
    folder: Path,
    precision: Precision = Precision.FP16,
    profile: EngineProfile = PROFILE,
    on_progress: OnProgress = lambda progress: None,
) -> StoredEngine:
    choice = EngineChoice(BackendName.TENSORRT, precision)
    request = BuildRequest(package, choice, profile, "ovseg build", NOW)
    return make_engine(library, request, folder, folder, on_progress)


@pytest.mark.parametrize("precision", [Precision.FP16, Precision.FP32])
def test_an_engine_is_built_and_read_back(package, library, tmp_path, precision) -> None:
    seen: list[BuildProgress] = []
    engine = make(library, package, tmp_path, precision, on_progress=seen.append)

    assert open_engine(engine.folder) == engine
    plan = read_plan(engine)
    assert len(plan) == engine.sidecar.plan_bytes > 2_000_000
    key = engine.key
    assert (key.library, key.library_version) == ("tensorrt_rtx", library.version)
    assert (key.precision, key.profile) == (precision.value, PROFILE)
    assert key.graph_sha256 == package.card.files["segmenter.onnx"]
    assert key.target == "any GPU from Ampere on"
    about = engine.sidecar
    assert about.built_at.startswith("2026-01-02T03:04:05") and about.build_s > 0
    assert "cpu" in about.machine and about.check == "not made"
    assert ("Softmax" in about.float32_islands) is (precision is Precision.FP16)
    assert {progress.total for progress in seen} != {0} and len(seen) > 10

    choice = EngineChoice(BackendName.TENSORRT, precision)
    assert find_engine(tmp_path, package, choice, library, key.target, None) == engine


def test_half_means_half(package, library, tmp_path) -> None:
    tables = {}
    for precision in (Precision.FP16, Precision.FP32):
        engine = make(library, package, tmp_path, precision)
        tables[precision] = read_layers(engine.folder)
    kinds = {
        precision: {layer.precision for layer in table.layers if layer.kind == "CONVOLUTION"}
        for precision, table in tables.items()
    }
    assert kinds == {Precision.FP16: {"HALF"}, Precision.FP32: {"FLOAT"}}
    norms = [each for each in tables[Precision.FP16].layers if each.kind == "NORMALIZATION"]
    assert norms and {each.precision for each in norms} == {"FLOAT"}
    assert all(each.name and each.kind for each in tables[Precision.FP16].layers)
    assert tables[Precision.FP16].source == about_network(library)


def about_network(library: Library) -> str:
    """What the table is of on a machine without a GPU."""
    if library.why_not_usable(library.runtime(), bytes(64)) is None:
        pytest.skip("a GPU loads the engine here")
    return OF_THE_NETWORK


@pytest.mark.parametrize(
    ("edit", "error", "sentence"),
    [
        (
            uint8_transposed,
            PackageError,
            r"segmenter\.onnx is not read by (?s:.*)'move_axes' \(Transpose\): .*UInt8",
        ),
        (looped, PackageError, r"an ONNX Loop.*ovseg convert .* --at-once"),
        (renamed_output, PackageError, r"output mask is missing(?s:.*)output labels: uint8"),
        (one_camera, FrameError, r"a frame of 640x480 px was given.*for a frame of 320x240 px"),
    ],
)
def test_a_program_that_cannot_become_an_engine_is_refused(
    package: ModelPackage,
    library: Library,
    tmp_path: Path,
    edit: Callable[[Any, Any], None],
    error: type[Exception],
    sentence: str,
) -> None:
    other = with_program(package, tmp_path / "package", edit)
    with pytest.raises(error, match=sentence):
        make(library, other, tmp_path, Precision.FP32)
    assert not (tmp_path / "engines").exists()


def test_a_program_for_one_camera_is_built_for_it(package, library, tmp_path) -> None:
    other = with_program(package, tmp_path / "package", one_camera)
    small = replace(PROFILE, camera_px=(320, 240))
    assert make(library, other, tmp_path, Precision.FP32, small).key.profile == small


def test_a_file_that_is_no_program_is_refused(package, library, tmp_path) -> None:
    order = order_of(package, tmp_path / "broken.onnx")
    order.path.write_bytes(b"no program")
    with pytest.raises(PackageError, match=r"broken\.onnx is not read by tensorrt_rtx"):
        builder.build_plan(library, order, lambda progress: None)


def order_of(package: ModelPackage, path: Path) -> builder.BuildOrder:
    return builder.BuildOrder(path, package.card, PROFILE, path.parent / "timings")


def test_a_build_that_fails_quotes_the_library(package, library, tmp_path, monkeypatch) -> None:
    config_of = builder._config

    def for_turing(library: Library, made: Any, order: builder.BuildOrder) -> Any:
        config = config_of(library, made, order)
        config.num_compute_capabilities = 1
        config.set_compute_capability(library.module.ComputeCapability.SM75, 0)
        return config

    monkeypatch.setattr(builder, "_config", for_turing)
    with pytest.raises(BackendError, match=r"built no engine of .*\n(?s:.*)Turing \(SM75\)"):
        builder.build_plan(
            library, order_of(package, package.segmenter_path), lambda progress: None
        )


def test_ctrl_c_stops_the_library(package, library, tmp_path) -> None:
    """The interrupt that Python would raise in its main thread, at a moment known here."""
    import signal

    seen: list[BuildProgress] = []

    def interrupt(progress: BuildProgress) -> None:
        seen.append(progress)
        if len(seen) == 20:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make(library, package, tmp_path, on_progress=interrupt)
    assert not (tmp_path / "engines").exists()
    assert len(seen) < 2000 and not [t for t in threading.enumerate() if t.name.startswith("build")]
    assert make(library, package, tmp_path).plan_path.is_file(), "the next build is none the worse"
