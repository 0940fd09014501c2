"""ROS 2: rclpy, the interfaces of this project, and vision_msgs."""

from __future__ import annotations

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.surroundings import Surroundings

_NEWER_ROS = "sudo apt install ros-jazzy-ros-base ros-jazzy-vision-msgs"


def examine_ros(
    surroundings: Surroundings, rclpy: Answer, interfaces: Answer, vision_msgs: Answer
) -> list[Finding]:
    """Return the findings on ROS; without rclpy there is nothing more to look at."""
    first = _rclpy(surroundings, rclpy)
    if rclpy.facts is None:
        return [first]
    return [first, _interfaces(surroundings, interfaces), _vision_msgs(surroundings, vision_msgs)]


def middleware(surroundings: Surroundings, rclpy: Answer) -> str:
    """Return the RMW implementation in use, such as 'rmw_fastrtps_cpp'; empty without ROS."""
    asked = surroundings.environment.get("RMW_IMPLEMENTATION", "")
    return str(rclpy.facts["rmw"]) if rclpy.facts else asked


def _rclpy(surroundings: Surroundings, rclpy: Answer) -> Finding:
    topic = Topic.ROS
    sourced = surroundings.environment.get("ROS_DISTRO", "")
    there = sourced or next(iter(surroundings.distributions), "")
    if rclpy.refusal:
        return Finding(
            topic, State.WARNING, f"rclpy does not load: {rclpy.refusal}", _load(surroundings)
        )
    if rclpy.facts is None and there:
        found = f"{there} is installed, but this Python finds no rclpy"
        return Finding(topic, State.WARNING, found, _load(surroundings))
    if rclpy.facts is None:
        found = "not installed; the command line and Segmenter work without"
        return Finding(topic, State.ABSENT, found, "pip install 'ovseg_ros[ros]'")
    words = f"{sourced or 'rclpy'} with {middleware(surroundings, rclpy)}"
    if not rclpy.facts["event_handler"]:
        found = f"{words}; its rclpy is too old for the node, which needs Jazzy (Ubuntu 24.04)"
        return Finding(topic, State.WARNING, found, _NEWER_ROS)
    return Finding(topic, State.OK, words)


def _load(surroundings: Surroundings) -> str:
    """Return the command that lets this Python import rclpy."""
    if not surroundings.environment.get("ROS_DISTRO"):
        for name in surroundings.distributions:
            return f"source /opt/ros/{name}/setup.bash"
    asked = surroundings.environment.get("RMW_IMPLEMENTATION", "")
    if asked and asked != "rmw_fastrtps_cpp":
        distribution = surroundings.environment.get("ROS_DISTRO", "jazzy")
        return f"sudo apt install ros-{distribution}-{asked.replace('_', '-')}"
    # rclpy of apt is built for the system's Python, which another interpreter cannot load.
    return "/usr/bin/python3 -m venv --system-site-packages .venv"


def _interfaces(surroundings: Surroundings, interfaces: Answer) -> Finding:
    build = "colcon build --packages-select ovseg_ros && source install/setup.bash"
    remedy = build if surroundings.distributions else "make build"
    if interfaces.refusal:
        found = f"ovseg_ros.msg does not load: {interfaces.refusal}"
        return Finding(Topic.INTERFACES, State.WARNING, found, remedy)
    if interfaces.facts is None:
        found = "ovseg_ros.msg and .srv were not built; the node needs them"
        return Finding(Topic.INTERFACES, State.WARNING, found, remedy)
    return Finding(Topic.INTERFACES, State.OK, f"{interfaces.facts['messages']} messages, services")


def _vision_msgs(surroundings: Surroundings, vision_msgs: Answer) -> Finding:
    distribution = surroundings.environment.get("ROS_DISTRO", "jazzy")
    install = f"sudo apt install ros-{distribution}-vision-msgs"
    if vision_msgs.refusal:
        return Finding(Topic.VISION_MSGS, State.WARNING, vision_msgs.refusal, install)
    if vision_msgs.facts is None or not vision_msgs.facts["label_info"]:
        found = "no LabelInfo; ~/label_info, which Nav2 reads, is not published"
        # Wheels have none of it: there it is built from source.
        remedy = install if surroundings.distributions else ""
        return Finding(Topic.VISION_MSGS, State.ABSENT, found, remedy)
    return Finding(Topic.VISION_MSGS, State.OK, "LabelInfo is published for Nav2")
