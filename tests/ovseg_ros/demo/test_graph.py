"""The private ROS graph of a demo."""

import pytest

from ovseg_ros.demo.graph import private_graph, require_ros
from ovseg_ros.errors import OvsegError


@pytest.mark.ros
def test_two_demos_at_once_have_graphs_of_their_own():
    with private_graph() as one, private_graph() as other:
        assert one["ROS_DOMAIN_ID"] != other["ROS_DOMAIN_ID"]
        assert one["FASTDDS_DEFAULT_PROFILES_FILE"].endswith("fastdds_shm.xml")
        assert one["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        pytest.param("rclpy", r"ovseg_ros\[ros\]", id="no-ros"),
        pytest.param("ovseg_ros.msg", "make build", id="no-messages"),
    ],
)
def test_a_machine_without_ros_is_told_what_to_install(missing, message):
    with pytest.raises(OvsegError, match=message):
        require_ros(find=lambda name: None if name == missing else object())
