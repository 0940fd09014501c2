"""Scoring what the live node published, beside a direct run of the same frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ovseg_ros.bags.reader import BagReader
from ovseg_ros.closing import Closing
from ovseg_ros.demo import topics
from ovseg_ros.evaluation.confusion import index_table
from ovseg_ros.evaluation.eval_report import CameraFacts, LiveFacts
from ovseg_ros.evaluation.footage.frame import FootageFrame, MessagePlace
from ovseg_ros.evaluation.footage.reader import FrameContent, FrameReader, MessageStream
from ovseg_ros.evaluation.frame_row import FrameFate
from ovseg_ros.evaluation.run.book import Book, FrameView
from ovseg_ros.evaluation.run.chunks import ChunkStore
from ovseg_ros.evaluation.run.evaluator import usable_truth
from ovseg_ros.evaluation.run.live_session import LiveRecording, PlayedCamera
from ovseg_ros.evaluation.run.plan import EvalPlan
from ovseg_ros.evaluation.run.segment import EncodedMask, Segment, SegmentResult
from ovseg_ros.image_files import decode_ids
from ovseg_ros.image_messages import raw_to_ids
from ovseg_ros.segmentation import UInt8Array


class LiveScorer(Closing):
    """Turns a recording into results with two jobs: the live node first, the direct run second."""

    def __init__(self, plan: EvalPlan, recording: LiveRecording, direct: ChunkStore) -> None:
        """`direct` holds the results, with masks, of the first job of `plan`."""
        self._plan, self._recording, self._direct = plan, recording, direct
        self._cameras = {
            camera: _Camera(played, recording.bag) for camera, played in recording.cameras.items()
        }
        self._table = index_table(
            {label_id: i for i, label_id in enumerate(recording.label_ids, start=1)}, otherwise=0
        )
        self._before: FrameView | None = None
        self._last: FootageFrame | None = None

    def results(self) -> Iterator[SegmentResult]:
        """Yield the result of each segment; raises `OvsegError`."""
        direct = self._direct.results(self._plan.segments)
        for segment, result in zip(self._plan.segments, direct, strict=True):
            book = Book(segment, self._plan.jobs[0].plan, keep_masks=True, overlays=True)
            masks = {mask.index: mask for mask in result.jobs[0].masks}
            self._fill(book, segment, masks)
            jobs = (book.result(), result.jobs[0])
            yield SegmentResult(segment.number, jobs, result.faults)

    def facts(self) -> LiveFacts:
        """Return what the run went through, once all results were taken."""
        return LiveFacts(tuple(camera.facts(name) for name, camera in self._cameras.items()))

    def close(self) -> None:
        """Close the recording."""
        for camera in self._cameras.values():
            camera.close()

    def _fill(self, book: Book, segment: Segment, direct: dict[int, EncodedMask]) -> None:
        camera = self._cameras[segment.camera]
        with FrameReader(segment.source.path) as reader:
            for content in reader.read(segment.frames):
                stamp_ns = next(camera.stamps, None)
                view = None if stamp_ns is None else self._view(segment, content, stamp_ns)
                if view is None or stamp_ns is None:
                    book.note_missing(content.frame, camera.fate(stamp_ns))
                else:
                    before = self._before if content.frame.follows(self._last) else None
                    age_ms = (camera.played.published_ns[stamp_ns] - stamp_ns) / 1e6
                    book.enter(content, view, before, age_ms)
                    camera.compare(content.frame, view, direct.get(content.frame.index))
                self._before, self._last = view, content.frame

    def _view(self, segment: Segment, content: FrameContent, stamp_ns: int) -> FrameView | None:
        camera = self._cameras[segment.camera]
        mask = camera.masks.take(stamp_ns)
        confidence = camera.confidences.take(stamp_ns)
        if mask is None or content.image is None or mask.shape != content.image.shape[:2]:
            return None
        adapters = self._recording.adapters_at(camera.played.published_ns[stamp_ns])
        truth = usable_truth(segment, content, self._plan.jobs[0].plan)
        return FrameView(self._table[mask], truth, confidence, adapters)


class _Camera(Closing):
    """One camera of a recording: what was heard of it, and what is counted of it."""

    def __init__(self, played: PlayedCamera, bag: Path) -> None:
        self.played = played
        self.stamps = iter(played.stamps_ns)
        self.masks = _Heard(bag, topics.masks(played.name))
        self.confidences = _Heard(bag, topics.confidences(played.name))
        self._compared = 0
        self._different: list[str] = []

    def fate(self, stamp_ns: int | None) -> FrameFate:
        """Return why there is no mask of a stamp; None is that of a frame that was never sent."""
        if stamp_ns is None:
            return FrameFate.LOST
        return self.played.fates.get(stamp_ns, FrameFate.UNREADABLE)

    def compare(self, frame: FootageFrame, view: FrameView, direct: EncodedMask | None) -> None:
        """Set what came back of a frame beside the mask of the direct run."""
        if direct is None:
            return
        self._compared += 1
        if not np.array_equal(decode_ids(direct.png), view.indices):
            self._different.append(frame.name)

    def facts(self, camera: str) -> CameraFacts:
        sent = len(self.played.stamps_ns)
        different = tuple(self._different)
        return CameraFacts(camera, self.played.rate_hz, sent, self._compared, different)

    def close(self) -> None:
        self.masks.close()
        self.confidences.close()


class _Heard(Closing):
    """The mono8 images of a topic of a recording, by stamp."""

    def __init__(self, bag: Path, topic: str) -> None:
        with BagReader(bag) as reader:
            found = [MessagePlace.of(message) for message in reader.messages([topic])]
        self._places = {place.stamp_ns: place for place in found}
        self._reader = BagReader(bag)
        self._stream = MessageStream(self._reader, found) if found else None

    def close(self) -> None:
        self._reader.close()

    def take(self, stamp_ns: int) -> UInt8Array | None:
        place = self._places.get(stamp_ns)
        if place is None or self._stream is None:
            return None
        return raw_to_ids(self._stream.take(place))
