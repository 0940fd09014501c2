"""`IncomingFrame`: a camera message on its way to the inference thread, not yet decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from std_msgs.msg import Header

from ovseg_ros.segmentation import UInt8Array


@dataclass(frozen=True)
class IncomingFrame:
    """One received image. Decoding waits until the frame is taken: most of a flood never is.

    `header` goes unchanged into every output; `arrival_ns` is the monotonic time of its arrival;
    `decode` returns RGB uint8 [H, W, 3] or raises `FrameError`.
    """

    header: Header
    arrival_ns: int
    decode: Callable[[], UInt8Array]

    @property
    def stamp_ns(self) -> int:
        """The stamp in nanoseconds; 0 means that the driver set none."""
        return stamp_ns(self.header)


def stamp_ns(header: Header) -> int:
    """Return the stamp of `header` in nanoseconds."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)
