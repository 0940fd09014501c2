"""A drive: what the demo's camera plays, from a bag with ground truth or a folder of images."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.bags.messages import COMPRESSED_IMAGE
from ovseg_ros.bags.reader import is_bag, read_messages, stamp_ns_of
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.topics import DOMAIN_TOPIC, IMAGE_TOPICS, NAMES_TOPIC, TRUTH_TOPICS
from ovseg_ros.image_files import encode_jpeg, find_images, read_rgb
from ovseg_ros.packages import package_roots

_IMAGE_TOPIC = IMAGE_TOPICS[COMPRESSED_IMAGE]
_TRUTH_TOPIC = TRUTH_TOPICS[COMPRESSED_IMAGE]
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
    """Open a bag (a folder or a bare file) or a folder of images; raises `OvsegError`."""
    if is_bag(path):
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
    wanted = (_IMAGE_TOPIC, _TRUTH_TOPIC, NAMES_TOPIC, DOMAIN_TOPIC)
    for topic, time_ns, message in read_messages(path, wanted):
        if topic == _IMAGE_TOPIC:
            images.append((time_ns, stamp_ns_of(message), message.data.tobytes()))
        elif topic == _TRUTH_TOPIC:
            truths[stamp_ns_of(message)] = message.data.tobytes()
        elif topic == NAMES_TOPIC:
            names = {int(key): str(name) for key, name in json.loads(message.data).items()}
        else:
            domains.append((time_ns, message.data))
    if not images:
        raise OvsegError(f"the bag {path} has no images on {_IMAGE_TOPIC}; record that topic")
    frames = tuple(
        DriveFrame(data, truths.get(stamp_ns), _domain_at(time_ns, domains))
        for time_ns, stamp_ns, data in images
    )
    return Drive(path.name, frames, names, _rate_hz([time_ns for time_ns, _, _ in images]))


def _domain_at(time_ns: int, domains: list[tuple[int, str]]) -> str:
    known = [name for since_ns, name in domains if since_ns <= time_ns]
    return known[-1] if known else "unknown"


def _rate_hz(times_ns: list[int]) -> float:
    if len(times_ns) < 2 or times_ns[-1] <= times_ns[0]:
        return DEFAULT_RATE_HZ
    # The median step: a drive may have been cut together from several scenes.
    steps = sorted(b - a for a, b in zip(times_ns, times_ns[1:], strict=False))
    return 1e9 / max(1, steps[len(steps) // 2])
