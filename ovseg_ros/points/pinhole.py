"""The pinhole camera behind `sensor_msgs/CameraInfo`, for the frame that was really sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ovseg_ros.errors import PointsError
from ovseg_ros.segmentation import Float32Array


class RegionOfInterest(Protocol):
    """The fields of `sensor_msgs/RegionOfInterest` that are read here; all 0: the whole image."""

    x_offset: int
    y_offset: int
    width: int
    height: int


class CameraInfo(Protocol):
    """The fields of `sensor_msgs/CameraInfo` that are read here."""

    width: int
    height: int
    k: Sequence[float]
    p: Sequence[float]
    binning_x: int
    binning_y: int
    roi: RegionOfInterest


@dataclass(frozen=True)
class Pinhole:
    """Where a pixel looks: X = (u - cx) / fx * Z + x_offset, and Y alike.

    Axes are those of an optical frame (x right, y down, z forward); focal lengths and centre are
    in pixels of an image of `width_px` x `height_px`. The offsets, in metres, are not 0 for the
    second camera of a stereo pair only, whose points lie in the frame of the first.
    """

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    x_offset_m: float = 0.0
    y_offset_m: float = 0.0

    def rays(self) -> tuple[Float32Array, Float32Array]:
        """Return X / Z of each column, float32 [W], and Y / Z of each row, float32 [H, 1]."""
        columns = (np.arange(self.width_px) - self.cx_px) / self.fx_px
        rows = (np.arange(self.height_px) - self.cy_px) / self.fy_px
        return columns.astype(np.float32), rows.astype(np.float32)[:, None]

    def cropped(self, left_px: int, top_px: int, width_px: int, height_px: int) -> Pinhole:
        """Return the camera of a part of the image."""
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            cx_px=self.cx_px - left_px,
            cy_px=self.cy_px - top_px,
        )

    def scaled(self, width_px: int, height_px: int) -> Pinhole:
        """Return the camera of the image after scaling it to `width_px` x `height_px`.

        Focal length and centre scale alike, as image_geometry and image_proc do it.
        """
        across, down = width_px / self.width_px, height_px / self.height_px
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            fx_px=self.fx_px * across,
            fy_px=self.fy_px * down,
            cx_px=self.cx_px * across,
            cy_px=self.cy_px * down,
        )


def pinhole_of(info: CameraInfo, width_px: int, height_px: int) -> Pinhole:
    """Return the camera of a frame of W x H px that `info` belongs to.

    P, of the rectified image, is used where it is set, else K; distortion is not undone. Region of
    interest and binning are applied as REP 104 says. A frame that was scaled afterwards, with both
    sides alike, is accepted. Raises `PointsError` for an uncalibrated camera and for another shape.
    """
    whole = _calibrated(info)
    roi = info.roi
    region = whole
    if roi.width and roi.height:
        region = whole.cropped(roi.x_offset, roi.y_offset, roi.width, roi.height)
    binning = max(1, info.binning_x), max(1, info.binning_y)
    sent_px = region.width_px // binning[0], region.height_px // binning[1]
    if not all(sent_px) or sent_px[0] * height_px != sent_px[1] * width_px:
        raise PointsError(
            f"camera_info is of an image of {sent_px[0]}x{sent_px[1]} px, the frame has "
            f"{width_px}x{height_px} px; the camera_info of the same image was wanted, or of one "
            "that was scaled in both directions alike; check the topic camera_info"
        )
    binned = replace(
        region,
        width_px=sent_px[0],
        height_px=sent_px[1],
        fx_px=region.fx_px / binning[0],
        fy_px=region.fy_px / binning[1],
        cx_px=region.cx_px / binning[0],
        cy_px=region.cy_px / binning[1],
    )
    return binned.scaled(width_px, height_px)


def _calibrated(info: CameraInfo) -> Pinhole:
    """Return the camera at full resolution."""
    p, k = info.p, info.k
    if p[0]:
        fx, fy, cx, cy = (float(p[i]) for i in (0, 5, 2, 6))
        offsets_m = [-float(p[3]) / fx, -float(p[7]) / fy if fy else math.nan]
    else:
        fx, fy, cx, cy = (float(k[i]) for i in (0, 4, 2, 5))
        offsets_m = [0.0, 0.0]
    numbers = (fx, fy, cx, cy, *offsets_m)
    if not (all(map(math.isfinite, numbers)) and fx > 0 and fy > 0):
        raise PointsError(
            f"camera_info has focal lengths {fx:g} and {fy:g} px and the centre {cx:g}, {cy:g}; "
            "finite numbers and focal lengths above 0 were wanted; calibrate the camera"
        )
    return Pinhole(info.width, info.height, fx, fy, cx, cy, *offsets_m)
