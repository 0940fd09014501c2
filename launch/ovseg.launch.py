"""Starts the segmentation node on its cameras and, by default, takes it to the state active.

ros2 launch ovseg_ros ovseg.launch.py image_topic:=/camera/color/image_raw labels:="person; car"
ros2 launch ovseg_ros ovseg.launch.py camera_names:=front,rear \\
    image_topics:=/front/color/image_raw,/rear/color/image_raw
"""

import os
import shlex
from pathlib import Path

from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
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
        "camera_names",
        default_value="",
        description="Names of several cameras, separated by commas, such as front,rear; their "
        "topics are <name>/image, <name>/depth, ovseg/<name>/label_mask etc. Empty: as in "
        "params_file, which by default has a single camera at image_topic.",
    ),
    DeclareLaunchArgument(
        "image_topics",
        default_value="",
        description="Topics of the raw images of camera_names, in the same order, separated by "
        "commas; empty: <name>/image.",
    ),
    DeclareLaunchArgument(
        "depth_topic",
        default_value="depth",
        description="Topic of the depth that is registered to the camera, 16UC1 or 32FC1, for "
        "~/points.",
    ),
    DeclareLaunchArgument(
        "camera_info_topic",
        default_value="camera_info",
        description="Topic of the camera's calibration, for ~/points.",
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
        "console",
        default_value="false",
        choices=["true", "false"],
        description="Serve the operator's web page too, see docs/console.md.",
    ),
    DeclareLaunchArgument(
        "console_options",
        default_value="",
        description="More options of `ovseg console`, such as "
        "'--save moments --host 0.0.0.0 --token-file token'.",
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
    # Its arguments (rviz, rqt, foxglove, ...) are arguments of this file too.
    viewers = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SHARE / "launch" / "viewers.launch.py"))
    )
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_node), viewers])


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
        remappings=remappings(value),
        arguments=["--ros-args", "--log-level", value["log_level"]],
        respawn=value["respawn"] == "true",
        respawn_delay=float(value["respawn_delay"]),
    )
    actions = shared_memory(value["shm_profile"])
    if value["console"] == "true":
        actions.append(console(value))
    return [*actions, node]


def remappings(value: dict[str, str]) -> list[tuple[str, str]]:
    """Return which topic each camera topic of the node is to be; raises `ValueError`."""
    names, given = (listed(value[argument]) for argument in ("camera_names", "image_topics"))
    if given and len(given) != len(names):
        raise ValueError(
            f"image_topics names {len(given)} topics and camera_names {len(names)} cameras; "
            "give one topic for each camera, in the same order"
        )
    topics = dict(zip((f"{name}/image" for name in names), given, strict=False))
    if not names:
        topics["image"] = value["image_topic"]
    images = [
        (f"{image}{form}", f"{topic}{form}")
        for image, topic in topics.items()
        for form in ("", "/compressed")
    ]
    if names:
        return images
    return [*images, ("depth", value["depth_topic"]), ("camera_info", value["camera_info_topic"])]


def listed(text: str) -> list[str]:
    """Return what stands between the commas of `text`."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def console(value: dict[str, str]) -> Action:
    """Return the operator's page for the node, in the namespace of the node.

    Of several cameras it shows the first, unless `console_options` name another.
    """
    cameras, topics = listed(value["camera_names"]), listed(value["image_topics"])
    topic = (topics or [f"{cameras[0]}/image"])[0] if cameras else value["image_topic"]
    arguments = ["console", "--node", "ovseg", "--image-topic", topic]
    arguments += ["--transport", value["transport"] or "auto"]
    if cameras:
        arguments += ["--camera", cameras[0]]
    return Node(
        package="ovseg_ros",
        executable="ovseg",
        namespace=value["namespace"],
        output="screen",
        arguments=[*arguments, *shlex.split(value["console_options"])],
    )


def overrides(value: dict[str, str]) -> dict[str, ParameterValue | bool | list[str]]:
    """Return the parameters that the launch arguments set on top of the params_file.

    Without a type launch_ros would read them as YAML, where '!sky' is a tag and '7' a number.
    """
    given: dict[str, ParameterValue | bool | list[str]] = {
        parameter: ParameterValue(LaunchConfiguration(argument), value_type=str)
        for argument, parameter in PARAMETER_OF.items()
        if value[argument]
    }
    if value["camera_names"]:
        given["cameras"] = listed(value["camera_names"])
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
