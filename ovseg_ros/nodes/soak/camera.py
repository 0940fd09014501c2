"""The camera of a soak: a good one most of the time, and each kind of bad one in turn."""

from __future__ import annotations

import argparse
import array
import itertools
import random
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from ovseg_ros.bench.soak.faults import OF_THE_CAMERA, Fault, PlannedFault
from ovseg_ros.bench.soak.frame_claim import GARBAGE_ID, FrameClaim
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.evaluation.drive import open_drive
from ovseg_ros.image_files import decode_rgb
from ovseg_ros.nodes.demo.process import ros_node
from ovseg_ros.nodes.soak.timeline import Timeline
from ovseg_ros.nodes.stop_signals import StopRequest
from ovseg_ros.segmentation import UInt8Array

SIZES_PX = ((640, 480), (320, 240), (800, 600))
ENCODINGS = ("rgb8", "bgr8", "rgba8", "mono8")
_FRAMES = 12
_STALL_S = (2.0, 4.0)
_TROUBLE_S = 2.0
_FLOOD_FACTOR = 10


class SoakCamera:
    """Publishes frames of a drive; what they look like, and how fast they come, changes."""

    def __init__(self, node: Node, drive: Path, rate_hz: float) -> None:
        """Decode some frames of the drive."""
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        self._publisher = node.create_publisher(Image, topics.CAMERA_RAW, qos)
        frames = open_drive(drive).frames
        step = max(1, len(frames) // _FRAMES)
        self._pictures = [decode_rgb(frame.image) for frame in frames[::step]][:_FRAMES]
        self._prepared = cache(self._prepare)
        self._numbers = itertools.count()
        self._rate_hz = rate_hz
        self._size_px, self._encoding = SIZES_PX[0], ENCODINGS[0]

    def play(self, timeline: Timeline, stop: StopRequest) -> None:
        """Publish until told to stop, with the faults of `timeline`."""
        for due_s in self._moments(self._rate_hz):
            if stop.wait(max(0.0, due_s - time.monotonic())):
                return
            self._send_good()
            planned = timeline.take_due()
            if planned is not None:
                self._make(planned, stop)

    def _moments(self, rate_hz: float) -> Iterator[float]:
        """Yield when to publish, on the monotonic clock; after a pause it goes on from there."""
        due_s = time.monotonic()
        while True:
            yield due_s
            due_s = max(due_s + 1 / rate_hz, time.monotonic() - 1 / rate_hz)

    def _make(self, planned: PlannedFault, stop: StopRequest) -> None:
        source, began_ns = random.Random(planned.seed), time.time_ns()
        match planned.fault:
            case Fault.STALL:
                stop.wait(source.uniform(*_STALL_S))
            case Fault.RESIZE:
                self._size_px = source.choice([s for s in SIZES_PX if s != self._size_px])
            case Fault.REENCODE:
                self._encoding = source.choice([e for e in ENCODINGS if e != self._encoding])
            case Fault.GARBAGE:
                self._mix_in_garbage(source, stop)
            case _:
                self._flood(stop)
        emit(EventKind.FAULT, fault=planned.fault.value, began_ns=began_ns, ended_ns=time.time_ns())

    def _mix_in_garbage(self, source: random.Random, stop: StopRequest) -> None:
        end_s = time.monotonic() + _TROUBLE_S
        for due_s in self._moments(2 * self._rate_hz):
            if stop.wait(max(0.0, due_s - time.monotonic())) or due_s > end_s:
                return
            self._publisher.publish(garbage(source))
            self._send_good()

    def _flood(self, stop: StopRequest) -> None:
        end_s = time.monotonic() + _TROUBLE_S
        for due_s in self._moments(_FLOOD_FACTOR * self._rate_hz):
            if stop.wait(max(0.0, due_s - time.monotonic())) or due_s > end_s:
                return
            self._send_good()

    def _send_good(self) -> None:
        number = next(self._numbers) % len(self._pictures)
        message = self._prepared(number, self._size_px, self._encoding)
        stamp_ns = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        message.header.frame_id = str(FrameClaim(*self._size_px, stamp_ns))
        self._publisher.publish(message)

    def _prepare(self, number: int, size_px: tuple[int, int], encoding: str) -> Image:
        picture = np.asarray(PillowImage.fromarray(self._pictures[number]).resize(size_px))
        pixels = encoded(picture, encoding)
        message = Image(width=size_px[0], height=size_px[1], encoding=encoding)
        message.step = pixels.nbytes // size_px[1]
        message.data = array.array("B", pixels.tobytes())
        return message


def encoded(picture: UInt8Array, encoding: str) -> UInt8Array:
    """Return an RGB picture, uint8 [H, W, 3], in one of `ENCODINGS`, uint8 [H, W, C]."""
    match encoding:
        case "bgr8":
            return picture[:, :, ::-1]
        case "rgba8":
            opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
            return np.concatenate([picture, opaque], axis=2)
        case "mono8":
            return picture[:, :, 1:2]
        case _:
            return picture


def garbage(source: random.Random) -> Image:
    """Return a message that is no image."""
    width, height = source.choice(SIZES_PX)
    message = Image(width=width, height=height, encoding="rgb8", step=3 * width)
    message.header.frame_id = GARBAGE_ID
    message.header.stamp.sec = int(time.time())
    kind = source.randrange(5)
    data = source.randbytes(3 * width * 10)
    if kind == 0:
        message.encoding = source.choice(("", "rgb9", "nv12\x00", "32FC7", "x" * 1000))
    elif kind == 1:
        message.step = source.choice((0, 1, 2**32 - 1))
    elif kind == 2:
        message.width, message.height = 2**32 - 1, 2**32 - 1
    elif kind == 3:
        message.width, message.height, data = 0, 0, b""
    message.data = array.array("B", data)
    return message


def main() -> int:
    """Play until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drive", type=Path, required=True)
    parser.add_argument("--rate-hz", type=float, required=True)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--go", type=Path, required=True)
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("soak_camera") as (node, _):
        camera = SoakCamera(node, arguments.drive, arguments.rate_hz)
        timeline = Timeline(arguments.plan, arguments.go, OF_THE_CAMERA)
        emit(EventKind.READY)
        camera.play(timeline, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
