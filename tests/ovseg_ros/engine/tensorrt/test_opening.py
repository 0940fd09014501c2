"""From the cache to an engine: real plans of TensorRT for RTX, and what stands in the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stored_engines
from host_engine import HostEngine
from host_gpu import HostGpu, host_facts
from host_library import host_library
from stored_engines import PLAN

from ovseg_ros.engine.base import load_backend
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.cuda import device
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt import backend, opening
from ovseg_ros.engine.tensorrt.backend import engine_source
from ovseg_ros.engine.tensorrt.key import key_of
from ovseg_ros.engine.tensorrt.library import Library, TensorRtLibrary, open_library
from ovseg_ros.engine.tensorrt.make import BuildRequest, make_engine
from ovseg_ros.engine.tensorrt.opening import find_stored, load_plan
from ovseg_ros.engine.tensorrt.store import StoredEngine
from ovseg_ros.engine.verdicts import identity_of
from ovseg_ros.errors import BackendError, GpuMemoryError, MissingExtraError
from ovseg_ros.packages import ModelPackage

PROFILE = EngineProfile((64, 48), (3, 8), (4, 16))
CHOICE = EngineChoice.of("tensorrt", "fp32")
FACTS = host_facts()
OUR_GPU = f"{FACTS.name} ({FACTS.compute_capability})"


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(autouse=True)
def our_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look at the GPU find the double."""
    monkeypatch.setattr(device, "describe_gpu", lambda index=0: host_facts(index))
    monkeypatch.setattr(backend, "describe_gpu", lambda index=0: host_facts(index))


def store(
    cache: Path, package: ModelPackage, library: Library, target: str = OUR_GPU
) -> StoredEngine:
    """Put an engine of `library` into `cache` whose plan is none."""
    return stored_engines.store(cache, package, key_of(package, CHOICE, library, target, PROFILE))


def loading(library: Library, load: Callable[[bytes], Any], says: str = "") -> Library:
    """Return `library` with a Runtime that loads plans by `load` and `says` something."""

    def deserialize(plan: bytes) -> Any:
        if says:
            library.messages.add(says)
        return load(plan)

    library.module.Runtime = lambda logger: SimpleNamespace(deserialize_cuda_engine=deserialize)
    return library


@pytest.mark.tensorrt
def test_a_real_plan_is_refused_here_in_the_words_of_the_library(
    package: ModelPackage, tmp_path: Path
) -> None:
    library = open_library(TensorRtLibrary.TENSORRT_RTX)
    if _has_driver():
        pytest.skip("this machine has an NVIDIA driver, which may load the plan")
    request = BuildRequest(package, CHOICE, PROFILE, "ovseg build", datetime.now(timezone.utc))
    stored = make_engine(library, request, tmp_path, tmp_path, lambda *_: None)
    assert find_stored(package, CHOICE, tmp_path, None)[1].folder == stored.folder
    with pytest.raises(BackendError) as caught:
        load_plan(package, CHOICE, library, stored, HostGpu(), tmp_path)
    text = str(caught.value)
    assert "engine.plan on Host double" in text
    assert "update the NVIDIA driver" in text and "cudaError 35" in text


def _has_driver() -> bool:
    return Path("/proc/driver/nvidia").exists() or Path("/dev/nvhost-gpu").exists()


