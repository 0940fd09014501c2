"""Reading frames: from where they lie to pixels and ids, or to the reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.bags.faults import BagError
from ovseg_ros.bags.reader import BagMessage, BagReader
from ovseg_ros.closing import Closing
from ovseg_ros.errors import FrameError
from ovseg_ros.evaluation.footage.frame import FilePlace, FootageFrame, MessagePlace, Place
from ovseg_ros.image_files import decode_ids, read_rgb
from ovseg_ros.image_messages import (
    compressed_to_ids,
    compressed_to_rgb,
    raw_to_ids,
    raw_to_rgb,
)
from ovseg_ros.segmentation import UInt8Array


@dataclass(frozen=True)
class FrameContent:
    """What was read of a frame.

    `image` is uint8 [H, W, 3] RGB, None where it cannot be decoded; `ids` uint8 [H, W] is the
    ground truth in ids of the source, None where there is none or it cannot be used. `fault` is a
    sentence for what could not be used. `frame_id` is that of the image's header.
    """

    frame: FootageFrame
    image: UInt8Array | None
    ids: UInt8Array | None
    fault: str = ""
    frame_id: str = ""


class FrameReader(Closing):
    """Reads frames of one source; quick where they are asked for in order."""

    def __init__(self, path: Path) -> None:
        """Read of the bag or folder at `path`; nothing is opened before it is needed."""
        self._path = path
        self._readers: dict[str, BagReader] = {}

    def read(self, frames: Sequence[FootageFrame]) -> Iterator[FrameContent]:
        """Yield the content of `frames` in their order; raises `BagError` for a damaged bag.

        A frame that cannot be decoded, or whose ground truth has another size, is yielded with its
        fault.
        """
        images = self._streams([frame.image for frame in frames])
        truths = self._streams([frame.truth for frame in frames if frame.truth])
        for frame in frames:
            yield _content(frame, images, truths)

    def encoded(self, frames: Sequence[FootageFrame]) -> Iterator[Any]:
        """Yield the images of `frames` as they lie there: messages, or paths of files."""
        images = self._streams([frame.image for frame in frames])
        for frame in frames:
            yield _found(frame.image, images)

    def close(self) -> None:
        """Close the bag."""
        for reader in self._readers.values():
            reader.close()

    def _streams(self, places: Sequence[Place]) -> dict[str, MessageStream]:
        by_topic: dict[str, list[MessagePlace]] = {}
        for place in places:
            if isinstance(place, MessagePlace):
                by_topic.setdefault(place.topic, []).append(place)
        return {
            topic: MessageStream(self._reader(topic), wanted) for topic, wanted in by_topic.items()
        }

    def _reader(self, topic: str) -> BagReader:
        """Return the reader of a topic: each topic is read at its own pace."""
        if topic not in self._readers:
            self._readers[topic] = BagReader(self._path)
        return self._readers[topic]


class MessageStream:
    """The wanted messages of a topic, in whatever order they are asked for.

    They are read once, in order of time; what comes before it is asked for is kept until then.
    """

    def __init__(self, reader: BagReader, places: Sequence[MessagePlace]) -> None:
        """Read from `reader`; `places` are of one topic, at least one."""
        times = [place.time_ns for place in places]
        self._path = reader.path
        self._left = reader.messages([places[0].topic], min(times), max(times) + 1)
        self._wanted = Counter(places)
        self._kept: dict[MessagePlace, BagMessage] = {}

    def take(self, place: MessagePlace) -> Any:
        """Return the message at `place`; raises `BagError` where it is not there."""
        while place not in self._kept:
            message = next(self._left, None)
            if message is None:
                raise BagError(
                    f"{self._path} has changed: its message of {place.topic} with stamp "
                    f"{place.stamp_ns} is gone; start again"
                )
            found = MessagePlace.of(message)
            if self._wanted[found]:
                self._kept[found] = message
        self._wanted[place] -= 1
        message = self._kept[place] if self._wanted[place] else self._kept.pop(place)
        return message.content


def _content(
    frame: FootageFrame, images: dict[str, MessageStream], truths: dict[str, MessageStream]
) -> FrameContent:
    ids, frame_id, faults = None, "", []
    # Taken from its stream in any case, so that nothing is kept for good.
    truth = None if frame.truth is None else _found(frame.truth, truths)
    image_found = _found(frame.image, images)
    if not isinstance(image_found, Path):
        frame_id = image_found.header.frame_id
    try:
        image = _rgb(image_found)
    except FrameError as error:
        return FrameContent(frame, None, None, f"{frame.name}: {error}", frame_id)
    if truth is not None:
        try:
            ids = _ids(truth)
        except (OSError, FrameError) as error:
            faults.append(f"the ground truth of {frame.name}: {error}")
    if ids is not None and ids.shape != image.shape[:2]:
        faults.append(
            f"{frame.name} is {image.shape[1]}x{image.shape[0]} px but its ground truth is "
            f"{ids.shape[1]}x{ids.shape[0]} px; both must have the same size"
        )
        ids = None
    return FrameContent(frame, image, ids, " ".join(faults), frame_id)


def _found(place: Place, streams: dict[str, MessageStream]) -> Any:
    return place.path if isinstance(place, FilePlace) else streams[place.topic].take(place)


def _rgb(found: Any) -> UInt8Array:
    if isinstance(found, Path):
        return read_rgb(found)
    return raw_to_rgb(found) if hasattr(found, "encoding") else compressed_to_rgb(found)


def _ids(found: Any) -> UInt8Array:
    if isinstance(found, Path):
        return decode_ids(found.read_bytes())
    return raw_to_ids(found) if hasattr(found, "encoding") else compressed_to_ids(found)
