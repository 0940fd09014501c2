"""The camera topic: raw or compressed images in, undecoded frames out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.image_messages import compressed_to_rgb, raw_to_rgb
from ovseg_ros.nodes import qos, topics
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.parameters import Transport
from ovseg_ros.nodes.statistics import Statistics
from ovseg_ros.segmentation import UInt8Array


class ImageInput:
    """Subscribes to one camera and hands every frame to `on_frame`."""

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        transport: Transport,
        statistics: Statistics,
        on_frame: Callable[[IncomingFrame], None],
    ) -> None:
        """Subscribe to the images of `camera`; `topic` is their full name, after remapping."""
        self._node = node
        self._statistics = statistics
        self._on_frame = on_frame
        self._last_stamp_ns = 0
        self._warned_backwards = False
        topic = topics.images(camera, transport)
        self.topic = node.resolve_topic_name(topic)
        compressed = transport is Transport.COMPRESSED
        self._subscription = node.create_subscription(
            CompressedImage if compressed else Image,
            topic,
            self._on_compressed if compressed else self._on_raw,
            qos.image_input(),
            callback_group=MutuallyExclusiveCallbackGroup(),
            qos_overriding_options=qos.overridable(),
            event_callbacks=qos.subscription_events(node.get_logger(), self.topic),
        )

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)

    def _on_raw(self, message: Image) -> None:
        self._accept(message, partial(raw_to_rgb, message))

    def _on_compressed(self, message: CompressedImage) -> None:
        self._accept(message, partial(compressed_to_rgb, message))

    def _accept(self, message: Image | CompressedImage, decode: Callable[[], UInt8Array]) -> None:
        frame = IncomingFrame(message.header, time.monotonic_ns(), decode)
        self._statistics.note_arrival()
        self._check_order(frame.stamp_ns)
        self._on_frame(frame)

    def _check_order(self, stamp_ns: int) -> None:
        """Notice a bag that starts over, or a clock that was set back; the frame is used anyway."""
        if 0 < stamp_ns < self._last_stamp_ns:
            self._statistics.note_stamp_backwards()
            if not self._warned_backwards:
                self._warned_backwards = True
                self._node.get_logger().warning(
                    f"stamps on {self.topic} went back by "
                    f"{(self._last_stamp_ns - stamp_ns) / 1e9:.3f} s, as a bag that starts over "
                    "does; frames are used as they come, ages are measured anew; "
                    "this is said once"
                )
        self._last_stamp_ns = stamp_ns
