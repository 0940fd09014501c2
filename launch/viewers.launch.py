"""Starts viewers on the topics of the segmentation node, which may run on another machine.

ros2 launch ovseg_ros viewers.launch.py rviz:=true fixed_frame:=camera_color_optical_frame
"""

import tempfile
from pathlib import Path

from launch.action import Action
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from ovseg_ros.viewers import (
    FOXGLOVE_PORT,
    SPECS,
    Viewer,
    arguments_for,
    config_for,
    foxglove_sentence,
    is_installed,
    missing_sentence,
    wanted,
)

CONFIGS = Path(__file__).resolve().parent.parent / "config"

ARGUMENTS = (
    DeclareLaunchArgument(
        "namespace",
        default_value="",
        description="Namespace of the segmentation node whose topics are shown.",
    ),
    DeclareLaunchArgument(
        "rviz",
        default_value="false",
        choices=["true", "false"],
        description="Start RViz with the overlay and the labelled points (config/ovseg.rviz).",
    ),
    DeclareLaunchArgument(
        "fixed_frame",
        default_value="",
        description="RViz's fixed frame: the frame_id of the camera, or a frame that TF connects "
        "with it; empty: camera_optical_frame.",
    ),
    DeclareLaunchArgument(
        "rqt",
        default_value="false",
        choices=["true", "false"],
        description="Start rqt with the overlay, ~/set_labels and the topics "
        "(config/ovseg.perspective).",
    ),
    DeclareLaunchArgument(
        "foxglove",
        default_value="false",
        choices=["true", "false"],
        description="Start foxglove_bridge; import config/foxglove_layout.json in Foxglove.",
    ),
    DeclareLaunchArgument(
        "foxglove_address",
        default_value="127.0.0.1",
        description="Address that foxglove_bridge listens on. It asks for no password: whoever "
        "reaches it can read topics, publish, call services and set parameters.",
    ),
)


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and what to do with them."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_viewers)])


def start_viewers(context: LaunchContext) -> list[Action]:
    """Return the actions for the arguments in `context`."""
    value = {
        argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS
    }
    actions: list[Action] = []
    for viewer in wanted(value):
        if is_installed(SPECS[viewer].package):
            actions += start(viewer, value)
        else:
            actions.append(LogInfo(msg=missing_sentence(viewer)))
    return actions


def start(viewer: Viewer, value: dict[str, str]) -> list[Action]:
    """Return the actions that start one viewer."""
    spec = SPECS[viewer]
    # Left behind on purpose: the viewer reads it when it likes, and the user may save it.
    work = Path(tempfile.mkdtemp(prefix="ovseg_viewers_")) if value["namespace"] else CONFIGS
    config = config_for(viewer, CONFIGS, value["namespace"], work)
    node = Node(
        package=spec.package,
        executable=spec.executable,
        name=f"ovseg_{viewer.value}",
        output="screen",
        arguments=arguments_for(viewer, config, value["fixed_frame"]),
        parameters=bridge_parameters(value) if viewer is Viewer.FOXGLOVE else [],
    )
    if viewer is Viewer.FOXGLOVE:
        return [node, LogInfo(msg=foxglove_sentence(config, value["foxglove_address"]))]
    return [node]


def bridge_parameters(value: dict[str, str]) -> list[dict[str, str | int]]:
    """Return the parameters of foxglove_bridge, which by default listens on every address."""
    return [{"address": value["foxglove_address"], "port": FOXGLOVE_PORT}]
