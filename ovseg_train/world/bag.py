"""Writing the demo drive as a ROS 2 bag (rosbag2, mcap) with its ground truth.

    /camera/image/compressed             sensor_msgs/CompressedImage   JPEG
    /camera/camera_info                  sensor_msgs/CameraInfo        pinhole, no distortion
    /camera/depth/compressed             sensor_msgs/CompressedImage   PNG 16UC1, mm (REP 118)
    /ground_truth/label_mask/compressed  sensor_msgs/CompressedImage   PNG mono8, noun id + 1
    /ground_truth/labels                 std_msgs/String               {"id": "name"}, once
    /ground_truth/domain                 std_msgs/String               look, at every change

Masks follow the ids of the node: 0 = no label, 255 = not evaluated.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track

from ovseg_train.world.camera import Intrinsics
from ovseg_train.world.drive import DriveFrame, DrivePlan, drive_frames
from ovseg_train.world.nouns import IGNORE_ID, NOUNS

IMAGE_TOPIC = "/camera/image/compressed"
INFO_TOPIC = "/camera/camera_info"
DEPTH_TOPIC = "/camera/depth/compressed"
MASK_TOPIC = "/ground_truth/label_mask/compressed"
LABELS_TOPIC = "/ground_truth/labels"
DOMAIN_TOPIC = "/ground_truth/domain"

FRAME_ID = "camera_optical_frame"
FIRST_STAMP_NS = 1_767_268_800 * 10**9
"""An arbitrary fixed start, so that the same plan gives the same stamps."""

_TYPES = {
    IMAGE_TOPIC: "sensor_msgs/msg/CompressedImage",
    INFO_TOPIC: "sensor_msgs/msg/CameraInfo",
    DEPTH_TOPIC: "sensor_msgs/msg/CompressedImage",
    MASK_TOPIC: "sensor_msgs/msg/CompressedImage",
    LABELS_TOPIC: "std_msgs/msg/String",
    DOMAIN_TOPIC: "std_msgs/msg/String",
}
_LATCHED = (LABELS_TOPIC, DOMAIN_TOPIC)


def write_drive_bag(plan: DrivePlan, out: Path, depth_every: int = 10, quality: int = 80) -> None:
    """Render a drive and write it as a bag folder, complete or not at all.

    Args:
        plan: what to render.
        out: the bag's folder, not there yet; the file inside takes its name.
        depth_every: every how many frames depth is written.
        quality: JPEG quality, 1..95.

    Raises:
        FileExistsError: the folder is there.
        RenderingUnavailableError: MuJoCo or its software rendering is missing.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists; remove it or give another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".partial-") as partial:
        _write(plan, Path(partial) / out.name, depth_every, quality)
        os.replace(Path(partial) / out.name, out)


def _write(plan: DrivePlan, folder: Path, depth_every: int, quality: int) -> None:
    total = 4 * plan.frames_per_look
    look = None
    with _BagWriter(folder) as bag:
        for view in track(drive_frames(plan), "rendering the drive", total=total):
            if look is None:
                bag.write_string(LABELS_TOPIC, view.time_ns, json.dumps(label_names()))
            if view.look is not look:
                look = view.look
                bag.write_string(DOMAIN_TOPIC, view.time_ns, look.value)
            _write_view(bag, view, quality, with_depth=view.index % depth_every == 0)


def _write_view(bag: _BagWriter, view: DriveFrame, quality: int, with_depth: bool) -> None:
    """Write the messages of one camera period, all with the same stamp."""
    time_ns, frame = view.time_ns, view.frame
    jpeg = encode_image(frame.rgb, "JPEG", quality=quality)
    bag.write_image(IMAGE_TOPIC, time_ns, "rgb8; jpeg compressed bgr8", jpeg)
    bag.write_info(time_ns, view.intrinsics)
    mask = encode_image(mask_from_labels(frame.labels), "PNG", optimize=True)
    bag.write_image(MASK_TOPIC, time_ns, "mono8; png compressed mono8", mask)
    if with_depth:
        depth = encode_image(depth_millimetres(frame.depth_m), "PNG", optimize=True)
        bag.write_image(DEPTH_TOPIC, time_ns, "16UC1; png compressed 16UC1", depth)


