"""The names and parameters of TensorRT that are used, against the modules that there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorrt_api
from tensorrt_bindings import MODULE, VERSIONS

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt_rtx"])
def test_an_installed_library_has_what_is_used(name: str) -> None:
    assert tensorrt_api.faults(pytest.importorskip(name)) == []


@pytest.mark.tensorrt
def test_the_library_for_rtx_is_told_by_what_it_has() -> None:
    found = tensorrt_api.features(pytest.importorskip("tensorrt_rtx"))
    assert found == set(tensorrt_api.OPTIONAL)


@pytest.fixture(params=VERSIONS)
def bindings(request: pytest.FixtureRequest) -> Path:
    """Where the extension modules of one version are, without the libraries they would call."""
    folder = ROOT / "build" / "tensorrt-bindings" / request.param
    if not folder.is_dir():
        pytest.skip("its bindings are not in build/tensorrt-bindings; run `make build-torch`")
    return folder


def run(*words: str) -> list[str]:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()


def test_the_bindings_of_a_version_have_what_is_used(bindings: Path) -> None:
    told, *faults = run(tensorrt_api.__file__, str(bindings), MODULE)
    assert told == f"{bindings.name} []", "none has what only the library for RTX has"
    assert faults == []


_OPENED = """
import sys
from threading import Event
from types import SimpleNamespace
sys.path.insert(0, sys.argv[1])
import tensorrt_bindings
sys.modules["tensorrt"] = tensorrt_bindings
from ovseg_ros.engine.tensorrt.library import open_library
from ovseg_ros.engine.tensorrt.progress import Phases, monitor_of
from ovseg_ros.errors import BackendError

library = open_library()
print(library.name, library.version, library.is_rtx)
flags = library.create_network(SimpleNamespace(create_network=lambda flags: flags))
print(bool(flags & 1 << int(tensorrt_bindings.NetworkDefinitionCreationFlag.STRONGLY_TYPED)))
monitor = monitor_of(tensorrt_bindings, Phases(print, Event()))
monitor.phase_start("all", None, 2)
print(monitor.step_complete("all", 0))
library.logger.log(tensorrt_bindings.ILogger.Severity.ERROR, "no  driver")
library.logger.log(tensorrt_bindings.ILogger.Severity.WARNING, "slow")
print(library.said())
for make in (library.builder, library.runtime):
    try:
        make()
    except BackendError as error:
        print(" ".join(str(error).split()))
"""


def test_the_bindings_of_a_version_are_opened_and_fail_in_words(bindings: Path) -> None:
    about, strongly, *shown, go_on, said, builder, runtime = run("-c", _OPENED, str(bindings))
    assert about == f"tensorrt {bindings.name} False"
    assert strongly == "True"
    assert shown[-1] == "BuildProgress(done=1, total=2, phase='all', step=1, steps=2)"
    assert go_on == "True" and said == "  no driver"
    made = f"tensorrt {bindings.name} makes no"
    assert f"{made} Builder on this machine; tensorrt builds on the GPU that is" in builder
    assert "--library tensorrt_rtx" in builder and "returned nullptr" in builder
    assert f"{made} Runtime on this machine; see what `ovseg doctor` says" in runtime


def test_what_is_missing_or_has_other_parameters_is_told() -> None:
    assert "Builder.create_network is missing" in tensorrt_api.faults(SimpleNamespace())

    class Changed:
        def create_network(self) -> None:
            """create_network(self: Builder, kinds: int = 0) -> INetworkDefinition"""

        def create_builder_config(self) -> None:
            """create_builder_config(self: Builder) -> IBuilderConfig"""

    found = tensorrt_api.faults(SimpleNamespace(Builder=Changed))
    (changed,) = [fault for fault in found if "create_network" in fault]
    assert "does not take ('flags',)" in changed
    assert not any("create_builder_config" in fault for fault in found)


def test_half_a_feature_is_told() -> None:
    class Runtime:
        engine_header_size = 64

    found = tensorrt_api.faults(SimpleNamespace(Runtime=Runtime))
    assert any(fault.startswith("of validity only: ") for fault in found)
