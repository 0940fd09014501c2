"""`ConsoleSettings`: everything that `ovseg console` is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

DEFAULT_PORT = 8760


class CameraTransport(Enum):
    """How the camera's images travel; `auto` takes the raw ones where there are any."""

    AUTO = "auto"
    RAW = "raw"
    COMPRESSED = "compressed"


@dataclass(frozen=True)
class ConsoleSettings:
    """Where to serve the page, to whom, and what of the ROS graph it shows.

    `token` is empty where none is asked for; `save` is None where moments cannot be saved; `camera`
    names one of several cameras of the node, empty for its only one; `ros_arguments` go to ROS.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = ""
    node: str = "/ovseg"
    camera: str = ""
    image_topic: str = "image"
    transport: CameraTransport = CameraTransport.AUTO
    rate_hz: float = 15.0
    save: Path | None = None
    ros_arguments: tuple[str, ...] = ()
