"""A small drive bag made of drawn frames, with the topics of the demo drive."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

NAMES = {1: "sky", 2: "road", 3: "car", 4: "tree", 5: "building"}
COLORS = {
    1: (130, 180, 240),
    2: (90, 90, 90),
    3: (200, 30, 30),
    4: (30, 140, 40),
    5: (150, 110, 90),
}
DOMAINS = ("day", "night")
SIZE_PX = (240, 180)
_COMPRESSED, _STRING = "sensor_msgs/msg/CompressedImage", "std_msgs/msg/String"


def write_drive(path: Path, frames: int = 30, rate_hz: float = 15.0, truth: bool = True) -> Path:
    """Write the bag folder `path`: a car crosses a street, half of it by day, half by night."""
    types = get_typestore(Stores.ROS2_JAZZY)
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:

        def connect(topic: str, kind: str):
            return writer.add_connection(topic, kind, typestore=types)

        def write(connection, message, time_ns: int) -> None:
            raw = types.serialize_cdr(message, connection.msgtype)
            writer.write(connection, time_ns, raw)

        images = connect("/camera/image/compressed", _COMPRESSED)
        domains = connect("/ground_truth/domain", _STRING)
        if truth:
            labels = connect("/ground_truth/label_mask/compressed", _COMPRESSED)
            names = connect("/ground_truth/labels", _STRING)
            text = json.dumps({str(key): name for key, name in NAMES.items()})
            write(names, types.types[_STRING](text), 10**18)
        for index in range(frames):
            time_ns = 10**18 + round(index * 1e9 / rate_hz)
            half = index // max(1, frames // 2)
            if index % max(1, frames // 2) == 0 and half < len(DOMAINS):
                write(domains, types.types[_STRING](DOMAINS[half]), time_ns)
            ids = draw_ids(index)
            image = _encoded(Image.fromarray(paint(ids, index)), "JPEG")
            write(images, _message(types, time_ns, "jpeg", image), time_ns)
            if truth:
                mask = _encoded(Image.fromarray(ids), "PNG")
                write(labels, _message(types, time_ns, "png", mask), time_ns)
    return path


def draw_ids(index: int) -> np.ndarray:
    """Return the ground truth of a frame, uint8 [H, W] ids with a rim of 255."""
    image = Image.new("L", SIZE_PX, 1)
    draw = ImageDraw.Draw(image)
    width, height = SIZE_PX
    draw.rectangle((0, height // 2, width, height), fill=2)
    draw.rectangle((width * 2 // 3, height // 6, width, height // 2), fill=5)
    draw.ellipse((10, height // 4, 70, height * 3 // 5), fill=4)
    left = 5 * index % width
    draw.rectangle((left, height // 2, left + 50, height * 2 // 3), fill=3)
    ids = np.array(image)
    ids[:2] = 255
    return ids


def paint(ids: np.ndarray, seed: int) -> np.ndarray:
    """Return an image uint8 [H, W, 3] for `ids`, with noise so that no two frames are equal."""
    colors = np.zeros((256, 3), np.int16)
    for key, color in COLORS.items():
        colors[key] = color
    noise = np.random.default_rng(seed).integers(-20, 20, (*ids.shape, 3))
    return (colors[ids] + noise).clip(0, 255).astype(np.uint8)


def _message(types, time_ns: int, kind: str, data: np.ndarray):
    stamp = types.types["builtin_interfaces/msg/Time"](time_ns // 10**9, time_ns % 10**9)
    header = types.types["std_msgs/msg/Header"](stamp, "camera")
    return types.types[_COMPRESSED](header, kind, data)


def _encoded(image: Image.Image, kind: str) -> np.ndarray:
    stream = io.BytesIO()
    image.save(stream, kind)
    return np.frombuffer(stream.getvalue(), np.uint8)
