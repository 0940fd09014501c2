"""Fixtures and markers of all tests."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path

import pytest
from ros_isolation import isolate_ros
from vision_msgs_package import InstalledInterfaces, build_vision_msgs

ROOT = Path(__file__).resolve().parent.parent
_DOMAIN_CLAIM: pytest.StashKey[object] = pytest.StashKey()
SHM_PROFILE = ROOT / "config" / "fastdds_shm.xml"

# A marker needs its module; without it the test is skipped and says what to run.
NEEDED = {
    "cuda_core": ("cuda", "pip install 'ovseg_ros[tensorrt]'"),
    "ros": ("rclpy", "make build"),
    "torch": ("torch", "make build-torch"),
    "openvino": ("openvino", "make build-torch"),
    "tensorrt": ("tensorrt_rtx", "make build-torch"),
    "nncf": ("nncf", "make build-torch"),
    "modelopt": ("modelopt", "pip install -r requirements/modelopt.txt"),
    "world": ("mujoco", "make build-torch"),
}


def pytest_configure(config: pytest.Config) -> None:
    """Isolate ROS before any test module can start it."""
    # Shells have jobs in the background ignore Ctrl-C, and so would what tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_DOMAIN_CLAIM] = isolate_ros(SHM_PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests whose marker names a module that is not installed; keep files together.

    `make test` has two workers: tests of a file share what they build, and those with several
    processes of their own go one after another, beside those with none.
    """
    for item in items:
        place = "ros" if item.get_closest_marker("ros") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(place))
    for marker, (module, remedy) in NEEDED.items():
        if importlib.util.find_spec(module) is not None:
            continue
        skip = pytest.mark.skip(reason=f"{module} is not installed; run `{remedy}`")
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of data sets and reference outputs beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the data folder ../shared is not beside this repository")
    return folder


@pytest.fixture(scope="session")
def tiny_package() -> Path:
    """The embedded default model package."""
    folder = ROOT / "engines" / "tiny"
    assert (folder / "card.yaml").is_file(), f"{folder} is part of the repository but has no card"
    return folder


@pytest.fixture(scope="session")
def vision_msgs_prefix(tmp_path_factory: pytest.TempPathFactory) -> InstalledInterfaces:
    """A real vision_msgs in a prefix of its own; start the node with `env` to let it find it."""
    return build_vision_msgs(tmp_path_factory.mktemp("vision_msgs"))
