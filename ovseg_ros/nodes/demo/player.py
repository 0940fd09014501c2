"""Plays the frames of a bag once, at a steady rate, stamped with the time of publication."""

from __future__ import annotations

import argparse
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.bags.reader import BagReader
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.nodes.demo.camera import SETTLE_S, wait_for_subscribers
from ovseg_ros.nodes.demo.process import ros_node, wait_for_go
from ovseg_ros.nodes.stop_signals import StopRequest

# Four bytes say how the message is encoded; the stamp of its header comes first.
_STAMP_OFFSET = 4


class Player:
    """Publishes serialised messages as they are, but for their stamps."""

    def __init__(self, node: Node, raw: bool) -> None:
        """Publish on the camera's topic for `raw` or compressed images."""
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        self._node = node
        self.topic = topics.CAMERA_RAW if raw else topics.CAMERA_COMPRESSED
        self.publisher = node.create_publisher(Image if raw else CompressedImage, self.topic, qos)

    def play(self, messages: Iterator[bytes], rate_hz: float, stop: StopRequest) -> list[int]:
        """Publish `messages` at `rate_hz`; return the stamps they were given, ns."""
        stamps_ns: list[int] = []
        start = time.monotonic()
        for sent, message in enumerate(messages):
            due = start + sent / rate_hz
            if stop.wait(max(0.0, due - time.monotonic())):
                break
            stamp_ns = self._node.get_clock().now().nanoseconds
            self.publisher.publish(stamped(message, stamp_ns))
            stamps_ns.append(stamp_ns)
        return stamps_ns


def stamped(message: bytes, stamp_ns: int) -> bytes:
    """Return a serialised message that begins with a header, with another stamp."""
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    patched = bytearray(message)
    order = "<" if message[1] & 1 else ">"
    struct.pack_into(f"{order}iI", patched, _STAMP_OFFSET, seconds, nanoseconds)
    return bytes(patched)


def main() -> int:
    """Play the bag and exit; the last event says which stamps the frames were given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--playlist", type=Path, required=True, help="bag of the frames")
    parser.add_argument("--rate-hz", type=float, required=True)
    parser.add_argument("--raw", action="store_true", help="they are raw images")
    parser.add_argument("--go", type=Path, required=True, help="start once this file exists")
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("demo_player") as (node, executor), BagReader(arguments.playlist) as bag:
        player = Player(node, arguments.raw)
        wait_for_go(executor, arguments.go, stop)
        wait_for_subscribers(player.publisher, executor, 1, stop)
        emit(EventKind.READY, start_ns=time.time_ns())
        stamps_ns = player.play(bag.raw_messages([player.topic]), arguments.rate_hz, stop)
        # A message that is still in the sockets would be lost with this process.
        stop.wait(SETTLE_S)
    emit(EventKind.DONE, sent=len(stamps_ns), stamps_ns=stamps_ns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
