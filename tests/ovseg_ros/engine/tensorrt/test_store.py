"""Engines in the cache: whole or not there, verified before use, and damage in words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import stored_engines as engines

from ovseg_ros.engine.tensorrt.layers import read_layers
from ovseg_ros.engine.tensorrt.staging import staging
from ovseg_ros.engine.tensorrt.store import (
    StoredEngine,
    install_engine,
    open_engine,
    read_plan,
    stored_engines,
)
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture
def stored(package: ModelPackage, tmp_path: Path) -> StoredEngine:
    return engines.store(tmp_path, package, engines.key(package))


def build(cache: Path, package: ModelPackage, **changes) -> StoredEngine:
    """Make and install an engine as `ovseg build` does."""
    with staging(cache) as stage:
        engine = engines.store(stage, package, engines.key(package), **changes)
        return install_engine(cache, engine)


def test_what_was_stored_is_read_back(stored: StoredEngine, tmp_path: Path) -> None:
    (found,), damaged = stored_engines(tmp_path)
    assert found == stored and not damaged
    assert read_plan(found) == engines.PLAN
    assert stored.folder.name == f"tiny-fp16-tensorrt-{stored.key.digest[:12]}"
    assert sorted(path.name for path in stored.folder.iterdir()) == [
        "engine.json",
        "engine.plan",
        "layers.json",
    ]
    assert read_layers(stored.folder).layers[0].kind == "CONVOLUTION"
    raw = json.loads((stored.folder / "engine.json").read_text())
    assert raw["key"]["target"] == engines.GPU and raw["plan_bytes"] == len(engines.PLAN)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda plan: plan[:-100], r"truncated or was altered: 10,140 bytes"),
        (lambda plan: plan[:99] + b"\xff" + plan[100:], r"10,240 bytes with SHA-256 [0-9a-f]{12} "),
        (lambda plan: b"", r" 0 bytes .* 10,240 bytes with [0-9a-f]{12} were wanted"),
    ],
)
def test_a_plan_that_is_not_the_one_built_is_refused(
    stored: StoredEngine, spoil: Callable[[bytes], bytes], sentence: str
) -> None:
    stored.plan_path.write_bytes(spoil(stored.plan_path.read_bytes()))
    with pytest.raises(BackendError, match=sentence) as refusal:
        read_plan(stored)
    assert "build it again with  ovseg build --package tiny --precision fp16" in str(refusal.value)


def test_a_plan_that_is_gone_is_refused(stored: StoredEngine) -> None:
    stored.plan_path.unlink()
    with pytest.raises(BackendError, match=r"engine\.plan cannot be read.*ovseg build"):
        read_plan(stored)


def edited(**changes: object) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **changes})


def without(name: str) -> Callable[[str], str]:
    return lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != name})


def with_camera(text: str) -> str:
    raw = json.loads(text)
    raw["key"]["camera_px"] = [320, 240]
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda text: text[:40], "cannot be read"),
        (lambda text: "", "cannot be read"),
        (lambda text: "[1, 2]", "cannot be read"),
        (edited(format=2), "format 2 was found, 1 was wanted"),
        (edited(plan_bytes="many"), "field 'plan_bytes' is 'many', a int was wanted"),
        (edited(plan_bytes=True), "field 'plan_bytes' is True"),
        (edited(machine=[]), r"field 'machine' is \[\]"),
        (edited(key={}), "field 'library' is missing"),
        (without("plan_sha256"), "field 'plan_sha256' is missing"),
        (without("digest"), "field 'digest' is missing"),
        (with_camera, r"the key [0-9a-f]{12} was found, [0-9a-f]{12} was wanted: it was edited"),
    ],
)
def test_a_damaged_sidecar_is_refused_by_name(
    stored: StoredEngine, tmp_path: Path, spoil: Callable[[str], str], sentence: str
) -> None:
    path = stored.folder / "engine.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(
        BackendError, match=rf"engine\.json cannot be read: .*{sentence}|{sentence}"
    ):
        open_engine(stored.folder)
    found, damaged = stored_engines(tmp_path)
    assert not found and str(path) in damaged[0]


def test_a_missing_sidecar_is_no_whole_engine(stored: StoredEngine) -> None:
    (stored.folder / "engine.json").unlink()
    with pytest.raises(BackendError, match="holds no whole engine"):
        open_engine(stored.folder)


def test_building_again_takes_the_place_of_the_older(package: ModelPackage, tmp_path: Path) -> None:
    build(tmp_path, package, build_s=1.0)
    (tmp_path / "engines" / "keep").mkdir()
    second = build(tmp_path, package, build_s=2.0)
    (found,), _ = stored_engines(tmp_path)
    assert found == second and found.sidecar.build_s == 2.0
    assert {path.name for path in (tmp_path / "engines").iterdir()} == {"keep", found.folder.name}


def test_other_buckets_replace_an_engine_and_another_camera_does_not(
    package: ModelPackage, tmp_path: Path
) -> None:
    for profile in (
        engines.PROFILE,
        replace(engines.PROFILE, camera_px=(320, 240)),
        replace(engines.PROFILE, label_buckets=(8, 200)),
    ):
        with staging(tmp_path) as stage:
            key = engines.key(package, profile)
            install_engine(tmp_path, engines.store(stage, package, key))
    found, _ = stored_engines(tmp_path)
    profiles = {(e.key.profile.camera, e.key.profile.label_buckets) for e in found}
    assert profiles == {("320x240", (8, 32)), ("640x480", (8, 200))}


def test_a_damaged_engine_is_replaced(package: ModelPackage, tmp_path: Path) -> None:
    (build(tmp_path, package).folder / "engine.json").write_text("{")
    build(tmp_path, package)
    found, damaged = stored_engines(tmp_path)
    assert len(found) == 1 and not damaged


def test_a_failed_build_leaves_nothing(package: ModelPackage, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staging(tmp_path) as stage:
        engines.store(stage, package, engines.key(package))
        raise RuntimeError
    assert not list((tmp_path / "engines").iterdir())


_HOLD = """
import sys, time
from pathlib import Path
from ovseg_ros.engine.tensorrt.staging import staging
with staging(Path(sys.argv[1])) as stage:
    (stage / "half").write_bytes(b"written")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_build_left_is_removed_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        for each in builds:
            assert each.stdout is not None and each.stdout.readline() == "ready\n"
        assert len(list((tmp_path / "engines").iterdir())) == 2
        os.kill(builds[0].pid, signal.SIGKILL)
        builds[0].wait()
        with staging(tmp_path) as stage:
            assert len(list((tmp_path / "engines").iterdir())) == 2, "the living one and ours"
            assert not list(stage.iterdir())
        (left,) = (tmp_path / "engines").iterdir()
        assert (left / "half").read_bytes() == b"written"
    finally:
        for each in builds:
            each.kill()
            each.communicate()
