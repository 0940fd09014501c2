"""What the topics of a camera are called: with its name in front, or without where there is one."""

from __future__ import annotations

from ovseg_ros.nodes.parameters import Transport
from ovseg_ros.segmenter import EVERY_CAMERA

_IMAGE = {Transport.RAW: "image", Transport.COMPRESSED: "image/compressed"}


def private(name: str, camera: str = EVERY_CAMERA) -> str:
    """Return the topic or service `name` of this node, or of its `camera`: `~/front/label_mask`."""
    return f"~/{camera}/{name}" if camera else f"~/{name}"


def of_camera(name: str, camera: str) -> str:
    """Return the topic `name` that `camera` publishes, relative to the namespace: `front/depth`."""
    return f"{camera}/{name}" if camera else name


def images(camera: str, transport: Transport) -> str:
    """Return the topic of the images of `camera`."""
    return of_camera(_IMAGE[transport], camera)
