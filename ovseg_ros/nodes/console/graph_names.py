"""The topics that a console listens to, by the name of the node and of its camera."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_topic_name import validate_topic_name

from ovseg_ros.console.settings import ConsoleSettings
from ovseg_ros.errors import OvsegError

DIAGNOSTICS = "/diagnostics"


@dataclass(frozen=True)
class GraphNames:
    """Names on the ROS graph; all but the diagnostics may be relative."""

    node: str
    image: str
    compressed_image: str
    mask: str
    confidence: str
    labels: str
    status: str

    @classmethod
    def of(cls, settings: ConsoleSettings) -> GraphNames:
        """Return the names for `settings`; the images of one of several cameras have its prefix.

        Raises `OvsegError` for what cannot be a name on the ROS graph.
        """
        node = settings.node.rstrip("/")
        channel = f"{node}/{settings.camera}" if settings.camera else node
        names = cls(
            node,
            settings.image_topic,
            f"{settings.image_topic}/compressed",
            f"{channel}/label_mask",
            f"{channel}/confidence",
            f"{channel}/labels",
            f"{node}/status",
        )
        for name in (names.mask, names.image):
            _check(name)
        return names


def _check(name: str) -> None:
    try:
        validate_topic_name(name)
    except InvalidTopicNameException as error:
        reason = " ".join(str(error).split())
        raise OvsegError(
            f"{ascii(name)} cannot be a topic ({reason}); check --node, --camera and --image-topic"
        ) from None
