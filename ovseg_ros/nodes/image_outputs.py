"""Publishes what was segmented: mask, confidence and overlay, each only for its subscribers."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ovseg_ros.nodes import qos, topics
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.message_building import confidence_message, mask_message, overlay_message
from ovseg_ros.nodes.parameters import Settings
from ovseg_ros.nodes.revision_gate import RevisionGate
from ovseg_ros.segmentation import Segmentation, UInt8Array

_NAMES = ("label_mask", "confidence", "overlay")


class ImageOutputs:
    """The image topics for one camera. Every message carries the header of its frame, unchanged."""

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        gate: RevisionGate,
        settings: Callable[[], Settings],
    ) -> None:
        """Create the publishers; `gate` stops the masks of a query that is no longer in force."""
        self._node = node
        self._gate = gate
        self._settings = settings
        self._last_header = Header()
        # Cameras and reports ask `wanted` from other threads than the one that closes.
        self._lock = threading.Lock()
        self._open = True
        self._mask, self._confidence, self._overlay = (
            node.create_publisher(
                Image,
                topic,
                qos.image_output(),
                qos_overriding_options=qos.overridable(),
                event_callbacks=qos.publisher_events(
                    node.get_logger(), node.resolve_topic_name(topic)
                ),
            )
            for topic in (topics.private(name, camera) for name in _NAMES)
        )

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes to any of the images."""
        publishers = (self._mask, self._confidence, self._overlay)
        with self._lock:
            return self._open and any(p.get_subscription_count() for p in publishers)

    @property
    def last_header(self) -> Header:
        """The header of the last published frame; stamp 0 before the first one."""
        return self._last_header

    def publish(self, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation) -> bool:
        """Publish what is subscribed to; return False if the query has changed meanwhile."""
        header, settings = frame.header, self._settings()
        messages = []
        if self._mask.get_subscription_count():
            messages.append((self._mask, mask_message(header, segmentation.label_mask)))
        if self._confidence.get_subscription_count():
            encoding = settings.output_confidence_encoding
            confidence = confidence_message(header, segmentation.confidence, encoding)
            messages.append((self._confidence, confidence))
        if self._overlay.get_subscription_count():
            overlay = segmentation.overlay(image, settings.output_overlay_opacity)
            messages.append((self._overlay, overlay_message(header, overlay)))

        def send() -> None:
            for publisher, message in messages:
                publisher.publish(message)
            self._last_header = header

        return self._gate.release(segmentation.vocabulary, send)

    def close(self) -> None:
        """Destroy the publishers; the inference thread must have ended."""
        with self._lock:
            self._open = False
        for publisher in (self._mask, self._confidence, self._overlay):
            self._node.destroy_publisher(publisher)
