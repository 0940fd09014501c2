"""A small bag of several cameras, raw images, each with a mask topic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from generated_drive import draw_ids, paint

from ovseg_ros.bags.messages import IMAGE, MessageMaker
from ovseg_ros.bags.writer import BagWriter

SECOND = 10**9


def write_cameras(
    path: Path,
    cameras: Sequence[str] = ("/left", "/right"),
    frames: int = 4,
    truth: bool = True,
    stamps: Sequence[int] | None = None,
) -> Path:
    """Write raw images of several cameras, each with a mask topic of its own."""
    with BagWriter(path) as bag:
        make = MessageMaker(bag.types, "optical")
        for camera in cameras:
            bag.declare(camera, IMAGE)
            bag.declare(f"{camera}/mask", IMAGE)
        for index in range(frames):
            stamp = stamps[index] if stamps else SECOND + index * SECOND // 10
            for offset, camera in enumerate(cameras):
                ids = draw_ids(index + 10 * offset)
                time_ns = SECOND + index * SECOND // 10
                image = make.image(stamp, paint(ids, index))
                bag.write(camera, image, time_ns)
                if truth:
                    bag.write(f"{camera}/mask", make.image(stamp, ids), time_ns + 5)
    return path
