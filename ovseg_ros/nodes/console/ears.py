"""The console's ears: labels, status and diagnostics, which are small and always listened to."""

from __future__ import annotations

import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from ovseg_ros.console.hub import Hub, News
from ovseg_ros.msg import LabelMap, SegmentationStatus
from ovseg_ros.nodes import qos
from ovseg_ros.nodes.console.graph_names import DIAGNOSTICS, GraphNames
from ovseg_ros.nodes.message_reading import diagnostic_as_json, labels_as_json, status_as_json

# Diagnostics of the robot's other parts are not the operator's concern here.
_OURS = "ovseg"


class Ears:
    """Tells the hub what the node says of itself."""

    def __init__(self, node: Node, names: GraphNames, hub: Hub) -> None:
        """Subscribe."""
        self._hub = hub
        self._labels: dict[str, Any] | None = None
        self._diagnostics: dict[str, dict[str, Any]] = {}
        node.create_subscription(LabelMap, names.labels, self._on_labels, qos.latched())
        node.create_subscription(SegmentationStatus, names.status, self._on_status, qos.reliable())
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, qos.reliable())

    def _on_labels(self, message: LabelMap) -> None:
        labels = labels_as_json(message)
        # The node repeats them every second.
        if labels != self._labels:
            self._labels = labels
            self._hub.tell(News.LABELS, labels)

    def _on_status(self, message: SegmentationStatus) -> None:
        self._hub.tell(News.STATUS, {**status_as_json(message), "time_ms": _now_ms()})

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        ours = [status for status in message.status if status.name.startswith(_OURS)]
        for status in ours:
            self._diagnostics[status.name] = {**diagnostic_as_json(status), "time_ms": _now_ms()}
        if ours:
            entries = [self._diagnostics[name] for name in sorted(self._diagnostics)]
            self._hub.tell(News.DIAGNOSTICS, {"entries": entries})


def _now_ms() -> float:
    """Return the time of this machine's clock: simulated time may stand still."""
    return time.time_ns() / 1e6