def label_names() -> dict[str, str]:
    """The ids used in the masks and their names."""
    return {str(index + 1): noun for index, noun in enumerate(NOUNS)}


def mask_from_labels(labels: np.ndarray) -> np.ndarray:
    """Shift noun ids by one, since 0 means "no label" on topics; 255 stays.

    Args:
        labels: uint8 [H, W].

    Returns:
        uint8 [H, W].
    """
    return np.where(labels == IGNORE_ID, IGNORE_ID, labels + 1).astype(np.uint8)


def depth_millimetres(depth_m: np.ndarray) -> np.ndarray:
    """Depth as REP 118 stores it in 16UC1: millimetres, 0 = no measurement.

    Args:
        depth_m: float32 [H, W]; inf where nothing was hit.

    Returns:
        uint16 [H, W]; what is beyond 65.535 m is 0.
    """
    millimetres = np.round(depth_m * 1000)
    return np.where(millimetres <= 65535, millimetres, 0).astype(np.uint16)


def encode_image(image: np.ndarray, kind: str, **options: int) -> np.ndarray:
    """Compress an image; returns the file as uint8 [bytes]."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return np.frombuffer(buffer.getvalue(), np.uint8)


class _BagWriter:
    """A rosbag2 writer with one method per kind of message."""

    def __init__(self, folder: Path) -> None:
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.typesys import Stores, get_typestore

        self._store = get_typestore(Stores.ROS2_HUMBLE)
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        self._connections: dict[str, Any] = {}

    def __enter__(self) -> _BagWriter:
        self._writer.open()
        for topic, kind in _TYPES.items():
            self._connections[topic] = self._writer.add_connection(
                topic,
                kind,
                typestore=self._store,
                offered_qos_profiles=[_offered_qos(latched=topic in _LATCHED)],
            )
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def write_string(self, topic: str, time_ns: int, text: str) -> None:
        """Write a std_msgs/String."""
        self._put(topic, time_ns, self._type("std_msgs/msg/String")(data=text))

    def write_image(self, topic: str, time_ns: int, format_name: str, data: np.ndarray) -> None:
        """Write a sensor_msgs/CompressedImage."""
        kind = self._type("sensor_msgs/msg/CompressedImage")
        self._put(topic, time_ns, kind(self._header(time_ns), format_name, data))

    def write_info(self, time_ns: int, camera: Intrinsics) -> None:
        """Write a sensor_msgs/CameraInfo of an undistorted pinhole camera."""
        (cx, cy), f = camera.centre_px, camera.focal_px
        region = self._type("sensor_msgs/msg/RegionOfInterest")(0, 0, 0, 0, False)
        message = self._type("sensor_msgs/msg/CameraInfo")(
            header=self._header(time_ns),
            height=camera.height_px,
            width=camera.width_px,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=np.array([f, 0, cx, 0, f, cy, 0, 0, 1]),
            r=np.eye(3).ravel(),
            p=np.array([f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1, 0]),
            binning_x=0,
            binning_y=0,
            roi=region,
        )
        self._put(INFO_TOPIC, time_ns, message)

    def _put(self, topic: str, time_ns: int, message: Any) -> None:
        raw = self._store.serialize_cdr(message, _TYPES[topic])
        self._writer.write(self._connections[topic], FIRST_STAMP_NS + time_ns, raw)

    def _header(self, time_ns: int) -> Any:
        seconds, nanoseconds = divmod(FIRST_STAMP_NS + time_ns, 10**9)
        stamp = self._type("builtin_interfaces/msg/Time")(seconds, nanoseconds)
        return self._type("std_msgs/msg/Header")(stamp, FRAME_ID)

    def _type(self, name: str) -> Any:
        return self._store.types[name]


def _offered_qos(latched: bool) -> Any:
    """Reliable and volatile for streams; reliable and transient local for latched topics."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    forever = QosTime(2147483647, 4294967295)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )
