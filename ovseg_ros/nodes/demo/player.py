"""Plays the images of a bag once, on their topics, stamped with the time of publication."""

from __future__ import annotations

import argparse
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE
from ovseg_ros.bags.reader import BagMessage, BagReader, Topic
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.nodes.demo.camera import SETTLE_S, wait_for_subscribers
from ovseg_ros.nodes.demo.process import ros_node, wait_for_go
from ovseg_ros.nodes.stop_signals import StopRequest

# Four bytes say how the message is encoded; the stamp of its header comes first.
_STAMP_OFFSET = 4
_KINDS = {IMAGE: Image, COMPRESSED_IMAGE: CompressedImage}


class Player:
    """Publishes serialised messages as they are, but for their stamps."""

    def __init__(self, node: Node, topics: Sequence[Topic]) -> None:
        """Publish on `topics`, one for each camera, raw or compressed images."""
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        self._node = node
        self.publishers = {
            topic.name: node.create_publisher(_KINDS[topic.kind], topic.name, qos)
            for topic in topics
        }

    def play(self, messages: Iterator[BagMessage], stop: StopRequest) -> dict[str, list[int]]:
        """Publish each of `messages` when its time, ns from the start, has come.

        Returns the stamps that they were given, ns, by topic.
        """
        stamps_ns: dict[str, list[int]] = {topic: [] for topic in self.publishers}
        start = time.monotonic()
        for message in messages:
            due = start + message.time_ns / 1e9
            if stop.wait(max(0.0, due - time.monotonic())):
                break
            stamp_ns = self._node.get_clock().now().nanoseconds
            self.publishers[message.topic].publish(stamped(message.content, stamp_ns))
            stamps_ns[message.topic].append(stamp_ns)
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
    parser.add_argument("--go", type=Path, required=True, help="start once this file exists")
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("demo_player") as (node, executor), BagReader(arguments.playlist) as bag:
        player = Player(node, bag.topics)
        wait_for_go(executor, arguments.go, stop)
        wait_for_subscribers(list(player.publishers.values()), executor, 1, stop)
        emit(EventKind.READY, start_ns=time.time_ns())
        stamps_ns = player.play(bag.raw_messages(list(player.publishers)), stop)
        # A message that is still in the sockets would be lost with this process.
        stop.wait(SETTLE_S)
    emit(EventKind.DONE, sent=sum(map(len, stamps_ns.values())), stamps_ns=stamps_ns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
