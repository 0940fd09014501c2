"""The demo's cameras: play a drive at its rate, stamped with the time of publication."""

from __future__ import annotations

import argparse
import array
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import Drive, open_drive
from ovseg_ros.image_files import decode_rgb
from ovseg_ros.nodes.demo.process import ros_node, spin_while, wait_for_go
from ovseg_ros.nodes.stop_signals import StopRequest

FRAME_ID = "camera"
_MOST_RAW_FRAMES = 90
_MATCH_TIMEOUT_S = 60.0
SETTLE_S = 0.5


class Camera:
    """Publishes prepared messages in a loop, at a steady rate, to one topic or to several."""

    def __init__(
        self,
        node: Node,
        drive: Drive,
        raw_size_px: tuple[int, int] | None,
        topic_names: Sequence[str] = (),
    ) -> None:
        """Prepare every message; `raw_size_px` (W, H) publishes raw rgb8 of that size, not JPEG.

        Each of `topic_names` (none: that of the demo) is a camera of its own, at another place of
        the drive.
        """
        self._node = node
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        self._messages: list[Any]
        if raw_size_px:
            kind, usual = Image, topics.CAMERA_RAW
            self._messages = _raw_messages(drive, raw_size_px)
        else:
            kind, usual = CompressedImage, topics.CAMERA_COMPRESSED
            self._messages = [_compressed_message(frame.image) for frame in drive.frames]
        self.publishers = [
            node.create_publisher(kind, topic, qos) for topic in topic_names or (usual,)
        ]

    def play(self, rate_hz: float, seconds: float, stop: StopRequest) -> int:
        """Publish at `rate_hz` for `seconds`, looping over the drive; return how many were sent.

        Both are those of each topic; the topics take turns.
        """
        start, count = time.monotonic(), len(self.publishers)
        turn = 0
        while True:
            sent, place = divmod(turn, count)
            due = start + turn / count / rate_hz
            if stop.wait(max(0.0, due - time.monotonic())) or due - start >= seconds:
                return sent
            message = self._messages[self._index(sent, place)]
            message.header.stamp = self._node.get_clock().now().to_msg()
            self.publishers[place].publish(message)
            turn += 1

    def _index(self, sent: int, place: int) -> int:
        return (sent + place * len(self._messages) // len(self.publishers)) % len(self._messages)


def wait_for_subscribers(
    publishers: Sequence[Any], executor: SingleThreadedExecutor, wanted: int, stop: StopRequest
) -> None:
    """Wait until each publisher has `wanted` subscribers; raises `OvsegError` after a minute."""
    deadline = time.monotonic() + _MATCH_TIMEOUT_S

    def fewest() -> int:
        counts: list[int] = [publisher.get_subscription_count() for publisher in publishers]
        return min(counts)

    spin_while(executor, lambda: fewest() < wanted and not stop and time.monotonic() < deadline)
    if fewest() < wanted and not stop:
        raise OvsegError(
            f"only {fewest()} of {wanted} subscribers of the "
            f"camera came within {_MATCH_TIMEOUT_S:g} s; see the log of the node"
        )
    # A match is known here a moment before it is known over there.
    stop.wait(SETTLE_S)


def _compressed_message(data: bytes) -> CompressedImage:
    message = CompressedImage(format="jpeg")
    message.header.frame_id = FRAME_ID
    message.data = array.array("B", data)
    return message


def _raw_messages(drive: Drive, size_px: tuple[int, int]) -> list[Image]:
    step = max(1, len(drive.frames) // _MOST_RAW_FRAMES)
    return [_raw_message(frame.image, size_px) for frame in drive.frames[::step]]


def _raw_message(data: bytes, size_px: tuple[int, int]) -> Image:
    pixels = np.asarray(PillowImage.fromarray(decode_rgb(data)).resize(size_px))
    message = Image(width=size_px[0], height=size_px[1], encoding="rgb8", step=3 * size_px[0])
    message.header.frame_id = FRAME_ID
    message.data = array.array("B", pixels.tobytes())
    return message


def parse_size(text: str) -> tuple[int, int]:
    """Return (W, H) from text such as '640x480'."""
    width, height = text.split("x")
    return int(width), int(height)


def main() -> int:
    """Play the drive and exit; the last event says how many frames were sent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drive", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate-hz", type=float, default=0.0, help="0: the rate of the drive")
    parser.add_argument("--raw", type=parse_size, metavar="WxH")
    parser.add_argument("--topic", action="append", default=[], help="one for each camera")
    parser.add_argument("--go", type=Path, required=True, help="start once this file exists")
    parser.add_argument("--subscribers", type=int, default=1, help="wait for so many")
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("demo_camera") as (node, executor):
        drive = open_drive(arguments.drive)
        camera = Camera(node, drive, arguments.raw, arguments.topic)
        wait_for_go(executor, arguments.go, stop)
        wait_for_subscribers(camera.publishers, executor, arguments.subscribers, stop)
        emit(EventKind.READY, start_ns=time.time_ns())
        sent = camera.play(arguments.rate_hz or drive.rate_hz, arguments.seconds, stop)
        # A message that is still in the sockets would be lost with this process.
        stop.wait(SETTLE_S)
    emit(EventKind.DONE, sent=sent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
