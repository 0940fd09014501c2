"""Starts the segmentation node on one camera and, by default, takes it to the state active.

ros2 launch ovseg_ros ovseg.launch.py image_topic:=/camera/color/image_raw labels:="person; car"
"""

import os
from pathlib import Path

from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription

SHARE = Path(__file__).resolve().parent.parent
SHM_PROFILE = SHARE / "config" / "fastdds_shm.xml"
# Distributions whose Fast DDS reads only the old name; newer ones warn about it.
OLD_FAST_DDS = ("humble", "jazzy")
# Launch argument and the parameter it sets; an empty argument leaves the params_file's value.
PARAMETER_OF = {
    "package": "model.package",
    "labels": "query.labels",
    "adapter": "adapter.mode",
    "transport": "input.transport",
}

ARGUMENTS = (
    DeclareLaunchArgument(
        "namespace",
        default_value="",
        description="Namespace of the node; its topics are then <namespace>/ovseg/label_mask etc.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=str(SHARE / "config" / "ovseg.yaml"),
        description="YAML file with the node's parameters; copy the default one to change it.",
    ),
    DeclareLaunchArgument(
        "image_topic",
        default_value="image",
        description="Topic of the camera's raw images; with transport:=compressed, "
        "<image_topic>/compressed is subscribed to.",
    ),
    DeclareLaunchArgument(
        "transport",
        default_value="",
        description="'raw' or 'compressed' (JPEG or PNG); empty: as in params_file.",
    ),
    DeclareLaunchArgument(
        "package",
        default_value="",
        description="Model package: a folder, or the name of an installed one; "
        "empty: as in params_file.",
    ),
    DeclareLaunchArgument(
        "labels",
        default_value="",
        description="First query, such as 'person|pedestrian; car=0.4; !sky'; "
        "empty: as in params_file.",
    ),
    DeclareLaunchArgument(
        "adapter",
        default_value="",
        description="How domain adapters are chosen, 'none' or 'auto'; empty: as in params_file.",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        choices=["true", "false"],
        description="Configure and activate the node; 'false' leaves it to a lifecycle manager.",
    ),
    DeclareLaunchArgument(
        "respawn",
        default_value="false",
        choices=["true", "false"],
        description="Start the node's process again whenever it ends; with autostart it then goes "
        "to active again.",
    ),
    DeclareLaunchArgument(
        "respawn_delay",
        default_value="1.0",
        description="Seconds from the end of the process to its next start, with respawn:=true.",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="false",
        choices=["true", "false"],
        description="Take the time from /clock, as with a simulator or `ros2 bag play --clock`.",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        choices=["debug", "info", "warn", "error", "fatal"],
        description="Least severity that the node logs.",
    ),
    DeclareLaunchArgument(
        "shm_profile",
        default_value=str(SHM_PROFILE),
        description="Fast DDS profile with a shared-memory segment that holds raw images; "
        "the camera's process needs it too. Empty: leave the environment as it is.",
    ),
)


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and what to do with them."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_node)])


def start_node(context: LaunchContext) -> list[Action]:
    """Return the actions for the arguments in `context`."""
    value = {
        argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS
    }
    node = LifecycleNode(
        package="ovseg_ros",
        executable="segmentation_node",
        name="ovseg",
        namespace=value["namespace"],
        output="screen",
        parameters=[value["params_file"], overrides(value)],
        remappings=[
            ("image", value["image_topic"]),
            ("image/compressed", f"{value['image_topic']}/compressed"),
        ],
        arguments=["--ros-args", "--log-level", value["log_level"]],
        respawn=value["respawn"] == "true",
        respawn_delay=float(value["respawn_delay"]),
    )
    return [*shared_memory(value["shm_profile"]), node]


def overrides(value: dict[str, str]) -> dict[str, ParameterValue | bool]:
    """Return the parameters that the launch arguments set on top of the params_file.

    Without a type launch_ros would read them as YAML, where '!sky' is a tag and '7' a number.
    """
    given: dict[str, ParameterValue | bool] = {
        parameter: ParameterValue(LaunchConfiguration(argument), value_type=str)
        for argument, parameter in PARAMETER_OF.items()
        if value[argument]
    }
    given["use_sim_time"] = value["use_sim_time"] == "true"
    # By the node itself, at each start of its process: a request from here would go to a process
    # that was killed for as long as the middleware believes it alive, twenty seconds by default.
    given["lifecycle.autostart"] = value["autostart"] == "true"
    return given


def shared_memory(profile: str) -> list[Action]:
    """Return the environment for Fast DDS, where the user has not set one of their own."""
    if not profile:
        return []
    names = ["FASTDDS_DEFAULT_PROFILES_FILE"]
    if os.environ.get("ROS_DISTRO") in OLD_FAST_DDS:
        names.append("FASTRTPS_DEFAULT_PROFILES_FILE")
    return [SetEnvironmentVariable(name, profile) for name in names if name not in os.environ]
