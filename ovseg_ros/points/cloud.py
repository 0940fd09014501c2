"""From a mask and a depth image to an organised cloud of labelled points."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.points.pinhole import Pinhole
from ovseg_ros.segmentation import Float32Array, MaskArray, UInt8Array

POINT_BYTES = 20


def point_type(label: np.dtype[Any]) -> np.dtype[Any]:
    """Return the layout of one point: 20 bytes, with a label id of the type of the mask.

    `rgb` holds 0x00RRGGBB; PCL and RViz read these four bytes as a float.
    """
    return np.dtype(
        {
            "names": ["x", "y", "z", "rgb", "label", "confidence"],
            "formats": ["f4", "f4", "f4", "u4", label, "u1"],
            "offsets": [0, 4, 8, 12, 16, 16 + label.itemsize],
            "itemsize": POINT_BYTES,
        }
    )


def labelled_cloud(
    depth_m: Float32Array,
    camera: Pinhole,
    image: UInt8Array,
    mask: MaskArray,
    confidence: UInt8Array,
) -> npt.NDArray[Any]:
    """Return one point for each pixel, [H, W] of `point_type`, row by row as the mask.

    `depth_m` float32 [H, W] is the distance along the optical axis; where it is NaN so are x, y and
    z, while colour, label and confidence stay. `image` uint8 [H, W, 3] RGB, `mask` uint8 or uint16
    [H, W], `confidence` uint8 [H, W]; `camera` is that of an image of this size. x, y and z are
    metres in the optical frame: x right, y down, z forward.
    """
    across, down = camera.rays()
    cloud = np.zeros(mask.shape, point_type(mask.dtype))
    cloud["x"] = depth_m * across + np.float32(camera.x_offset_m)
    cloud["y"] = depth_m * down + np.float32(camera.y_offset_m)
    cloud["z"] = depth_m
    wide = image.astype(np.uint32)
    cloud["rgb"] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    cloud["label"] = mask
    cloud["confidence"] = confidence
    return cloud
