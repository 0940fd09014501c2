"""Viewers: found where they are installed, told about where not, shown the right namespace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ovseg_ros.viewers import (
    SPECS,
    Viewer,
    arguments_for,
    config_for,
    foxglove_sentence,
    is_installed,
    missing_sentence,
    wanted,
)

CONFIGS = Path(__file__).resolve().parents[2] / "config"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A ROS environment of two prefixes; the second one has RViz."""
    index = tmp_path / "second" / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    (index / "rviz2").touch()
    return {
        "AMENT_PREFIX_PATH": f"{tmp_path / 'first'}:{tmp_path / 'second'}",
        "ROS_DISTRO": "jazzy",
    }


def test_a_viewer_is_found_in_any_prefix(environment: dict[str, str]) -> None:
    found = {viewer: is_installed(SPECS[viewer].package, environment) for viewer in Viewer}
    assert found == {Viewer.RVIZ: True, Viewer.RQT: False, Viewer.FOXGLOVE: False}
    assert not is_installed("rviz2", {})


@pytest.mark.parametrize("viewer", Viewer)
def test_a_missing_viewer_is_one_sentence_with_the_remedy(
    viewer: Viewer, environment: dict[str, str]
) -> None:
    sentence = missing_sentence(viewer, environment)
    assert sentence.startswith(f"{viewer.value}:=true")
    assert f"apt install ros-jazzy-{SPECS[viewer].apt}" in sentence
    assert "ros-<distribution>-" in missing_sentence(viewer, {})


def test_only_what_was_asked_for_is_started() -> None:
    assert list(wanted({"rviz": "true", "rqt": "false", "namespace": "true"})) == [Viewer.RVIZ]
    assert list(wanted({viewer.value: "true" for viewer in Viewer})) == list(Viewer)


@pytest.mark.parametrize("viewer", Viewer)
@pytest.mark.parametrize("namespace", ["", "/", "robot", "/robot/front/"])
def test_topics_follow_the_namespace(viewer: Viewer, namespace: str, tmp_path: Path) -> None:
    file = config_for(viewer, CONFIGS, namespace, tmp_path)
    text = file.read_text(encoding="utf-8")
    name = namespace.strip("/")
    assert (file.parent == CONFIGS) is not bool(name)
    assert (f"/{name}/ovseg/overlay" if name else "/ovseg/overlay") in text
    assert not name or text.count("/ovseg/") == text.count(f"/{name}/ovseg/")
    assert yaml.safe_load(text) if viewer is Viewer.RVIZ else json.loads(text)


def test_command_lines() -> None:
    file = Path("a.file")
    assert arguments_for(Viewer.RVIZ, file) == ["-d", "a.file"]
    assert arguments_for(Viewer.RVIZ, file, "map") == ["-d", "a.file", "-f", "map"]
    assert arguments_for(Viewer.RQT, file, "map") == ["--perspective-file", "a.file"]
    assert arguments_for(Viewer.FOXGLOVE, file, "map") == []
    assert "ws://127.0.0.1:8765" in foxglove_sentence(file, "127.0.0.1")
