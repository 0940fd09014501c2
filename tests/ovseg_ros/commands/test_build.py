"""`ovseg build` and `ovseg inspect` of what it built, from a user's side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stored_engines as engines
from generated_drive import write_drive

from ovseg_ros.check import run as check_run
from ovseg_ros.cli import main
from ovseg_ros.engine.tensorrt import make
from ovseg_ros.engine.verdicts import CheckRow, EngineIdentity, Verdict
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage, seal

RTX = ["build", "--library", "tensorrt_rtx"]
SMALL = ["--camera", "320x240", "--labels", "8", "--rank", "16"]


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "bag", frames=2)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ovseg_ros"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch) -> None:
    """This machine may have one; these tests are about one that has not."""

    def none(index: int) -> None:
        raise BackendError("no NVIDIA driver was found on this machine")

    monkeypatch.setattr("ovseg_ros.engine.cuda.device.describe_gpu", none)


def built(cache: Path) -> list[Path]:
    return sorted((cache / "engines").iterdir()) if (cache / "engines").is_dir() else []


@pytest.mark.tensorrt
def test_without_a_gpu_the_engine_is_built_and_waits_for_its_check(
    cache: Path, drive: Path, capsys
) -> None:
    assert main([*RTX, *SMALL, "--bag", str(drive)]) == 0
    shown = capsys.readouterr().out
    (folder,) = built(cache)
    assert str(folder) in shown and " MB" in shown and "built in" in shown
    check = "ovseg check --package tiny --backend tensorrt --precision fp16 --camera 320x240"
    assert "not checked: no GPU here" in shown and f"on the robot run  {check}" in shown
    about = json.loads((folder / "engine.json").read_text())
    assert about["check"].startswith("not made: no GPU here")
    assert about["key"]["label_buckets"] == [8]

    assert main(["inspect", str(folder / "engine.plan"), "--layers", "5"]) == 0
    shown = capsys.readouterr().out
    assert about["digest"][:12] in shown and '"rank_buckets"' in shown
    assert "more; --layers 0 shows all" in shown and "by type: " in shown and "CONVOLUTION" in shown

    with (folder / "engine.plan").open("r+b") as stream:
        stream.truncate(1000)
    assert main(["inspect", str(folder)]) == 1
    assert "1,000 bytes with SHA-256" in capsys.readouterr().err


def with_gpu(monkeypatch, row: CheckRow) -> None:
    """A GPU that runs everything, and a check that comes to this row."""

    def checked(package, choice, material, cache, command, now, on_frame, camera_px) -> Verdict:
        assert len(built(cache)) == 1, "the engine to check is in the cache that is named"
        (cache / "runtime").mkdir()
        (cache / "runtime" / "kernels.bin").write_bytes(b"compiled")
        fields = [package.card.files["segmenter.onnx"], "tensorrt", "fp16", "1", "2", "3", "cuda"]
        return Verdict(EngineIdentity(*fields), package.card.checks, (row,), {})

    monkeypatch.setattr(make, "why_not_runnable", lambda *_: None)
    monkeypatch.setattr(check_run, "check_engine", checked)


@pytest.mark.tensorrt
def test_an_engine_that_fails_its_check_is_not_installed(cache, drive, monkeypatch, capsys) -> None:
    words = [*RTX, *SMALL, "--bag", str(drive)]
    with_gpu(monkeypatch, CheckRow("mask agreement, frames", 0.995, 0.98, True))
    assert main(words) == 0
    (first,) = built(cache)
    about = json.loads((first / "engine.json").read_text())
    assert about["check"].startswith("passed on ")
    assert len(list((cache / "verdicts").iterdir())) == 1
    assert (cache / "runtime" / "kernels.bin").read_bytes() == b"compiled"

    with_gpu(monkeypatch, CheckRow("mask agreement, frames", 0.5, 0.98, True))
    capsys.readouterr()
    assert main(words) == 1
    shown = capsys.readouterr()
    assert "is not installed: mask agreement, frames: 0.5000 found, at least 0.98" in shown.err
    assert built(cache) == [first], "the older one stays"
    assert json.loads((first / "engine.json").read_text()) == about


def test_a_library_that_needs_a_gpu_says_so_before_any_work(cache, monkeypatch, capsys) -> None:
    library = engines.library()
    monkeypatch.setattr("ovseg_ros.engine.tensorrt.library.open_library", lambda which: library)
    assert main(["build", "--library", "tensorrt"]) == 2
    refusal = capsys.readouterr().err
    assert "no NVIDIA driver was found" in refusal and "--library tensorrt_rtx" in refusal
    assert not cache.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--labels", "8,3"], "buckets of labels 8,3 were given"),
        (["--rank", "0"], "'0' is not a whole number from 1 up"),
        (["--camera", "small"], "camera size 'small'"),
        (["--device", "cpu"], "does not run on device 'cpu'"),
        pytest.param(["--package", "no-such"], "no model package", marks=pytest.mark.tensorrt),
        pytest.param(["--precision", "int8"], "run  ovseg calibrate", marks=pytest.mark.tensorrt),
    ],
)
def test_what_cannot_be_built_is_refused(words, message, cache, capsys) -> None:
    try:
        code = main([*RTX, *words])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not built(cache)


@pytest.fixture
def packages(tmp_path: Path, tiny_package: Path, monkeypatch) -> Path:
    """A folder of installed packages and build recipes; `tiny` is one of both."""
    root = tmp_path / "installed"
    (root / "builds").mkdir(parents=True)
    (root / "tiny").symlink_to(tiny_package)
    monkeypatch.setattr("ovseg_ros.packages.package_roots", lambda: (root,))
    monkeypatch.setattr("ovseg_ros.engine.tensorrt.recipes.package_roots", lambda: (root,))
    return root


def recipe(root: Path, package: str) -> None:
    lines = f"package: {package}\nprecision: fp16\ncamera: 320x240\nlabels: [8]\nrank: [16]\n"
    (root / "builds" / f"{package}.yaml").write_text(lines)


@pytest.mark.tensorrt
def test_all_recipes(packages: Path, drive: Path, cache: Path, capsys) -> None:
    recipe(packages, "tiny")
    recipe(packages, "catseg-base")
    words = [*RTX, "--all-recipes", "--bag", str(drive)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "catseg-base: not installed; get it with  " in shown
    assert "ovseg convert catseg-base --at-once --out" in shown
    assert len(built(cache)) == 1

    bad = packages / "alien"
    bad.mkdir()
    (bad / "segmenter.onnx").write_bytes(b"no program")
    seal(bad, {**ModelPackage.load(packages / "tiny").card.raw, "precision": "fp16"})
    recipe(packages, "alien")
    assert main(words) == 1
    shown = capsys.readouterr()
    assert "ovseg build: alien: " in shown.err and "is not read by tensorrt_rtx" in shown.err
    assert len(built(cache)) == 1, "the others are built all the same"


@pytest.mark.tensorrt
@pytest.mark.parametrize(("after_s", "sign"), [(0.0, signal.SIGINT), (0.8, signal.SIGTERM)])
def test_an_interrupted_build_leaves_the_cache_clean(cache, drive, after_s, sign) -> None:
    words = [sys.executable, "-m", "ovseg_ros.cli", *RTX, "--bag", str(drive)]
    build = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        deadline = time.monotonic() + 60
        while not built(cache):
            assert time.monotonic() < deadline and build.poll() is None
            time.sleep(0.02)
        time.sleep(after_s)
        build.send_signal(sign)
        _, errors = build.communicate(timeout=60)
    finally:
        build.kill()
        build.communicate()
    # Python ends by the signal itself where that came while it was making a class.
    assert build.returncode in (130, -signal.SIGINT), errors
    assert "ovseg build: interrupted" in errors
    assert not built(cache)
    assert [path.name for path in cache.iterdir()] == ["engines"]


@pytest.mark.tensorrt
@pytest.mark.torch
@pytest.mark.slow
def test_catseg_is_built_in_half(tmp_path: Path, drive: Path, cache: Path, capsys) -> None:
    package = tmp_path / "catseg-base"
    words = ["convert", "catseg-base", "--deterministic", "--at-once", "--precision", "fp16"]
    assert main([*words, "--out", str(package)]) == 0
    options = ["--package", str(package), "--bag", str(drive), "--labels", "8", "--rank", "16"]
    assert main([*RTX, *options]) == 0
    (folder,) = built(cache)
    about = json.loads((folder / "engine.json").read_text())
    assert about["package"] == "catseg-base" and about["key"]["precision"] == "fp16"
    assert 150e6 < about["plan_bytes"] < 350e6
    assert "Softmax" in about["float32_islands"]
    table = json.loads((folder / "layers.json").read_text())["layers"]
    types = {layer["precision"] for layer in table if layer["kind"] == "CONVOLUTION"}
    assert types == {"HALF"}
    assert main([*RTX, *options, "--precision", "fp32"]) == 2
    assert "typed fp16, fp32 was asked for" in capsys.readouterr().err
