"""The launch files: every argument is described; where launch is installed, the node starts."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LAUNCH_FILE = ROOT / "launch" / "ovseg.launch.py"
ARGUMENTS = {
    "ovseg": (
        "namespace",
        "params_file",
        "image_topic",
        "camera_names",
        "image_topics",
        "depth_topic",
        "camera_info_topic",
        "transport",
        "package",
        "labels",
        "adapter",
        "autostart",
        "respawn",
        "respawn_delay",
        "use_sim_time",
        "log_level",
        "console",
        "console_options",
        "shm_profile",
    ),
    "viewers": ("namespace", "rviz", "fixed_frame", "rqt", "foxglove", "foxglove_address"),
}


def source_of(name: str) -> str:
    """Return the text of the launch file called `name`."""
    return (ROOT / "launch" / f"{name}.launch.py").read_text(encoding="utf-8")


def declared_arguments(name: str) -> dict[str, dict[str, ast.expr]]:
    """Return the keywords of every DeclareLaunchArgument by its name, read off the source."""
    tree = ast.parse(source_of(name))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "DeclareLaunchArgument"
    ]
    return {
        ast.literal_eval(call.args[0]): {word.arg: word.value for word in call.keywords if word.arg}
        for call in calls
    }


@pytest.mark.parametrize("file", ARGUMENTS)
def test_every_argument_is_described_and_has_a_default(file: str) -> None:
    declared = declared_arguments(file)
    assert tuple(declared) == ARGUMENTS[file]
    for name, keywords in declared.items():
        assert len(ast.literal_eval(keywords["description"])) > 20, name
        assert "default_value" in keywords, name


def functions_of_the_launch_file(*names: str) -> dict[str, Any]:
    """Return functions that need nothing of `launch`, which is not installed from PyPI."""
    tree = ast.parse(LAUNCH_FILE.read_text(encoding="utf-8"))
    wanted = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in names]
    found: dict[str, Any] = {}
    exec(compile(ast.Module(wanted, []), str(LAUNCH_FILE), "exec"), found)
    return found


@pytest.mark.parametrize(
    ("cameras", "topics", "wanted"),
    [
        (
            "",
            "",
            {
                "image": "/cam",
                "image/compressed": "/cam/compressed",
                "depth": "/d",
                "camera_info": "/i",
            },
        ),
        ("front,rear", "", {}),
        (
            "front, rear",
            "/f/raw,/r/raw",
            {
                "front/image": "/f/raw",
                "front/image/compressed": "/f/raw/compressed",
                "rear/image": "/r/raw",
                "rear/image/compressed": "/r/raw/compressed",
            },
        ),
    ],
)
def test_camera_topics_are_remapped(cameras: str, topics: str, wanted: dict[str, str]) -> None:
    remap = functions_of_the_launch_file("remappings", "listed")["remappings"]
    value = {
        "image_topic": "/cam",
        "depth_topic": "/d",
        "camera_info_topic": "/i",
        "camera_names": cameras,
        "image_topics": topics,
    }
    assert dict(remap(value)) == wanted


def test_as_many_image_topics_as_cameras_are_wanted() -> None:
    remap = functions_of_the_launch_file("remappings", "listed")["remappings"]
    value = {"image_topic": "image", "camera_names": "front,rear", "image_topics": "/f"}
    with pytest.raises(ValueError, match="1 topics and camera_names 2 cameras"):
        remap(value)


def test_the_files_it_names_are_there() -> None:
    named = re.findall(r'"(config|launch)" / "([^"]+)"', source_of("ovseg"))
    assert ("launch", "viewers.launch.py") in named
    for folder, name in named:
        assert (ROOT / folder / name).is_file(), name


@pytest.mark.ros
@pytest.mark.slow
def test_it_brings_the_node_up(tmp_path: Path) -> None:
    if importlib.util.find_spec("launch_ros") is None:
        pytest.skip("launch_ros is not installed; it comes with ROS 2 from apt, not from PyPI")
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    if not any(Path(p, "lib/ovseg_ros/segmentation_node").is_file() for p in prefixes):
        pytest.skip("ovseg_ros is not in this ROS environment; run `colcon build`, then source it")
    log = tmp_path / "log"
    script = (
        "import sys; from launch import LaunchService; from launch.launch_description_sources "
        "import get_launch_description_from_python_launch_file as read; "
        "service = LaunchService(argv=['labels:=gate; wall', 'rviz:=true']); "
        "service.include_launch_description(read(sys.argv[1])); sys.exit(service.run())"
    )
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(LAUNCH_FILE)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=dict(os.environ),
        )
    try:
        end = time.monotonic() + 60
        while "is ready" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.1)
        assert "is ready" in log.read_text(), log.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
