"""The frames of a plan as a bag to be played: images as they are in the source, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, MessageMaker
from ovseg_ros.bags.writer import BagWriter
from ovseg_ros.demo import topics
from ovseg_ros.demo.session import Playlist
from ovseg_ros.evaluation.drive import DEFAULT_RATE_HZ
from ovseg_ros.evaluation.folder_to_bag import FRAME_ID
from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.footage.reader import FrameReader
from ovseg_ros.evaluation.run.segment import Segment
from ovseg_ros.image_files import encode_png, read_rgb

_JPEG, _PNG = (".jpg", ".jpeg"), (".png",)


def write_playlist(path: Path, segments: Sequence[Segment]) -> Playlist:
    """Write the frames of `segments`, of one camera and in order, as the new bag `path`.

    Raises `OvsegError`.
    """
    with BagWriter(path) as bag:
        bag.declare(topics.CAMERA_RAW, IMAGE)
        bag.declare(topics.CAMERA_COMPRESSED, COMPRESSED_IMAGE)
        make = MessageMaker(bag.types, FRAME_ID)
        raw = False
        number = 0
        for segment in segments:
            with FrameReader(segment.source.path) as reader:
                for found in reader.encoded(segment.frames):
                    raw = hasattr(found, "encoding")
                    message = _of_file(make, found) if isinstance(found, Path) else found
                    topic = topics.CAMERA_RAW if raw else topics.CAMERA_COMPRESSED
                    bag.write(topic, message, number)
                    number += 1
    return Playlist(path, raw)


def own_rate_hz(frames: Sequence[FootageFrame]) -> float:
    """Return the rate at which frames were recorded, by their median step; that of a drive for
    files.
    """
    stamps = [frame.stamp_ns for frame in frames]
    steps = sorted(b - a for a, b in zip(stamps, stamps[1:], strict=False) if b > a)
    return 1e9 / steps[len(steps) // 2] if steps else DEFAULT_RATE_HZ


def _of_file(make: MessageMaker, path: Path) -> Any:
    """Return an image file as a message, PNG where it is of a format that the node does not take.

    A file that cannot be read is sent as it is: the node is to refuse it.
    """
    suffix = path.suffix.lower()
    if suffix in _JPEG:
        return make.compressed(0, "jpeg", path.read_bytes())
    if suffix in _PNG:
        return make.compressed(0, "png", path.read_bytes())
    return make.compressed(0, "png", encode_png(read_rgb(path)))
