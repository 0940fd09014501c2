"""Opening TensorRT: which library is taken, and what is said where none is."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
import stored_engines as engines

from ovseg_ros.engine.tensorrt.library import TensorRtLibrary, open_library
from ovseg_ros.engine.tensorrt.target import target_of
from ovseg_ros.errors import BackendError, MissingExtraError

NONE: dict[str, ModuleType | None] = {"tensorrt": None, "tensorrt_rtx": None}


def fake(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(
        __version__="1.2",
        ILogger=type("ILogger", (), {"Severity": SimpleNamespace(ERROR=1)}),
        IBuilderConfig=type("IBuilderConfig", (), {}),
    )
    return module


@pytest.mark.parametrize(
    ("installed", "which", "taken"),
    [
        (["tensorrt", "tensorrt_rtx"], None, "tensorrt"),
        (["tensorrt_rtx"], None, "tensorrt_rtx"),
        (["tensorrt", "tensorrt_rtx"], TensorRtLibrary.TENSORRT_RTX, "tensorrt_rtx"),
    ],
)
def test_the_first_that_is_installed_is_taken(monkeypatch, installed, which, taken) -> None:
    for name in NONE:
        monkeypatch.setitem(sys.modules, name, fake(name) if name in installed else None)
    library = open_library(which)
    assert (library.name, library.version, library.is_rtx) == (taken, "1.2", False)
    assert open_library(which).logger is library.logger, "one per process"


@pytest.mark.parametrize(
    ("which", "extra"),
    [(None, "tensorrt"), *((each, each.value.replace("_", "-")) for each in TensorRtLibrary)],
)
def test_without_one_the_extra_is_named(monkeypatch, tmp_path, which, extra) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    for name in NONE:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(MissingExtraError, match=rf"pip install 'ovseg_ros\[{extra}\]'"):
        open_library(which)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise OSError('libnvinfer.so.11: cannot open')", "libnvinfer.so.11: cannot open"),
        ("import something_that_is_not_there", "No module named 'something_that_is_not_there'"),
        ("raise ImportError('built for another Python')", "built for another Python"),
    ],
)
def test_one_that_does_not_load_is_quoted(monkeypatch, tmp_path, line: str, said: str) -> None:
    (tmp_path / "tensorrt.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    with pytest.raises(BackendError, match=f"installed but does not load: {said}; install it"):
        open_library(TensorRtLibrary.TENSORRT)


def test_a_library_that_wants_a_gpu_says_so_before_any_work(monkeypatch) -> None:
    def none(index: int) -> None:
        raise BackendError(f"no driver for cuda:{index}")

    monkeypatch.setattr("ovseg_ros.engine.cuda.device.describe_gpu", none)
    with pytest.raises(BackendError) as refusal:
        target_of(engines.library(), 1)
    assert "no driver for cuda:1" in str(refusal.value)
    assert "take  --library tensorrt_rtx, which builds without a GPU" in str(refusal.value)


def test_the_gpu_is_named_with_its_compute_capability(monkeypatch) -> None:
    facts = SimpleNamespace(name="Orin", compute_capability="8.7")
    monkeypatch.setattr("ovseg_ros.engine.cuda.device.describe_gpu", lambda index: facts)
    assert target_of(engines.library(), 0) == "Orin (8.7)"


def test_errors_are_kept_until_they_are_told_each_once() -> None:
    library = engines.library()
    for number in range(12):
        library.messages.add(f"error {number}")
        library.messages.add(f"error {number}")
    lines = library.said().splitlines()
    assert lines[0] == "  error 4" and lines[-1] == "  error 11" and len(lines) == 8
    assert library.said() == "  it gave no reason"
