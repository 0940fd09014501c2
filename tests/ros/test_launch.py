"""The launch file: every argument is described; where launch is installed, it starts the node."""

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

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LAUNCH_FILE = ROOT / "launch" / "ovseg.launch.py"
ARGUMENTS = (
    "namespace",
    "params_file",
    "image_topic",
    "transport",
    "package",
    "labels",
    "adapter",
    "autostart",
    "respawn",
    "respawn_delay",
    "use_sim_time",
    "log_level",
    "shm_profile",
)


def declared_arguments() -> dict[str, dict[str, ast.expr]]:
    """Return the keywords of every DeclareLaunchArgument by its name, read off the source."""
    tree = ast.parse(LAUNCH_FILE.read_text(encoding="utf-8"))
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


def test_every_argument_is_described_and_has_a_default() -> None:
    declared = declared_arguments()
    assert tuple(declared) == ARGUMENTS
    for name, keywords in declared.items():
        assert len(ast.literal_eval(keywords["description"])) > 20, name
        assert "default_value" in keywords, name


def test_the_files_it_names_are_there() -> None:
    text = LAUNCH_FILE.read_text(encoding="utf-8")
    for name in re.findall(r'"config" / "([^"]+)"', text):
        assert (ROOT / "config" / name).is_file(), name


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
        "service = LaunchService(argv=['labels:=gate; wall']); "
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
