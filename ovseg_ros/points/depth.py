"""Depth images after REP 118: the encoding says the unit, and invalid is NaN from here on."""

from __future__ import annotations

from enum import Enum

import numpy as np

from ovseg_ros.errors import PointsError
from ovseg_ros.segmentation import Float32Array, UInt8Array


class DepthEncoding(Enum):
    """The encodings of REP 118; nobody has to say a unit."""

    MILLIMETRES = "16UC1"
    METRES = "32FC1"

    @property
    def bytes_per_px(self) -> int:
        """How many bytes a pixel has."""
        return 2 if self is DepthEncoding.MILLIMETRES else 4


def depth_encoding(name: str) -> DepthEncoding:
    """Return the encoding called `name`; raises `PointsError` for one that is not of depth."""
    try:
        return DepthEncoding(name)
    except ValueError:
        raise PointsError(
            f"the depth image has encoding {ascii(name[:60])}; 16UC1 (millimetres) or 32FC1 "
            "(metres) was wanted, as REP 118 has it; set the depth driver to one of them"
        ) from None


def depth_in_metres(
    rows: UInt8Array, encoding: DepthEncoding, big_endian: bool = False
) -> Float32Array:
    """Return the depth along the optical axis in metres, float32 [H, W], NaN where it is invalid.

    `rows` are the bytes of the image, uint8 [H, W * bytes_per_px] without padding. Invalid are 0
    millimetres, and metres that are not finite or not above 0. The result shares no memory.
    """
    kind = ">" if big_endian else "<"
    if encoding is DepthEncoding.MILLIMETRES:
        millimetres = np.ascontiguousarray(rows).view(f"{kind}u2")
        depth_m: Float32Array = millimetres.astype(np.float32)
        depth_m /= np.float32(1000)
        depth_m[millimetres == 0] = np.nan
        return depth_m
    depth_m = np.ascontiguousarray(rows).view(f"{kind}f4").astype(np.float32)
    depth_m[~((depth_m > 0) & (depth_m < np.inf))] = np.nan
    return depth_m


def fitted(depth_m: Float32Array, width_px: int, height_px: int) -> Float32Array:
    """Return `depth_m` [h, w] with one value for each pixel of a frame of W x H px, as a view.

    Depth that is smaller or larger than its frame by a whole number, the same in both directions,
    is repeated or thinned out: such depth was binned or scaled after registration. No value is
    ever mixed out of two, since there is nothing between the near and the far side of an edge.
    Raises `PointsError` for every other size.
    """
    rows, columns = depth_m.shape
    if (columns, rows) == (width_px, height_px):
        return depth_m
    times = width_px // columns
    if times and (columns * times, rows * times) == (width_px, height_px):
        return np.repeat(np.repeat(depth_m, times, axis=0), times, axis=1)
    every = columns // width_px
    if every and (width_px * every, height_px * every) == (columns, rows):
        return depth_m[::every, ::every]
    raise PointsError(
        f"the depth image is {columns}x{rows} px, its frame {width_px}x{height_px} px; depth "
        "registered to the colour camera was wanted, of the same size or a whole number of times "
        "smaller or larger; subscribe to the driver's aligned (registered) depth"
    )
