"""The depth camera: `depth` and `camera_info`, subscribed to only while somebody wants points."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, Image

from ovseg_ros.nodes import qos, topics
from ovseg_ros.nodes.frames import stamp_ns
from ovseg_ros.points.matching import StampRing

_INFO_BYTES = 400


class DepthInput:
    """Hands every depth image to `on_depth` and remembers the calibration of the last moments."""

    def __init__(
        self, node: LifecycleNode, camera: str, on_depth: Callable[[int, int, Image], None]
    ) -> None:
        """Subscribe to the topics of `camera` ("" for the only one).

        `on_depth` is called with the stamp in ns, the size in bytes, and the message.
        """
        self._node = node
        self._on_depth = on_depth
        self._infos: StampRing[CameraInfo] = StampRing()
        self._lock = threading.Lock()
        self.since_s = time.monotonic()
        self.topic = node.resolve_topic_name(topics.of_camera("depth", camera))
        self.info_topic = node.resolve_topic_name(topics.of_camera("camera_info", camera))
        self._subscriptions = [
            node.create_subscription(
                kind,
                topic,
                callback,
                qos.image_input(),
                callback_group=MutuallyExclusiveCallbackGroup(),
                qos_overriding_options=qos.overridable(),
                event_callbacks=qos.subscription_events(node.get_logger(), topic),
            )
            for kind, topic, callback in (
                (Image, self.topic, self._on_image),
                (CameraInfo, self.info_topic, self._on_info),
            )
        ]

    def info_at(self, time_ns: int) -> CameraInfo | None:
        """Return the calibration nearest to `time_ns`; None where none has come.

        However far: a calibration does not change from frame to frame, and some drivers send it
        once in a while, or without a stamp.
        """
        with self._lock:
            found = self._infos.nearest(time_ns)
        return found[1] if found else None

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_image(self, message: Image) -> None:
        self._on_depth(stamp_ns(message.header), len(message.data), message)

    def _on_info(self, message: CameraInfo) -> None:
        with self._lock:
            self._infos.put(stamp_ns(message.header), _INFO_BYTES, message)
