"""`Moment`: one frame with what the node made of it, as the console got it from ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ovseg_ros.segmentation import Float32Array, MaskArray, UInt8Array


@dataclass(frozen=True)
class Picture:
    """One camera frame, not decoded: most of them are never shown.

    `decode` returns RGB uint8 [H, W, 3] or raises `FrameError`; `jpeg` are the camera's own bytes
    where it sends JPEG; `size_bytes` is what it takes while it waits for its mask.
    """

    frame_id: str
    decode: Callable[[], UInt8Array]
    size_bytes: int
    jpeg: bytes | None = None


@dataclass(frozen=True)
class Moment:
    """A frame, its mask [H, W] of label ids and its confidence [H, W], all of one stamp.

    Confidence is uint8 0..255 or float32 0..1. `mask` is None where the camera runs and the node
    gives no masks; `confidence` is None where only that is missing.
    """

    stamp_ns: int
    picture: Picture
    mask: MaskArray | None = None
    confidence: UInt8Array | Float32Array | None = None
