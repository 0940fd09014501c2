"""Counts the masks of several topics and how old they are, with as little work as that takes."""

from __future__ import annotations

import argparse
import struct
import sys
import time
from pathlib import Path
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node
from sensor_msgs.msg import Image

from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.nodes.demo.hearing import RELIABLE
from ovseg_ros.nodes.demo.process import ros_node, spin_while, wait_for_go
from ovseg_ros.nodes.demo.service_calls import change_state, introduce
from ovseg_ros.nodes.stop_signals import StopRequest
from ovseg_ros.percentiles import percentiles

# Behind the four bytes that say how a message is serialised, an image begins with its stamp.
_STAMP = struct.Struct("<4xiI")


class MaskCounter:
    """The ages of the masks on some topics, in ms, by topic."""

    def __init__(self, node: Node, topics: list[str]) -> None:
        """Subscribe; masks are taken as they came, and only their stamps are read."""
        self.ages_ms: dict[str, list[float]] = {topic: [] for topic in topics}
        self._subscriptions: list[Any] = [
            node.create_subscription(
                Image, topic, lambda raw, t=topic: self._on_mask(t, raw), RELIABLE, raw=True
            )
            for topic in topics
        ]

    @property
    def connected(self) -> bool:
        """Whether every topic has a publisher."""
        return all(subscription.get_publisher_count() for subscription in self._subscriptions)

    def clear(self) -> None:
        """Count from here on."""
        for ages in self.ages_ms.values():
            ages.clear()

    def _on_mask(self, topic: str, raw: bytes) -> None:
        seconds, nanoseconds = _STAMP.unpack_from(raw)
        self.ages_ms[topic].append(time.time() * 1e3 - seconds * 1e3 - nanoseconds / 1e6)


def main() -> int:
    """Bring the nodes up, count for a while, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", action="append", required=True, help="to configure and activate")
    parser.add_argument("--mask", action="append", required=True, help="topic of masks to count")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds not counted")
    parser.add_argument("--seconds", type=float, required=True, help="seconds counted")
    parser.add_argument("--go", type=Path, required=True, help="start once this file exists")
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("mask_counter") as (node, executor):
        counter = MaskCounter(node, arguments.mask)
        for name in arguments.node:
            states: Any = node.create_client(ChangeState, f"{name}/change_state")
            introduce(node, executor, name)
            change_state(executor, states, "configure")
            change_state(executor, states, "activate")
        spin_while(executor, lambda: not counter.connected and not stop)
        emit(EventKind.ACTIVE)
        wait_for_go(executor, arguments.go, stop)
        spin_while(executor, lambda: not all(counter.ages_ms.values()) and not stop)

        def spin_for(duration_s: float) -> None:
            until = time.monotonic() + duration_s
            spin_while(executor, lambda: time.monotonic() < until and not stop)

        spin_for(arguments.warm_up)
        counter.clear()
        emit(EventKind.READY)
        start = time.monotonic()
        spin_for(arguments.seconds)
        seconds = time.monotonic() - start
        found = {
            topic: {"masks": len(ages), **percentiles("age", ages)}
            for topic, ages in counter.ages_ms.items()
        }
        emit(EventKind.DONE, seconds=seconds, topics=found)
        spin_while(executor, lambda: not stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
