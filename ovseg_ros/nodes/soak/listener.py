"""The listener of a soak: hears masks, labels and status, judges them, and tells every second."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from ovseg_ros.bags.reader import stamp_ns_of
from ovseg_ros.bench.soak.frame_claim import FrameClaim
from ovseg_ros.bench.soak.observer import HeardMask, Observer
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord, MaskRecord
from ovseg_ros.demo.scoring import ids_in
from ovseg_ros.msg import LabelMap, SegmentationStatus
from ovseg_ros.nodes.demo.process import ros_node, spin_while
from ovseg_ros.nodes.stop_signals import StopRequest

_TICK_S = 1.0
_FATES = ("received", "published", "replaced", "stale", "superseded", "rejected")


class Listener:
    """Subscribes to what the node publishes."""

    def __init__(self, node: Node) -> None:
        """Start listening and telling."""
        self._observer = Observer()
        self._status: dict[str, Any] = {}
        reliable = QoSProfile(depth=30, reliability=ReliabilityPolicy.RELIABLE)
        latched = QoSProfile(
            depth=10,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        node.create_subscription(LabelMap, topics.LABELS, self._on_labels, latched)
        node.create_subscription(Image, topics.MASK, self._on_mask, reliable)
        node.create_subscription(SegmentationStatus, topics.STATUS, self._on_status, reliable)
        node.create_timer(_TICK_S, self.tell)

    def tell(self) -> None:
        """Emit what is new."""
        now_ns = time.time_ns()
        self._observer.settle(now_ns)
        emit(EventKind.TICK, time_ns=now_ns, status=self._status, **self._observer.take())

    def _on_labels(self, message: LabelMap, info: Any) -> None:
        labels = tuple(
            LabelEntry(spec.id, spec.name, negative=spec.negative) for spec in message.labels
        )
        published_ns, since_ns = info["source_timestamp"], stamp_ns_of(message)
        self._observer.on_labels(LabelMapRecord(message.revision, published_ns, labels, since_ns))

    def _on_mask(self, message: Image, info: Any) -> None:
        claim = FrameClaim.parse(message.header.frame_id)
        size_px = (message.width, message.height)
        well_formed = (
            message.encoding == "mono8"
            and message.step == message.width
            and len(message.data) == message.width * message.height
            and claim is not None
            and size_px == (claim.width_px, claim.height_px)
        )
        record = MaskRecord(
            stamp_ns_of(message),
            info["source_timestamp"],
            info["received_timestamp"],
            ids_in(np.frombuffer(message.data, np.uint8)),
            well_formed,
        )
        self._observer.on_mask(HeardMask(record, claim))

    def _on_status(self, message: SegmentationStatus, _: Any) -> None:
        self._status = {
            "state": message.state,
            "adapters": list(message.adapter_names),
            "last_error": message.last_error[:200],
            **{name: getattr(message, name) for name in _FATES},
        }


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