@pytest.mark.cuda_core
def test_without_a_driver_the_whole_way_ends_in_one_sentence(
    package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if _has_driver():
        pytest.skip("this machine has an NVIDIA driver")
    monkeypatch.undo()
    for ask in (identity_of, engine_source, load_backend_at_once):
        with pytest.raises(BackendError, match="no NVIDIA driver was found"):
            ask(package, CHOICE, tmp_path, None)


def load_backend_at_once(*arguments: Any) -> None:
    package, choice, cache, camera_px = arguments
    load_backend(package, choice, 0, cache, camera_px)


def test_an_engine_is_loaded_and_owns_its_gpu(package: ModelPackage, tmp_path: Path) -> None:
    gpu = HostGpu()
    engine = HostEngine(package, PROFILE, gpu)
    library = loading(host_library(), lambda plan: engine if plan == PLAN else None)
    stored = store(tmp_path, package, library)
    with load_plan(package, CHOICE, library, stored, gpu, tmp_path) as opened:
        assert opened.engine is engine and opened.profile == PROFILE
        assert opened.runtime_path.parent == tmp_path / "runtime"
    assert gpu.closed and opened.engine is None


@pytest.mark.parametrize(
    ("says", "kind", "message"),
    [
        ("Error Code 4: magic tag does not match", BackendError, "  ovseg build --package"),
        ("Error Code 1: Cuda Runtime (out of memory)", GpuMemoryError, "out of memory"),
        ("CUDA driver version is insufficient", BackendError, "update the NVIDIA driver"),
    ],
)
def test_a_plan_that_does_not_load_is_refused_with_the_logs_words(
    package: ModelPackage, tmp_path: Path, says: str, kind: type, message: str
) -> None:
    library = loading(host_library(), lambda plan: None, says)
    stored = store(tmp_path, package, library)
    with pytest.raises(BackendError) as caught:
        load_plan(package, CHOICE, library, stored, HostGpu(), tmp_path)
    assert type(caught.value) is kind
    assert says in str(caught.value) and message in str(caught.value)


def test_a_plan_of_another_gpu_that_does_not_load_names_both_keys(
    package: ModelPackage, tmp_path: Path
) -> None:
    library = loading(host_library(), lambda plan: None, "not for this one")
    stored = store(tmp_path, package, library, target="NVIDIA T4 (7.5)")
    with pytest.raises(BackendError) as caught:
        load_plan(package, CHOICE, library, stored, HostGpu(), tmp_path)
    for part in (f"for {OUR_GPU}", "for NVIDIA T4 (7.5)", "GPU: NVIDIA T4 (7.5) was found"):
        assert part in str(caught.value)


def test_a_library_that_says_beforehand_that_memory_is_short_is_believed(
    package: ModelPackage, tmp_path: Path
) -> None:
    library = host_library()
    library.module.EngineValidity = SimpleNamespace(INVALID=2)
    members = {"OLD_CUDA_DRIVER": 4, "INSUFFICIENT_GPU_MEMORY": 16}
    library.module.EngineInvalidityDiagnostics = SimpleNamespace(__members__=members)
    library.module.Runtime = lambda logger: SimpleNamespace(
        engine_header_size=4, get_engine_validity=lambda header: (2, 16)
    )
    stored = store(tmp_path, package, library)
    with pytest.raises(GpuMemoryError, match="invalid here, INSUFFICIENT_GPU_MEMORY"):
        load_plan(package, CHOICE, library, stored, HostGpu(), tmp_path)


def test_a_truncated_plan_is_refused_before_the_library_sees_it(
    package: ModelPackage, tmp_path: Path
) -> None:
    library = loading(host_library(), lambda plan: pytest.fail("it was loaded"))
    stored = store(tmp_path, package, library)
    stored.plan_path.write_bytes(PLAN[:-1])
    with pytest.raises(BackendError, match="truncated or was altered.*ovseg build"):
        load_plan(package, CHOICE, library, stored, HostGpu(), tmp_path)


def float_image(engine: HostEngine) -> None:
    engine.tensors["image"] = ("FLOAT", engine.tensors["image"][1])


def other_buckets(engine: HostEngine) -> None:
    engine.profile = replace(engine.profile, label_buckets=(2, 8))


def one_bucket(engine: HostEngine) -> None:
    engine.profile = replace(engine.profile, label_buckets=(8,), rank_buckets=(4,))


def no_mask(engine: HostEngine) -> None:
    del engine.tensors["mask"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (float_image, r"input image: float32 \[1, 48, 64, 3\] was found, uint8"),
        (other_buckets, r"label_codes of \[2\] to \[2\] was found, \[3\] was wanted"),
        (one_bucket, "1 sets of shapes were found, 4 were wanted"),
        (no_mask, "output mask is missing"),
    ],
)
def test_a_plan_of_another_kind_than_its_sidecar_says_is_refused(
    package: ModelPackage, tmp_path: Path, change: Callable[[HostEngine], None], message: str
) -> None:
    gpu = HostGpu()
    engine = HostEngine(package, PROFILE, gpu)
    change(engine)
    library = loading(host_library(), lambda plan: engine)
    stored = store(tmp_path, package, library)
    with pytest.raises(BackendError, match=message) as caught:
        load_plan(package, CHOICE, library, stored, gpu, tmp_path)
    assert "ovseg build --package tiny" in str(caught.value)


def test_what_the_check_is_about_names_library_plan_gpu_driver_and_camera(
    package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = host_library()
    monkeypatch.setattr(opening, "open_library", only(library))
    store(tmp_path, package, library)
    source = engine_source(package, CHOICE, tmp_path, None)
    assert source.version == "tensorrt 10.3.0"
    assert source.model_sha256 == hashlib.sha256(PLAN).hexdigest()
    assert source.processor == str(FACTS) and "driver 540.4, CUDA 12.6" in source.processor
    assert source.camera == "64x48"


def only(*libraries: Library) -> Callable[[TensorRtLibrary], Library]:
    """Return an `open_library` on a machine that has `libraries`."""

    def find(which: TensorRtLibrary) -> Library:
        for library in libraries:
            if library.which is which:
                return library
        raise MissingExtraError(which.value, which.value)

    return find


def test_the_installed_library_that_has_an_engine_is_taken(
    package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = host_library(), host_library(rtx=True)
    monkeypatch.setattr(opening, "open_library", only(*both))
    store(tmp_path, package, both[1], "any GPU from Ampere on")
    assert find_stored(package, CHOICE, tmp_path, None)[0] is both[1]
    store(tmp_path, package, both[0])
    assert find_stored(package, CHOICE, tmp_path, None)[0] is both[0]


@pytest.mark.parametrize(
    ("libraries", "kind", "message"),
    [
        ((), MissingExtraError, r"ovseg_ros\[tensorrt\]"),
        ((host_library(),), BackendError, "ovseg build .*--library tensorrt "),
        ((host_library(rtx=True),), BackendError, "ovseg build .*--library tensorrt_rtx "),
        ((host_library(), host_library(rtx=True)), BackendError, "--library tensorrt "),
    ],
)
def test_without_an_engine_the_command_that_builds_one_is_named(
    package: ModelPackage, tmp_path: Path, monkeypatch, libraries, kind: type, message: str
) -> None:
    monkeypatch.setattr(opening, "open_library", only(*libraries))
    with pytest.raises(kind, match=message):
        find_stored(package, CHOICE, tmp_path, None)
