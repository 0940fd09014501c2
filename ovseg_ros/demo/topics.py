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
