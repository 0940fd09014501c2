"""The frames of a bag or folder as a bag to be played: images as they are there, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, MessageMaker
from ovseg_ros.bags.reader import BagReader
from ovseg_ros.bags.writer import BagWriter
from ovseg_ros.camera_names import names_of_topics
from ovseg_ros.demo import topics
from ovseg_ros.demo.session import Playlist
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import DEFAULT_RATE_HZ
from ovseg_ros.evaluation.folder_to_bag import FRAME_ID
from ovseg_ros.evaluation.footage.footage import Footage
from ovseg_ros.evaluation.footage.frame import FootageFrame, MessagePlace
from ovseg_ros.evaluation.footage.reader import FrameReader
from ovseg_ros.image_files import encode_png, read_rgb
from ovseg_ros.segmenter import EVERY_CAMERA

_JPEG, _PNG = (".jpg", ".jpeg"), (".png",)


@dataclass(frozen=True)
class Cue:
    """A frame, and when it is played: ns from the start."""

    frame: FootageFrame
    due_ns: int


def write_playlist(
    path: Path, footage: Footage, rates_hz: Mapping[str, float]
) -> tuple[Playlist, float]:
    """Write the frames of `footage` as the new bag `path`, each camera at its rate.

    Returns it, and how many seconds it plays. Raises `OvsegError`.
    """
    cues = cues_of(footage.frames, rates_hz)
    names = names_on_node(footage)
    raw = is_raw(footage)
    with BagWriter(path) as bag, FrameReader(footage.source.path) as reader:
        for name in names.values():
            bag.declare(topics.images(name, raw), IMAGE if raw else COMPRESSED_IMAGE)
        make = MessageMaker(bag.types, FRAME_ID)
        images = reader.encoded([cue.frame for cue in cues])
        for cue, found in zip(cues, images, strict=True):
            message = _of_file(make, found) if isinstance(found, Path) else found
            bag.write(topics.images(names[cue.frame.camera], raw), message, cue.due_ns)
    return Playlist(path, raw, tuple(names.values())), cues[-1].due_ns / 1e9


def names_on_node(footage: Footage) -> dict[str, str]:
    """Return what the node calls each camera of `footage`; a single one has no name there."""
    cameras = footage.cameras
    return dict.fromkeys(cameras, EVERY_CAMERA) if len(cameras) == 1 else names_of_topics(cameras)


def is_raw(footage: Footage) -> bool:
    """Say whether the images are raw; raises `OvsegError` where those of one camera only are."""
    firsts = {frame.camera: frame.image for frame in reversed(footage.frames)}
    places = {c: place.topic for c, place in firsts.items() if isinstance(place, MessagePlace)}
    if not places:
        return False
    with BagReader(footage.source.path) as bag:
        raw = [camera for camera, topic in places.items() if bag.kind_of(topic) == IMAGE]
    compressed = [camera for camera in footage.cameras if camera not in raw]
    if raw and compressed:
        raise OvsegError(
            "--live plays raw images or compressed ones, as the node takes one of the two from all "
            f"its cameras; {', '.join(sorted(raw))} raw and {', '.join(sorted(compressed))} "
            "compressed were chosen; choose those of one kind with --image-topic"
        )
    return bool(raw)


def cues_of(frames: Sequence[FootageFrame], rates_hz: Mapping[str, float]) -> tuple[Cue, ...]:
    """Return when each frame is played, in that order.

    A camera begins when it did in the recording and keeps its own steady rate, so that jumps of
    its clock cost no time.
    """
    first_ns = {
        frame.camera: frame.image.time_ns if isinstance(frame.image, MessagePlace) else 0
        for frame in reversed(frames)
    }
    start_ns = min(first_ns.values())
    sent = dict.fromkeys(first_ns, 0)
    cues = []
    for frame in frames:
        steps_ns = round(sent[frame.camera] * 1e9 / rates_hz[frame.camera])
        cues.append(Cue(frame, first_ns[frame.camera] - start_ns + steps_ns))
        sent[frame.camera] += 1
    return tuple(sorted(cues, key=lambda cue: cue.due_ns))


def own_rates_hz(footage: Footage) -> dict[str, float]:
    """Return the rate at which each camera was recorded, by its median step; that of a drive for
    files.
    """
    return {
        camera: _own_rate_hz([f.stamp_ns for f in footage.frames if f.camera == camera])
        for camera in footage.cameras
    }


def _own_rate_hz(stamps_ns: Sequence[int]) -> float:
    steps = sorted(b - a for a, b in zip(stamps_ns, stamps_ns[1:], strict=False) if b > a)
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
