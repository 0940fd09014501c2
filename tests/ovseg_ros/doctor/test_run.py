"""The examination as a whole: whole machines in, the one next command out."""

from __future__ import annotations

import json

import pytest
from fake_machine import GEFORCE, KERNEL_MODULE, NOT_THERE, answers, driver, library, machine

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import Examination, Finding, State, Topic
from ovseg_ros.doctor.report import as_json, as_text
from ovseg_ros.doctor.run import examine

ROS = {
    "rclpy": Answer({"rmw": "rmw_fastrtps_cpp", "event_handler": True}),
    "interfaces": Answer({"messages": 4}),
}
CUDA = {
    "cuda": driver(GEFORCE),
    "cuda_python": Answer({"cuda-core": "1.2.2", "cuda-bindings": "12.9.10"}),
}
MODULE = {"proc/driver/nvidia/version": KERNEL_MODULE}
ON_PICTURES = 'ovseg segment pictures/ --labels "person; car; road" --out masks'


@pytest.mark.parametrize(
    ("changes", "healthy", "command"),
    [
        pytest.param({}, True, ON_PICTURES, id="processor-only"),
        pytest.param(
            {"onnxruntime": NOT_THERE}, False, "pip install 'ovseg_ros[cpu]'", id="no-onnxruntime"
        ),
        pytest.param(
            {"core": Answer({"missing": ["pyyaml"]})}, False, "pip install pyyaml", id="no-yaml"
        ),
        pytest.param(CUDA, True, "pip install 'ovseg_ros[tensorrt-rtx]'", id="gpu-no-tensorrt"),
        pytest.param(
            CUDA | {"tensorrt_rtx": library("1.7.1", 12, (8, 9))},
            True,
            "ovseg build --package tiny --camera 640x480",
            id="gpu-no-engine",
        ),
        pytest.param(
            CUDA | {"onnxruntime": NOT_THERE},
            False,
            "pip install 'ovseg_ros[cpu]'",
            id="faults-come-first",
        ),
    ],
)
def test_the_one_next_command(tmp_path, changes, healthy, command) -> None:
    files = MODULE if "cuda" in changes else {}
    examination = examine(machine(tmp_path, files), answers(**changes))
    assert examination.healthy is healthy
    assert examination.next_command == command


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("bin", "ros2 launch ovseg_ros ovseg.launch.py image_topic:=/camera/color/image_raw"),
        ("", "python -m ovseg_ros.nodes.main --ros-args -r image:=/camera/color/image_raw"),
    ],
)
def test_with_ros_the_node_is_what_to_start(tmp_path, path, command) -> None:
    ros2 = tmp_path / "bin" / "ros2"
    ros2.parent.mkdir()
    ros2.write_text("")
    ros2.chmod(0o755)
    surroundings = machine(tmp_path, environment={"PATH": str(tmp_path / path) if path else ""})
    assert examine(surroundings, answers(**ROS)).start == command


def test_a_worry_without_a_remedy_is_not_possible() -> None:
    with pytest.raises(ValueError, match="needs a remedy"):
        Finding(Topic.GPU, State.WARNING, "something")


def test_the_report_for_people_and_for_programs() -> None:
    findings = (
        Finding(Topic.PYTHON, State.OK, "3.12"),
        Finding(Topic.TORCH, State.ABSENT, "not installed", "pip install torch"),
        Finding(Topic.ENGINE, State.WARNING, "none was built", "ovseg build"),
    )
    examination = Examination(findings, "ovseg segment")
    lines = as_text(examination).splitlines()
    assert lines[0] == "ok       Python           3.12"
    assert lines[2].strip() == "if wanted:  pip install torch"
    assert lines[4].strip() == "do:  ovseg build"
    assert lines[-2:] == [
        "segmenting works here; faults: 0, warnings: 1",
        "next:  ovseg build",
    ]
    value = json.loads(as_json(examination))
    assert value["healthy"] is True and value["next"] == "ovseg build"
    assert value["findings"][2] == {
        "topic": "engine",
        "state": "warning",
        "found": "none was built",
        "remedy": "ovseg build",
    }
