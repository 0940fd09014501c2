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
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from ovseg_ros.bags.camera_info import CameraInfo
from ovseg_ros.bags.messages import CAMERA_INFO, COMPRESSED_IMAGE, STRING, MessageMaker
from ovseg_ros.bags.writer import BagWriter
from ovseg_ros.evaluation.folder_to_bag import FIRST_STAMP_NS, FRAME_ID
from ovseg_ros.evaluation.topics import (
    CAMERA_INFO_TOPIC,
    DEPTH_TOPIC,
    DOMAIN_TOPIC,
    IMAGE_TOPICS,
    NAMES_TOPIC,
    TRUTH_TOPICS,
)
from ovseg_train.world.camera import Intrinsics
from ovseg_train.world.drive import DriveFrame, DrivePlan, drive_frames
from ovseg_train.world.nouns import IGNORE_ID, NOUNS

IMAGE_TOPIC = IMAGE_TOPICS[COMPRESSED_IMAGE]
INFO_TOPIC = CAMERA_INFO_TOPIC
MASK_TOPIC = TRUTH_TOPICS[COMPRESSED_IMAGE]
LABELS_TOPIC = NAMES_TOPIC

_TYPES = {
    IMAGE_TOPIC: COMPRESSED_IMAGE,
    INFO_TOPIC: CAMERA_INFO,
    DEPTH_TOPIC: COMPRESSED_IMAGE,
    MASK_TOPIC: COMPRESSED_IMAGE,
    LABELS_TOPIC: STRING,
    DOMAIN_TOPIC: STRING,
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
    total = 4 * plan.frames_per_look
    look = None
    with BagWriter(out) as bag:
        for topic, kind in _TYPES.items():
            bag.declare(topic, kind, latched=topic in _LATCHED)
        make = MessageMaker(bag.types, FRAME_ID)
        for view in track(drive_frames(plan), "rendering the drive", total=total):
            time_ns = FIRST_STAMP_NS + view.time_ns
            if look is None:
                bag.write(LABELS_TOPIC, make.text(json.dumps(label_names())), time_ns)
            if view.look is not look:
                look = view.look
                bag.write(DOMAIN_TOPIC, make.text(look.value), time_ns)
            _write_view(bag, make, view, quality, with_depth=view.index % depth_every == 0)


def _write_view(
    bag: BagWriter, make: MessageMaker, view: DriveFrame, quality: int, with_depth: bool
) -> None:
    """Write the messages of one camera period, all with the same stamp."""
    time_ns, frame = FIRST_STAMP_NS + view.time_ns, view.frame
    jpeg = encode_image(frame.rgb, "JPEG", quality=quality)
    bag.write(IMAGE_TOPIC, make.compressed(time_ns, "rgb8; jpeg compressed bgr8", jpeg), time_ns)
    bag.write(INFO_TOPIC, make.camera_info(time_ns, camera_info(view.intrinsics)), time_ns)
    mask = encode_image(mask_from_labels(frame.labels), "PNG", optimize=True)
    bag.write(MASK_TOPIC, make.compressed(time_ns, "mono8; png compressed mono8", mask), time_ns)
    if with_depth:
        depth = encode_image(depth_millimetres(frame.depth_m), "PNG", optimize=True)
        message = make.compressed(time_ns, "16UC1; png compressed 16UC1", depth)
        bag.write(DEPTH_TOPIC, message, time_ns)


def camera_info(camera: Intrinsics) -> CameraInfo:
    """Return the calibration of an undistorted pinhole camera."""
    (cx, cy), f = camera.centre_px, camera.focal_px
    return CameraInfo(
        width_px=camera.width_px,
        height_px=camera.height_px,
        distortion_model="plumb_bob",
        d=(0,) * 5,
        k=(f, 0, cx, 0, f, cy, 0, 0, 1),
        r=(1, 0, 0, 0, 1, 0, 0, 0, 1),
        p=(f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1, 0),
    )


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


def encode_image(image: np.ndarray, kind: str, **options: int) -> bytes:
    """Return an image as the bytes of a file of a format that Pillow knows."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()
