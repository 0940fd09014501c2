"""A depth camera beside the colour camera of a test: registered depth and its calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from ros_driver import RELIABLE, Driver, raw_image
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

FOCAL_PX = 200.0


class DepthCamera:
    """Publishes a colour frame with depth and calibration of the same stamp.

    `info` holds fields of the CameraInfo that differ from those of an ideal camera.
    """

    def __init__(self, driver: Driver, prefix: str = "") -> None:
        """Create the publishers beside those of `driver`; `prefix` is that of the camera."""
        self._driver = driver
        node = driver.node
        self.depth = node.create_publisher(Image, f"{prefix}depth", RELIABLE)
        self.infos = node.create_publisher(CameraInfo, f"{prefix}camera_info", RELIABLE)

    def wait(self) -> None:
        """Wait until the node subscribes to both topics."""
        self._driver.wait(self.depth.get_subscription_count, "the node to subscribe to depth")
        self._driver.wait(self.infos.get_subscription_count, "the node to subscribe to infos")

    def shoot(
        self,
        picture: np.ndarray,
        depth: np.ndarray | None,
        *,
        encoding: str = "16UC1",
        frame_id: str = "",
        late_ns: int = 0,
        **info: Any,
    ) -> Image:
        """Publish depth [H, W] and calibration; return the frame, which the caller publishes.

        The depth is stamped `late_ns` after its frame.
        """
        frame = self._driver.image(picture)
        header = Header(stamp=frame.header.stamp, frame_id=frame_id or frame.header.frame_id)
        self.infos.publish(calibration(header, *picture.shape[1::-1], **info))
        if depth is not None:
            late = frame.header.stamp.sec * 10**9 + frame.header.stamp.nanosec + late_ns
            shifted = Header(frame_id=header.frame_id)
            shifted.stamp.sec, shifted.stamp.nanosec = divmod(late, 10**9)
            self.depth.publish(raw_image(depth, encoding, shifted))
        return frame


def calibration(header: Header, width_px: int, height_px: int, **fields: Any) -> CameraInfo:
    """Return a camera without distortion whose centre is that of the image."""
    cx, cy = (width_px - 1) / 2, (height_px - 1) / 2
    usual = {
        "height": height_px,
        "width": width_px,
        "distortion_model": "plumb_bob",
        "k": np.array([FOCAL_PX, 0, cx, 0, FOCAL_PX, cy, 0, 0, 1]),
        "p": np.array([FOCAL_PX, 0, cx, 0, 0, FOCAL_PX, cy, 0, 0, 0, 1, 0]),
    }
    return CameraInfo(header=header, **{**usual, **fields})


def ground_depth(width_px: int, height_px: int, camera_height_m: float) -> np.ndarray:
    """Return depth in millimetres, uint16 [H, W], of flat ground below a level camera.

    Above the horizon, and farther than 65.535 m, there is none: 0.
    """
    below_px = np.arange(height_px) - (height_px - 1) / 2
    column = np.zeros(height_px, np.uint16)
    on_ground = below_px > 0
    metres = camera_height_m * FOCAL_PX / below_px[on_ground]
    millimetres = np.round(metres * 1000)
    column[on_ground] = np.where(millimetres <= 65535, millimetres, 0).astype(np.uint16)
    return np.repeat(column[:, None], width_px, axis=1)
