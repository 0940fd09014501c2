"""A drive: what the demo's camera plays, from a bag with ground truth or a folder of images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.errors import MissingExtraError, OvsegError
from ovseg_ros.image_files import encode_jpeg, find_images, read_rgb
from ovseg_ros.packages import package_roots

IMAGE_TOPIC = "/camera/image/compressed"
TRUTH_TOPIC = "/ground_truth/label_mask/compressed"
NAMES_TOPIC = "/ground_truth/labels"
DOMAIN_TOPIC = "/ground_truth/domain"
DEFAULT_RATE_HZ = 15.0


@dataclass(frozen=True)
class DriveFrame:
    """One frame: `image` as JPEG bytes, `truth` as a mono8 PNG of noun ids where there is one."""

    image: bytes
    truth: bytes | None
    domain: str

    @property
    def key(self) -> bytes:
        """A digest by which the frame is known again when it comes back from a topic."""
        return frame_key(self.image)


@dataclass(frozen=True)
class Drive:
    """All frames of a drive in order; `names` maps ground-truth ids to nouns, 255 excluded."""

    name: str
    frames: tuple[DriveFrame, ...]
    names: dict[int, str]
    rate_hz: float

    @property
    def duration_s(self) -> float:
        """How long one pass takes, seconds."""
        return len(self.frames) / self.rate_hz


def frame_key(image: bytes) -> bytes:
    """Return the digest of the compressed bytes of a frame."""
    return hashlib.blake2b(image, digest_size=16).digest()


def default_bag() -> Path:
    """Return the folder of the drive that comes with the project; raises `OvsegError`."""
    for root in package_roots():
        if (root / "demo" / "drive" / "metadata.yaml").is_file():
            return root / "demo" / "drive"
    raise OvsegError("the drive that comes with ovseg_ros (engines/demo/drive) is not installed")


def open_drive(path: Path) -> Drive:
    """Open a bag (a folder with metadata.yaml) or a folder of images; raises `OvsegError`."""
    if (path / "metadata.yaml").is_file():
        return drive_from_bag(path)
    return drive_from_images(path)


def drive_from_images(folder: Path, rate_hz: float = DEFAULT_RATE_HZ) -> Drive:
    """Return a drive without ground truth that shows the images of `folder` in order of name."""
    frames = tuple(
        DriveFrame(encode_jpeg(read_rgb(path)), None, "unknown")
        for path in find_images([str(folder)])
    )
    return Drive(folder.name, frames, {}, rate_hz)


def drive_from_bag(path: Path) -> Drive:
    """Read the camera's JPEG frames of a bag, with ground truth and domain where it has them.

    An image and its ground truth are paired by header stamp. Raises `OvsegError` for a bag that
    cannot be read or has no images, `MissingExtraError` without rosbags.
    """
    images: list[tuple[int, int, bytes]] = []
    truths: dict[int, bytes] = {}
    domains: list[tuple[int, str]] = []
    names: dict[int, str] = {}
    wanted = (IMAGE_TOPIC, TRUTH_TOPIC, NAMES_TOPIC, DOMAIN_TOPIC)
    for topic, time_ns, message in read_messages(path, wanted):
        if topic == IMAGE_TOPIC:
            images.append((time_ns, stamp_ns_of(message), message.data.tobytes()))
        elif topic == TRUTH_TOPIC:
            truths[stamp_ns_of(message)] = message.data.tobytes()
        elif topic == NAMES_TOPIC:
            names = {int(key): str(name) for key, name in json.loads(message.data).items()}
        else:
            domains.append((time_ns, message.data))
    if not images:
        raise OvsegError(f"the bag {path} has no images on {IMAGE_TOPIC}; record that topic")
    frames = tuple(
        DriveFrame(data, truths.get(stamp_ns), _domain_at(time_ns, domains))
        for time_ns, stamp_ns, data in images
    )
    return Drive(path.name, frames, names, _rate_hz([time_ns for time_ns, _, _ in images]))


def read_messages(path: Path, wanted: Sequence[str]) -> Iterator[tuple[str, int, Any]]:
    """Yield (topic, time in ns, message) of the `wanted` topics of a bag, in order of time.

    Raises `OvsegError` where the bag cannot be read and `MissingExtraError` without rosbags.
    """
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        raise MissingExtraError("rosbags", "cpu") from None
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
            connections = [c for c in reader.connections if c.topic in wanted]
            for connection, time_ns, raw in reader.messages(connections) if connections else ():
                yield connection.topic, time_ns, reader.deserialize(raw, connection.msgtype)
    except (AnyReaderError, OSError, ValueError) as error:
        raise OvsegError(f"{path} cannot be read as a bag: {error}") from None


def stamp_ns_of(message: Any) -> int:
    """Return the header stamp of a message in ns."""
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def _domain_at(time_ns: int, domains: list[tuple[int, str]]) -> str:
    known = [name for since_ns, name in domains if since_ns <= time_ns]
    return known[-1] if known else "unknown"


def _rate_hz(times_ns: list[int]) -> float:
    if len(times_ns) < 2 or times_ns[-1] <= times_ns[0]:
        return DEFAULT_RATE_HZ
    # The median step: a drive may have been cut together from several scenes.
    steps = sorted(b - a for a, b in zip(times_ns, times_ns[1:], strict=False))
    return 1e9 / max(1, steps[len(steps) // 2])
