"""ROS 2 as found: sourced or not, too old, without interfaces, without vision_msgs."""

from __future__ import annotations

import pytest
from fake_machine import NOT_THERE, broken, machine

from ovseg_ros.doctor.asking import Answer, Question, ask
from ovseg_ros.doctor.examination import State
from ovseg_ros.doctor.ros import examine_ros, middleware

JAZZY = {"opt/ros/jazzy/setup.bash": ""}
SOURCED = {"ROS_DISTRO": "jazzy"}
RCLPY = Answer({"rmw": "rmw_fastrtps_cpp", "event_handler": True})
HUMBLE = Answer({"rmw": "rmw_fastrtps_cpp", "event_handler": False})
MESSAGES = Answer({"messages": 4})
LABEL_INFO = Answer({"label_info": True})
OWN_PYTHON = "/usr/bin/python3 -m venv --system-site-packages .venv"
FOREIGN = broken("ModuleNotFoundError: No module named 'rclpy._rclpy_pybind11'")


@pytest.mark.parametrize(
    ("files", "environment", "rclpy", "state", "remedy"),
    [
        pytest.param({}, {}, NOT_THERE, State.ABSENT, "pip install 'ovseg_ros[ros]'", id="none"),
        pytest.param(
            JAZZY,
            {},
            NOT_THERE,
            State.WARNING,
            "source /opt/ros/jazzy/setup.bash",
            id="not-sourced",
        ),
        pytest.param(JAZZY, SOURCED, NOT_THERE, State.WARNING, OWN_PYTHON, id="other-python"),
        pytest.param(JAZZY, SOURCED, FOREIGN, State.WARNING, OWN_PYTHON, id="other-version"),
        pytest.param(
            JAZZY,
            SOURCED | {"RMW_IMPLEMENTATION": "rmw_zenoh_cpp"},
            broken("RMWNotFound"),
            State.WARNING,
            "sudo apt install ros-jazzy-rmw-zenoh-cpp",
            id="rmw-not-installed",
        ),
        pytest.param(
            {},
            {"ROS_DISTRO": "humble"},
            HUMBLE,
            State.WARNING,
            "sudo apt install ros-jazzy-ros-base ros-jazzy-vision-msgs",
            id="humble",
        ),
        pytest.param(JAZZY, SOURCED, RCLPY, State.OK, "", id="sourced"),
        pytest.param({}, {}, RCLPY, State.OK, "", id="wheels"),
    ],
)
def test_rclpy(tmp_path, files, environment, rclpy, state, remedy) -> None:
    surroundings = machine(tmp_path, files, environment=environment)
    finding = examine_ros(surroundings, rclpy, MESSAGES, LABEL_INFO)[0]
    assert (finding.state, finding.remedy) == (state, remedy)


@pytest.mark.parametrize(
    ("files", "interfaces", "state", "remedy"),
    [
        pytest.param({}, MESSAGES, State.OK, "", id="built"),
        pytest.param({}, NOT_THERE, State.WARNING, "make build", id="wheels"),
        pytest.param(
            JAZZY,
            broken("ImportError: libovseg_ros__rosidl_generator_c.so"),
            State.WARNING,
            "colcon build --packages-select ovseg_ros && source install/setup.bash",
            id="colcon",
        ),
    ],
)
def test_the_interfaces_of_this_project(tmp_path, files, interfaces, state, remedy) -> None:
    finding = examine_ros(machine(tmp_path, files), RCLPY, interfaces, LABEL_INFO)[1]
    assert (finding.state, finding.remedy) == (state, remedy)


@pytest.mark.parametrize(
    ("files", "vision_msgs", "state", "remedy"),
    [
        pytest.param(JAZZY, LABEL_INFO, State.OK, "", id="there"),
        pytest.param(
            JAZZY,
            NOT_THERE,
            State.ABSENT,
            "sudo apt install ros-jazzy-vision-msgs",
            id="not-installed",
        ),
        pytest.param({}, NOT_THERE, State.ABSENT, "", id="wheels-have-none"),
        pytest.param(
            JAZZY,
            broken("ImportError: x.so"),
            State.WARNING,
            "sudo apt install ros-jazzy-vision-msgs",
            id="broken",
        ),
    ],
)
def test_what_nav2_reads(tmp_path, files, vision_msgs, state, remedy) -> None:
    surroundings = machine(tmp_path, files, environment=SOURCED)
    finding = examine_ros(surroundings, RCLPY, MESSAGES, vision_msgs)[2]
    assert (finding.state, finding.remedy) == (state, remedy)


@pytest.mark.ros
def test_the_installed_ros_answers(tmp_path) -> None:
    rclpy, interfaces = ask(Question.RCLPY), ask(Question.INTERFACES)
    assert middleware(machine(tmp_path), rclpy).startswith("rmw_")
    states = [f.state for f in examine_ros(machine(tmp_path), rclpy, interfaces, LABEL_INFO)]
    assert states == [State.OK, State.OK, State.OK]
