"""From depth messages to metres, with a reason for every message that cannot be used."""

from __future__ import annotations

import numpy as np

from ovseg_ros.image_messages import RawImage, check_layout, check_size
from ovseg_ros.points.depth import depth_encoding, depth_in_metres
from ovseg_ros.segmentation import Float32Array


def depth_of(message: RawImage) -> Float32Array:
    """Return the depth of a `sensor_msgs/Image` in metres, float32 [H, W], NaN where invalid.

    Raises `PointsError` for an encoding that is not of depth, and `FrameError` for a size, step or
    length of data that cannot be right.
    """
    check_size(message.width, message.height)
    encoding = depth_encoding(message.encoding)
    row_bytes = message.width * encoding.bytes_per_px
    check_layout(message, row_bytes, message.height)
    data = np.frombuffer(message.data, np.uint8, count=message.step * message.height)
    rows = data.reshape(message.height, message.step)[:, :row_bytes]
    return depth_in_metres(rows, encoding, bool(message.is_bigendian))
