"""The demo's recorder: hears everything the node says, judges and scores it, and keeps a bag."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.bags.reader import stamp_ns_of
from ovseg_ros.bags.rosidl_types import definitions_of, kind_of_class
from ovseg_ros.bags.writer import BagWriter
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.demo.recording import SETTLE_NS, Recording
from ovseg_ros.evaluation.drive import frame_key, open_drive
from ovseg_ros.msg import LabelMap, SegmentationStatus
from ovseg_ros.nodes.demo.hearing import (
    LATCHED,
    RELIABLE,
    is_mask,
    label_map_record,
    mask_record,
)
from ovseg_ros.nodes.demo.process import ros_node, spin_while
from ovseg_ros.nodes.message_reading import status_as_json
from ovseg_ros.nodes.stop_signals import StopRequest
from ovseg_ros.output import write_json
from ovseg_ros.segmenter import EVERY_CAMERA

_TICK_S = 1.0
Handler = Callable[[bytes, dict[str, int]], None]


class Recorder:
    """Subscribes to the node's topics, and to the camera where there is a drive to score."""

    def __init__(
        self,
        node: Node,
        recording: Recording,
        bag: BagWriter | None,
        camera: bool,
        confidence: bool,
        names: Sequence[str] = (EVERY_CAMERA,),
    ) -> None:
        """Also hear `camera` and `confidence` where wanted; a benchmark hears masks only.

        `names` are those of the cameras on the node.
        """
        self._node, self._recording, self._bag = node, recording, bag
        self.statuses: list[dict[str, Any]] = []
        self._subscribe(LabelMap, topics.LABELS, LATCHED, self._on_labels)
        self._masks = [
            self._subscribe(Image, topics.masks(name), RELIABLE, partial(self._on_mask, name))
            for name in names
        ]
        if camera:
            self._subscribe(
                CompressedImage, topics.CAMERA_COMPRESSED, RELIABLE, self._on_camera_image
            )
        for name in names if confidence else ():
            self._subscribe(Image, topics.confidences(name), RELIABLE, lambda raw, info: None)
        # Subscriptions become known over there in this order, so a status that arrives proves that
        # the node knows the others too.
        self._subscribe(SegmentationStatus, topics.STATUS, RELIABLE, self._on_status)
        node.create_timer(_TICK_S, self._tick)

    @property
    def connected(self) -> bool:
        """Whether no mask can be lost any more because the two processes do not know each other."""
        return bool(self.statuses) and all(m.get_publisher_count() > 0 for m in self._masks)

    def _subscribe(self, kind: Any, topic: str, qos: QoSProfile, handler: Handler) -> Any:
        def on_message(raw: Any, info: Any) -> None:
            if self._bag is not None:
                self._bag.write_raw(topic, raw, info["received_timestamp"])
            handler(raw, info)

        if self._bag is not None:
            name, definitions = kind_of_class(kind), definitions_of(kind)
            self._bag.declare(topic, name, definitions, latched=qos is LATCHED)
        return self._node.create_subscription(kind, topic, on_message, qos, raw=True)

    def _on_camera_image(self, raw: bytes, info: dict[str, int]) -> None:
        message = deserialize_message(raw, CompressedImage)
        self._recording.on_frame(stamp_ns_of(message), frame_key(message.data.tobytes()))

    def _on_labels(self, raw: bytes, info: dict[str, int]) -> None:
        message = deserialize_message(raw, LabelMap)
        self._recording.on_labels(label_map_record(message, info))

    def _on_mask(self, camera: str, raw: bytes, info: dict[str, int]) -> None:
        message = deserialize_message(raw, Image)
        well_formed = is_mask(message)
        mask = np.frombuffer(message.data, np.uint8)
        if well_formed:
            mask = mask.reshape(message.height, message.width)
        self._recording.on_mask(mask_record(message, info, well_formed, camera), mask)

    def _on_status(self, raw: bytes, info: dict[str, int]) -> None:
        message = deserialize_message(raw, SegmentationStatus)
        values = status_as_json(message)
        self.statuses.append({"time_ns": info["source_timestamp"], **values})

    def _tick(self) -> None:
        now_ns = time.time_ns()
        self._recording.settle(now_ns)
        status = self.statuses[-1] if self.statuses else None
        emit(EventKind.TICK, time_ns=now_ns, status=status, **self._recording.take_second())


def main() -> int:
    """Record until stopped, then write what was found to --result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drive", type=Path, help="score against the ground truth of this drive")
    parser.add_argument("--confidence", action="store_true", help="hear the confidence as well")
    parser.add_argument("--camera", action="append", help="a camera of the node; again for more")
    parser.add_argument("--bag", type=Path, help="keep what was heard in this new bag")
    parser.add_argument("--result", type=Path, required=True, help="JSON to write at the end")
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("demo_recorder") as (node, executor):
        drive = open_drive(arguments.drive) if arguments.drive else None
        bag = BagWriter(arguments.bag) if arguments.bag else None
        recording = Recording(drive)
        confidence = arguments.confidence or drive is not None
        names = arguments.camera or (EVERY_CAMERA,)
        recorder = Recorder(node, recording, bag, drive is not None, confidence, names)
        spin_while(executor, lambda: not recorder.connected and not stop)
        emit(EventKind.READY)
        spin_while(executor, lambda: not stop)
        until = time.monotonic() + SETTLE_NS / 1e9
        spin_while(executor, lambda: time.monotonic() < until)
        recording.finish()
        if bag is not None:
            bag.close()
        write_json(arguments.result, {**recording.result(), "statuses": recorder.statuses})
    return 0


if __name__ == "__main__":
    sys.exit(main())
