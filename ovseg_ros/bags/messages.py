"""Making the messages that are written to bags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ovseg_ros.bags.camera_info import CameraInfo
from ovseg_ros.segmentation import UInt8Array

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
STRING = "std_msgs/msg/String"


class MessageMaker:
    """Makes messages out of the types of a bag writer, of one `frame_id`."""

    def __init__(self, types: Any, frame_id: str) -> None:
        """Take a type store of rosbags."""
        self._types: Mapping[str, Any] = types.types
        self._frame_id = frame_id

    def text(self, text: str) -> Any:
        """Return a std_msgs/String."""
        return self._types[STRING](text)

    def image(self, stamp_ns: int, pixels: UInt8Array) -> Any:
        """Return `pixels` uint8 [H, W, 3] as rgb8, or [H, W] as mono8."""
        height, width = pixels.shape[:2]
        encoding = "mono8" if pixels.ndim == 2 else "rgb8"
        data = np.ascontiguousarray(pixels).reshape(-1)
        step = data.size // height
        header = self._header(stamp_ns)
        return self._types[IMAGE](header, height, width, encoding, 0, step, data)

    def compressed(self, stamp_ns: int, kind: str, data: bytes) -> Any:
        """Return an encoded image; `kind` is 'jpeg' or 'png'."""
        encoded = np.frombuffer(data, np.uint8)
        return self._types[COMPRESSED_IMAGE](self._header(stamp_ns), kind, encoded)

    def camera_info(self, stamp_ns: int, camera: CameraInfo) -> Any:
        """Return the calibration of a camera."""
        region = self._types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        return self._types[CAMERA_INFO](
            header=self._header(stamp_ns),
            height=camera.height_px,
            width=camera.width_px,
            distortion_model=camera.distortion_model,
            d=np.array(camera.d, np.float64),
            k=np.array(camera.k, np.float64),
            r=np.array(camera.r, np.float64),
            p=np.array(camera.p, np.float64),
            binning_x=0,
            binning_y=0,
            roi=region,
        )

    def _header(self, stamp_ns: int) -> Any:
        seconds, nanoseconds = divmod(stamp_ns, 10**9)
        stamp = self._types["builtin_interfaces/msg/Time"](seconds, nanoseconds)
        return self._types["std_msgs/msg/Header"](stamp, self._frame_id)
