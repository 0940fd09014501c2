"""Which engine is opened, and the refusals: both keys, what differs, and the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import stored_engines as engines

from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.find import find_engine
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage

SMALL = EngineProfile((320, 240), (8,), (16,))


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


def find(cache: Path, package: ModelPackage, camera_px=None, target=engines.GPU, version="11.4.0"):
    library = engines.library(version)
    return find_engine(cache, package, engines.FP16, library, target, camera_px)


@pytest.mark.parametrize("camera_px", [None, (640, 480)])
@pytest.mark.parametrize("target", [None, engines.GPU])
def test_the_engine_that_fits_is_found(package, tmp_path, camera_px, target) -> None:
    wanted = engines.store(tmp_path, package, engines.key(package))
    engines.store(tmp_path, package, engines.key(package, library_version="10.3.0"))
    assert find(tmp_path, package, camera_px, target) == wanted


def test_without_any_engine_the_command_is_named(package, tmp_path) -> None:
    with pytest.raises(BackendError) as refusal:
        find(tmp_path, package, (800, 600))
    assert str(refusal.value) == (
        "package 'tiny' has no engine of tensorrt fp16 that runs here; build one with  "
        "ovseg build --package tiny --precision fp16 --camera 800x600 --library tensorrt "
        "--labels 8,32,128 --rank 16,64"
    )


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"target": "Thor (11.0)"}, "GPU: Thor (11.0) was found, Orin (8.7) was wanted"),
        ({"library_version": "10.3.0"}, "library version: 10.3.0 was found, 11.4.0 was wanted"),
        ({"library": "tensorrt_rtx"}, "library: tensorrt_rtx was found, tensorrt was wanted"),
        ({"platform": "linux-z80"}, "platform: linux-z80 was found"),
        ({"graph_sha256": "ab" * 32}, f"graph: {'ab' * 32} was found"),
        ({"precision": "fp32"}, "precision: fp32 was found, fp16 was wanted"),
        ({"profile": SMALL}, "camera: 320x240 was found, 640x480 was wanted"),
    ],
)
def test_a_foreign_engine_is_refused_with_both_keys(package, tmp_path, changes, difference) -> None:
    found = engines.store(tmp_path, package, engines.key(package, **changes)).key
    with pytest.raises(BackendError) as refusal:
        find(tmp_path, package, (640, 480))
    words = str(refusal.value)
    profile = replace(found.profile, camera_px=(640, 480))
    wanted = engines.key(package, profile)
    assert f"wanted {wanted}" in words and f"found  {found}" in words
    assert difference in words
    assert "ovseg build --package tiny --precision fp16 --camera 640x480" in words


def test_the_nearest_ones_are_shown_first_and_not_all(package, tmp_path) -> None:
    for number in range(5):
        engines.store(tmp_path, package, engines.key(package, target=f"GPU {number}", library="x"))
    near = engines.store(tmp_path, package, engines.key(package, target="near"))
    with pytest.raises(BackendError) as refusal:
        find(tmp_path, package)
    words = str(refusal.value)
    assert words.count("found  ") == 3
    assert words.index(str(near.key)) < words.index("GPU: GPU ")


def test_several_cameras_are_listed(package, tmp_path) -> None:
    for profile in (engines.PROFILE, SMALL):
        engines.store(tmp_path, package, engines.key(package, profile))
    with pytest.raises(BackendError, match=r"cameras: 320x240, 640x480; .*--camera 320x240"):
        find(tmp_path, package)
    assert find(tmp_path, package, (320, 240)).key.profile == SMALL


def test_of_several_buckets_the_newest_is_taken(package, tmp_path) -> None:
    for day, labels in enumerate([(8,), (8, 200), (8, 32)], 1):
        profile = replace(engines.PROFILE, label_buckets=labels)
        built = f"2026-01-0{4 - day}T00:00:00+00:00"
        engines.store(tmp_path, package, engines.key(package, profile), built_at=built)
    assert find(tmp_path, package).key.profile.label_buckets == (8,)


def test_the_engine_of_another_package_is_none_of_this_one(package, tmp_path) -> None:
    engines.store(tmp_path, package, engines.key(package), package="other")
    with pytest.raises(BackendError) as refusal:
        find(tmp_path, package)
    assert "found  " not in str(refusal.value)


def test_a_damaged_engine_is_mentioned(package, tmp_path) -> None:
    broken = engines.store(tmp_path, package, engines.key(package))
    (broken.folder / "engine.json").write_text("{}")
    with pytest.raises(BackendError, match=r"engine\.json cannot be read: field 'format'"):
        find(tmp_path, package)
