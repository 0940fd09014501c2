"""Foxglove, RViz and rqt on the topics of the node: which are installed and how each is started."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ovseg_ros.output import write_file

DEFAULT_TOPICS = "/ovseg/"
FOXGLOVE_PORT = 8765


class Viewer(Enum):
    """The viewers, called as the launch arguments that start them."""

    RVIZ = "rviz"
    RQT = "rqt"
    FOXGLOVE = "foxglove"


@dataclass(frozen=True)
class ViewerSpec:
    """A viewer's ROS package, its executable, what apt calls it, and our file for it in config/."""

    package: str
    executable: str
    apt: str
    file: str


SPECS = {
    Viewer.RVIZ: ViewerSpec("rviz2", "rviz2", "rviz2", "ovseg.rviz"),
    Viewer.RQT: ViewerSpec("rqt_gui", "rqt_gui", "rqt-common-plugins", "ovseg.perspective"),
    Viewer.FOXGLOVE: ViewerSpec(
        "foxglove_bridge", "foxglove_bridge", "foxglove-bridge", "foxglove_layout.json"
    ),
}


def is_installed(package: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether the ROS environment has `package`, as ament's index lists it."""
    prefixes = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    index = "share/ament_index/resource_index/packages"
    return any(Path(prefix, index, package).is_file() for prefix in prefixes if prefix)


def missing_sentence(viewer: Viewer, environment: Mapping[str, str] = os.environ) -> str:
    """Return what to say where `viewer` is asked for and not installed."""
    spec, distribution = SPECS[viewer], environment.get("ROS_DISTRO") or "<distribution>"
    return (
        f"{viewer.value}:=true, but the ROS package {spec.package} is not installed; everything "
        f"else starts without it; install it with  apt install ros-{distribution}-{spec.apt}"
    )


def config_for(viewer: Viewer, configs: Path, namespace: str, work: Path) -> Path:
    """Return our file for `viewer`, with the topics of a node in `namespace`.

    `configs` is the folder of the files as they are installed, for a node without a namespace; for
    another a copy is written into `work`. Raises `OutputError`.
    """
    installed = configs / SPECS[viewer].file
    name = namespace.strip("/")
    if not name:
        return installed
    text = installed.read_text(encoding="utf-8")
    copy = work / installed.name
    write_file(copy, text.replace(DEFAULT_TOPICS, f"/{name}{DEFAULT_TOPICS}").encode())
    return copy


def arguments_for(viewer: Viewer, config: Path, fixed_frame: str = "") -> list[str]:
    """Return the command line after the executable; the Foxglove bridge takes parameters instead.

    `fixed_frame` is RViz's; empty: that of its file.
    """
    if viewer is Viewer.RVIZ:
        return ["-d", str(config), *(["-f", fixed_frame] if fixed_frame else [])]
    if viewer is Viewer.RQT:
        return ["--perspective-file", str(config)]
    return []


def foxglove_sentence(config: Path, address: str) -> str:
    """Return what the user of Foxglove does next."""
    return (
        f"Foxglove: open the connection ws://{address}:{FOXGLOVE_PORT} (foxglove_bridge), then "
        f"import the layout {config}"
    )


def wanted(value: Mapping[str, str]) -> Iterable[Viewer]:
    """Yield the viewers whose launch argument in `value` is 'true'."""
    return (viewer for viewer in Viewer if value.get(viewer.value) == "true")
