"""The names on the ROS graph of a demo, as all of its processes use them."""

from __future__ import annotations

NODE = "segmentation"
CAMERA_RAW = "/camera/image"
CAMERA_COMPRESSED = "/camera/image/compressed"
MASK = f"/{NODE}/label_mask"
CONFIDENCE = f"/{NODE}/confidence"
LABELS = f"/{NODE}/labels"
STATUS = f"/{NODE}/status"
QUERY = f"/{NODE}/query"
SET_LABELS = f"/{NODE}/set_labels"
SET_ADAPTER = f"/{NODE}/set_adapter"
CHANGE_STATE = f"/{NODE}/change_state"
GET_STATE = f"/{NODE}/get_state"

NODE_REMAPS = (
    "-r",
    f"__node:={NODE}",
    "-r",
    f"image:={CAMERA_RAW}",
    "-r",
    f"image/compressed:={CAMERA_COMPRESSED}",
)


def images(camera: str, raw: bool) -> str:
    """Return the topic of the images of `camera`; an empty name is that of a single one."""
    if not camera:
        return CAMERA_RAW if raw else CAMERA_COMPRESSED
    return f"/{camera}/image" if raw else f"/{camera}/image/compressed"


def masks(camera: str) -> str:
    """Return the topic of the masks of `camera`."""
    return f"/{NODE}/{camera}/label_mask" if camera else MASK


def confidences(camera: str) -> str:
    """Return the topic of the confidence of `camera`."""
    return f"/{NODE}/{camera}/confidence" if camera else CONFIDENCE
