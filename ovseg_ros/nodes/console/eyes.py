"""The console's eyes: camera, masks and confidences, subscribed to only while somebody looks."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import numpy as np
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.console.hub import Hub
from ovseg_ros.console.matching import Matcher
from ovseg_ros.console.moment import Moment, Picture
from ovseg_ros.console.settings import CameraTransport
from ovseg_ros.errors import FrameError
from ovseg_ros.image_messages import compressed_to_rgb, raw_to_rgb
from ovseg_ros.nodes import qos
from ovseg_ros.nodes.console.graph_names import GraphNames
from ovseg_ros.nodes.frames import stamp_ns

_LOOK_S = 0.1
# Reloading the page, or a look at another one, must not cost a new subscription.
_LINGER_S = 3.0
_JPEG_START = b"\xff\xd8\xff"
_PIXEL_TYPES = {"mono8": "u1", "8UC1": "u1", "mono16": "u2", "16UC1": "u2", "32FC1": "f4"}


class Eyes:
    """Puts what the camera saw and what the node made of it together, for the hub."""

    def __init__(self, node: Node, names: GraphNames, transport: CameraTransport, hub: Hub) -> None:
        """Subscribe to nothing yet; the hub tells whether somebody looks."""
        self._node, self._names, self._hub = node, names, hub
        self._wanted = transport
        # After remapping, which counting publishers does not do.
        self._raw, self._compressed = map(
            node.resolve_topic_name, (names.image, names.compressed_image)
        )
        self._opened: CameraTransport | None = None
        self._matcher = Matcher()
        self._subscriptions: list[Any] = []
        self._warned: set[str] = set()
        self._watched = threading.Event()
        self._unwatched_since_s = 0.0
        hub.on_watched = self._on_watched
        # Subscriptions come and go in the executor's thread; steady, as simulated time may stand.
        node.create_timer(_LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_watched(self, watched: bool) -> None:
        if watched:
            self._watched.set()
        else:
            self._unwatched_since_s = time.monotonic()
            self._watched.clear()

    def _look(self) -> None:
        if self._watched.is_set():
            transport = self._transport()
            if transport is not self._opened:
                self._close()
                self._open(transport)
        elif self._opened and time.monotonic() - self._unwatched_since_s > _LINGER_S:
            self._close()

    def _transport(self) -> CameraTransport:
        """Return what to subscribe to now: the camera may come up later than the console."""
        if self._wanted is not CameraTransport.AUTO:
            return self._wanted
        count = self._node.count_publishers
        compressed = not count(self._raw) and count(self._compressed)
        return CameraTransport.COMPRESSED if compressed else CameraTransport.RAW

    def _open(self, transport: CameraTransport) -> None:
        self._opened = transport
        subscribe, camera_qos = self._node.create_subscription, qos.image_input()
        if transport is CameraTransport.COMPRESSED:
            topic = self._names.compressed_image
            camera = subscribe(CompressedImage, topic, self._on_compressed, camera_qos)
        else:
            camera = subscribe(Image, self._names.image, self._on_raw, camera_qos)
        self._subscriptions = [
            camera,
            subscribe(Image, self._names.mask, self._on_mask, qos.image_output()),
            subscribe(Image, self._names.confidence, self._on_confidence, qos.image_output()),
        ]

    def _close(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []
        self._opened = None
        self._matcher.clear()

    def _on_raw(self, message: Image) -> None:
        self._on_picture(message, partial(raw_to_rgb, message), None)

    def _on_compressed(self, message: CompressedImage) -> None:
        start = bytes(memoryview(message.data)[: len(_JPEG_START)])
        jpeg = bytes(message.data) if start == _JPEG_START else None
        self._on_picture(message, partial(compressed_to_rgb, message), jpeg)

    def _on_picture(self, message: Any, decode: Any, jpeg: bytes | None) -> None:
        picture = Picture(message.header.frame_id, decode, len(message.data), jpeg)
        stamp = stamp_ns(message.header)
        self._show(self._matcher.add_picture(stamp, picture, time.monotonic()))

    def _on_mask(self, message: Image) -> None:
        mask = self._pixels(message)
        if mask is not None:
            stamp = stamp_ns(message.header)
            self._show(self._matcher.add_mask(stamp, mask, time.monotonic()))

    def _on_confidence(self, message: Image) -> None:
        confidence = self._pixels(message)
        if confidence is not None:
            self._show(self._matcher.add_confidence(stamp_ns(message.header), confidence))

    def _show(self, moment: Moment | None) -> None:
        if moment is not None:
            self._hub.moments.put(moment)

    def _pixels(self, message: Image) -> Any:
        try:
            return pixels_of(message)
        except FrameError as error:
            if message.encoding not in self._warned:
                self._warned.add(message.encoding)
                self._node.get_logger().warning(f"{error}; this is said once")
            return None


def pixels_of(message: Image) -> Any:
    """Return a mask or a confidence as [H, W] uint8, uint16 or float32.

    Raises `FrameError` for an encoding that the node does not send, or too little data.
    """
    kind = _PIXEL_TYPES.get(message.encoding)
    if kind is None:
        raise FrameError(
            f"a mask came as {ascii(message.encoding[:40])}; {', '.join(_PIXEL_TYPES)} were wanted"
        )
    dtype = np.dtype(kind).newbyteorder(">" if message.is_bigendian else "<")
    width, height, step = message.width, message.height, message.step
    if min(width, height) < 1 or step < width * dtype.itemsize or len(message.data) < step * height:
        raise FrameError(f"a mask of {width}x{height} px came with {len(message.data)} bytes")
    rows = np.frombuffer(message.data, np.uint8, step * height).reshape(height, step)
    return rows[:, : width * dtype.itemsize].view(dtype)
