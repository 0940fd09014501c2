"""Publishes what the mask values mean, latched: `~/labels`, and `~/label_info` for Nav2."""

from __future__ import annotations

import importlib
import threading
from types import ModuleType

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from ovseg_ros.msg import LabelMap
from ovseg_ros.nodes import qos, topics
from ovseg_ros.nodes.message_building import label_map_message
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import Vocabulary


def import_vision_messages() -> ModuleType | None:
    """Return `vision_msgs.msg`, or None where that package (or its LabelInfo) is not installed."""
    try:
        module = importlib.import_module("vision_msgs.msg")
    except ImportError:
        return None
    return module if hasattr(module, "LabelInfo") else None


class LabelPublisher:
    """Announces each vocabulary, and repeats it for subscribers without transient local."""

    def __init__(
        self, node: LifecycleNode, camera: str, segmenter: Segmenter, period_s: float
    ) -> None:
        """Create the publishers; the last announcement is repeated every `period_s`.

        `camera` is that whose masks the labels are for, `EVERY_CAMERA` for the node as a whole.
        """
        self._node = node
        self._segmenter = segmenter
        self._vision = import_vision_messages()
        self._label_map: LabelMap | None = None
        # Without it a repetition could follow, and replace, a newer announcement.
        self._lock = threading.Lock()
        self._labels = node.create_publisher(
            LabelMap, topics.private("labels", camera), qos.latched()
        )
        if self._vision is not None:
            self._label_info = node.create_publisher(
                self._vision.LabelInfo, topics.private("label_info", camera), qos.latched()
            )
        self._timer = node.create_timer(
            period_s,
            self._repeat,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def announce(self, vocabulary: Vocabulary) -> None:
        """Publish `vocabulary`, stamped with the moment at which it came into force."""
        header = Header(stamp=self._node.get_clock().now().to_msg())
        card, text_bank = self._segmenter.package.card, self._segmenter.text_bank
        label_map = label_map_message(header, vocabulary, text_bank, card.default_threshold)
        with self._lock:
            self._label_map = label_map
            self._publish(label_map)

    def _repeat(self) -> None:
        with self._lock:
            if self._label_map is not None:
                self._publish(self._label_map)

    def _publish(self, label_map: LabelMap) -> None:
        if self._vision is not None:
            self._label_info.publish(self._label_info_message(self._vision, label_map))
        self._labels.publish(label_map)

    def close(self) -> None:
        """Stop repeating and destroy the publishers."""
        with self._lock:
            self._label_map = None
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._labels)
        if self._vision is not None:
            self._node.destroy_publisher(self._label_info)

    def _label_info_message(self, vision: ModuleType, label_map: LabelMap) -> object:
        """Return the published labels as `vision_msgs/LabelInfo`, which knows no negatives."""
        classes = [
            vision.VisionClass(class_id=label.id, class_name=label.name)
            for label in label_map.labels
            if not label.negative
        ]
        threshold = self._segmenter.package.card.default_threshold
        return vision.LabelInfo(header=label_map.header, class_map=classes, threshold=threshold)
