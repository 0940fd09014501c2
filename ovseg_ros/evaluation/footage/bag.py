"""The footage of a bag: one pass over it that keeps where frames lie and forgets their pixels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ovseg_ros.bags.faults import BagError
from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, STRING
from ovseg_ros.bags.reader import BagReader
from ovseg_ros.evaluation.footage.clock import clock_notes, cuts_of
from ovseg_ros.evaluation.footage.footage import Footage, Source
from ovseg_ros.evaluation.footage.frame import FilePlace, FootageFrame, MessagePlace, Place
from ovseg_ros.evaluation.footage.truth_files import (
    TruthFinder,
    is_pattern,
    is_table,
    pattern_finder,
    table_finder,
)
from ovseg_ros.evaluation.topics import DOMAIN_TOPIC, IMAGE_TOPICS, NAMES_TOPIC, TRUTH_TOPICS

UNKNOWN_DOMAIN = "unknown"
_IMAGE_KINDS = (IMAGE, COMPRESSED_IMAGE)
_FIELDS = frozenset({"stamp_ns", "index", "camera"})


@dataclass
class _Index:
    """What one pass over a bag found, by topic and in order of recording."""

    images: dict[str, list[MessagePlace]] = field(default_factory=dict)
    truths: dict[str, dict[int, MessagePlace]] = field(default_factory=dict)
    domains: list[tuple[int, str]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def domain_at(self, time_ns: int) -> str:
        """Return the last domain that was announced until then."""
        known = [name for since_ns, name in self.domains if since_ns <= time_ns]
        return known[-1] if known else UNKNOWN_DOMAIN


def bag_footage(path: Path, cameras: Sequence[str] = (), truths: Sequence[str] = ()) -> Footage:
    """Return the frames of a bag.

    `cameras` are its image topics (none: the camera of a drive, or the only one there is);
    `truths` are mask topics, one for each camera, or one name pattern or table of stamps for all
    (none: those of a drive). Raises `BagError` or `OvsegError`.
    """
    with BagReader(path) as reader:
        if not any(topic.messages for topic in reader.topics):
            raise BagError(f"{path} holds no messages; record it again, with the camera's topic")
        cameras = tuple(cameras) or (_only_camera(reader),)
        twice = [camera for camera in cameras if cameras.count(camera) > 1]
        if twice:
            raise BagError(f"the camera {twice[0]} was named twice; name each --image-topic once")
        for camera in cameras:
            _require_image(reader, camera)
        finder = _finder(truths)
        topics = () if finder else _truth_topics(reader, cameras, truths)
        index = _indexed(reader, cameras, topics)
    frames: list[FootageFrame] = []
    for camera in cameras:
        topic = dict(zip(cameras, topics, strict=False)).get(camera, "")
        frames += _frames(index, camera, topic, finder, several=len(cameras) > 1)
    _require_truth(path, index, frames, truths)
    return Footage(Source(path, path.name, index.names), tuple(frames), tuple(index.notes))


def _only_camera(reader: BagReader) -> str:
    """Return the camera of a drive, or the only topic with images that is no ground truth."""
    found = [t.name for t in reader.topics if t.kind in _IMAGE_KINDS and t.messages]
    for topic in IMAGE_TOPICS.values():
        if topic in found:
            return topic
    cameras = [name for name in found if name not in TRUTH_TOPICS.values()]
    if not cameras:
        raise BagError(f"{reader.path} has no topic with images; its topics are {reader.listed()}")
    if len(cameras) > 1:
        raise BagError(
            f"{reader.path} has several topics with images: {', '.join(cameras)}; name those of "
            "cameras with --image-topic"
        )
    return cameras[0]


def _require_image(reader: BagReader, topic: str) -> None:
    kind = reader.kind_of(topic)
    if kind not in _IMAGE_KINDS:
        raise BagError(
            f"{topic} of {reader.path} is {kind}; {' or '.join(_IMAGE_KINDS)} was wanted"
        )


def _finder(truths: Sequence[str]) -> TruthFinder | None:
    files = [truth for truth in truths if is_pattern(truth) or is_table(truth)]
    if not files:
        return None
    if len(truths) > 1:
        raise BagError("one --truth of files serves all cameras; give a single one")
    if is_table(files[0]):
        return table_finder(Path(files[0]))
    return pattern_finder(files[0], _FIELDS)


def _truth_topics(
    reader: BagReader, cameras: Sequence[str], truths: Sequence[str]
) -> tuple[str, ...]:
    if truths:
        if len(truths) != len(cameras):
            raise BagError(
                f"{len(truths)} topics of ground truth for {len(cameras)} cameras; give one for "
                "each camera, in the same order"
            )
        for topic in truths:
            _require_image(reader, topic)
        return tuple(truths)
    known = {topic.name for topic in reader.topics if topic.messages}
    found = [topic for topic in TRUTH_TOPICS.values() if topic in known]
    return (found[0],) if found and len(cameras) == 1 else ()


def _indexed(reader: BagReader, cameras: Sequence[str], truths: Sequence[str]) -> _Index:
    index = _Index()
    kinds = {topic.name: topic.kind for topic in reader.topics}
    words = [name for name in (NAMES_TOPIC, DOMAIN_TOPIC) if kinds.get(name) == STRING]
    twice = 0
    seen: set[MessagePlace] = set()
    for message in reader.messages([*cameras, *truths, *words]):
        if message.topic == NAMES_TOPIC:
            index.names = _names(reader.path, message.content.data)
        elif message.topic == DOMAIN_TOPIC:
            index.domains.append((message.time_ns, message.content.data))
        elif message.topic in truths:
            place = MessagePlace.of(message)
            index.truths.setdefault(place.topic, {})[place.stamp_ns] = place
        else:
            place = MessagePlace.of(message)
            if place in seen:
                twice += 1
                continue
            seen.add(place)
            index.images.setdefault(place.topic, []).append(place)
    if twice:
        index.notes.append(f"{twice} images came twice, with the same stamp; each is used once")
    return index


def _names(path: Path, text: str) -> dict[int, str]:
    try:
        return {int(key): str(name) for key, name in json.loads(text).items()}
    except (ValueError, AttributeError):
        raise BagError(
            f'{NAMES_TOPIC} of {path} must hold JSON like {{"1": "car"}}, not {ascii(text[:60])}'
        ) from None


def _frames(
    index: _Index, camera: str, truth_topic: str, finder: TruthFinder | None, several: bool
) -> list[FootageFrame]:
    places = index.images.get(camera, [])
    stamps = [place.stamp_ns for place in places]
    cuts = cuts_of(stamps)
    index.notes += clock_notes(camera, stamps, cuts)
    truths = index.truths.get(truth_topic, {})
    frames: list[FootageFrame] = []
    sequence = 0
    for number, place in enumerate(places):
        domain = index.domain_at(place.time_ns)
        # A drive cut together from several scenes is cut where the scene changes.
        sequence += number in cuts or bool(frames and frames[-1].domain != domain)
        truth: Place | None = truths.get(place.stamp_ns)
        if finder is not None:
            slug = camera.strip("/").replace("/", "_")
            facts: dict[str, str | int] = {"camera": slug, "topic": camera}
            facts |= {"stamp_ns": place.stamp_ns, "index": number}
            file = finder(facts)
            truth = FilePlace(file) if file else None
        name = f"{camera} frame {number}" if several else f"frame {number}"
        frames.append(
            FootageFrame(camera, number, name, place.stamp_ns, place, truth, domain, str(sequence))
        )
    return frames


def _require_truth(
    path: Path, index: _Index, frames: Sequence[FootageFrame], truths: Sequence[str]
) -> None:
    """Raise `BagError` where there is ground truth, or should be, and none is of a frame."""
    if any(frame.truth for frame in frames):
        return
    stamps = [stamp for found in index.truths.values() for stamp in found]
    if stamps and frames:
        nearest = min(abs(s - f.stamp_ns) for s in stamps for f in frames[:100]) / 1e6
        raise BagError(
            f"no ground truth of {path} has the stamp of an image; the nearest is {nearest:.3f} ms "
            "away; both must carry the same stamp"
        )
    if truths:
        raise BagError(
            f"no frame of {path} has ground truth under --truth {truths[0]}; the first frame has "
            f"stamp_ns {frames[0].stamp_ns if frames else 0} and index 0"
        )
