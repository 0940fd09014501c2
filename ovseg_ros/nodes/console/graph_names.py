"""The topics that a console listens to, by the name of the node and of its camera."""

from __future__ import annotations

from dataclasses import dataclass

from ovseg_ros.console.settings import CameraTransport, ConsoleSettings

DIAGNOSTICS = "/diagnostics"


@dataclass(frozen=True)
class GraphNames:
    """Names on the ROS graph; all but the diagnostics may be relative."""

    node: str
    image: str
    mask: str
    confidence: str
    labels: str
    status: str

    @classmethod
    def of(cls, settings: ConsoleSettings) -> GraphNames:
        """Return the names for `settings`; the images of one of several cameras have its prefix."""
        node = settings.node.rstrip("/")
        channel = f"{node}/{settings.camera}" if settings.camera else node
        compressed = settings.transport is CameraTransport.COMPRESSED
        return cls(
            node,
            settings.image_topic + ("/compressed" if compressed else ""),
            f"{channel}/label_mask",
            f"{channel}/confidence",
            f"{node}/labels",
            f"{node}/status",
        )
