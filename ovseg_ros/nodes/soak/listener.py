"""The listener of a soak: hears masks and labels, judges them, and tells every second."""

from __future__ import annotations

import sys
import time
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import Image

from ovseg_ros.bench.soak.frame_claim import FrameClaim
from ovseg_ros.bench.soak.observer import HeardMask, Observer
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.msg import LabelMap
from ovseg_ros.nodes.demo.hearing import (
    LATCHED,
    RELIABLE,
    is_mask,
    label_map_record,
    mask_record,
)
from ovseg_ros.nodes.demo.process import ros_node, spin_while
from ovseg_ros.nodes.stop_signals import StopRequest

_TICK_S = 1.0


class Listener:
    """Subscribes to what the node publishes."""

    def __init__(self, node: Node) -> None:
        """Start listening and telling."""
        self._observer = Observer()
        node.create_subscription(LabelMap, topics.LABELS, self._on_labels, LATCHED)
        node.create_subscription(Image, topics.MASK, self._on_mask, RELIABLE)
        node.create_timer(_TICK_S, self.tell)

    def tell(self) -> None:
        """Emit what is new."""
        self._observer.settle(time.time_ns())
        emit(EventKind.TICK, **self._observer.take())

    def _on_labels(self, message: LabelMap, info: Any) -> None:
        self._observer.on_labels(label_map_record(message, info))

    def _on_mask(self, message: Image, info: Any) -> None:
        claim = FrameClaim.parse(message.header.frame_id)
        size_px = (message.width, message.height)
        well_formed = (
            is_mask(message) and claim is not None and size_px == (claim.width_px, claim.height_px)
        )
        self._observer.on_mask(HeardMask(mask_record(message, info, well_formed), claim))


def main() -> int:
    """Listen until stopped."""
    stop = StopRequest()
    with ros_node("soak_listener") as (node, executor):
        listener = Listener(node)
        emit(EventKind.READY)
        spin_while(executor, lambda: not stop)
        listener.tell()
    return 0


if __name__ == "__main__":
    sys.exit(main())
