"""`SegmentEvaluator`: the one way in which a segment becomes a result, wherever that happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.adapted_images import AdaptedImages
from ovseg_ros.closing import Closing
from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.footage.reader import FrameContent, FrameReader
from ovseg_ros.evaluation.frame_row import FrameFate
from ovseg_ros.evaluation.run.book import Book, FrameView
from ovseg_ros.evaluation.run.configuration import Configuration
from ovseg_ros.evaluation.run.label_plan import LabelPlan
from ovseg_ros.evaluation.run.segment import Segment, SegmentResult
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.segmenter import Segmenter


@dataclass(frozen=True)
class Job:
    """A configuration with the labels it is asked for."""

    configuration: Configuration
    plan: LabelPlan


class _Engine(Closing):
    """An open segmenter with the labels and adapters of a job."""

    def __init__(self, job: Job) -> None:
        what = job.configuration
        self.plan = job.plan
        self._segmenter = Segmenter.open(
            what.package, engine=what.engine, threads=what.threads, camera_px=what.camera_px
        )
        self._segmenter.set_labels(job.plan.specs, job.plan.templates)
        self._adapted = AdaptedImages(self._segmenter, what.adapters, what.adapter_dir)

    def look(self, segment: Segment, content: FrameContent) -> FrameView:
        """Segment a frame that has an image; its ground truth counts where it can be read."""
        assert content.image is not None, "a frame without an image is never looked at"
        segmentation = self._adapted.infer(content.image)
        mix = segmentation.adapter_mix
        return FrameView(
            self.plan.mask_indices(segmentation.label_mask, segmentation.vocabulary),
            usable_truth(segment, content, self.plan),
            segmentation.confidence,
            tuple(zip(mix.names, mix.weights, strict=True)),
        )

    def close(self) -> None:
        self._segmenter.close()


class SegmentEvaluator(Closing):
    """Evaluates segments under one or several jobs, each frame being decoded once."""

    def __init__(self, jobs: Sequence[Job], keep_masks: bool) -> None:
        """Open the engines; raises what `Segmenter.open` and `AdaptedImages` raise."""
        self._keep_masks = keep_masks
        self._engines: list[_Engine] = []
        self._readers: dict[Path, FrameReader] = {}
        self._last: tuple[FootageFrame, tuple[FrameView, ...]] | None = None
        try:
            for job in jobs:
                self._engines.append(_Engine(job))
        except BaseException:
            self.close()
            raise

    def evaluate(
        self, segment: Segment, on_frame: Callable[[], None] = lambda: None
    ) -> SegmentResult:
        """Segment all frames of a segment and count them; `on_frame` is called after each.

        A frame that cannot be used becomes a fault, and the run goes on. Raises `BagError` for a
        bag that is damaged.
        """
        reader = self._readers.setdefault(segment.source.path, FrameReader(segment.source.path))
        books = [
            Book(segment, engine.plan, self._keep_masks, overlays=number == 0)
            for number, engine in enumerate(self._engines)
        ]
        faults: list[str] = []
        before = self._seen_before(segment, reader)
        last = segment.before
        for content in reader.read(segment.frames):
            faults += faults_of(segment, content)
            seen = self._look(segment, content)
            follows = content.frame.follows(last)
            for number, book in enumerate(books):
                if seen is None:
                    book.note_missing(content.frame, FrameFate.UNREADABLE)
                else:
                    previous = before[number] if before and follows else None
                    book.enter(content, seen[number], previous)
            before, last = seen, content.frame
            on_frame()
        self._last = (last, before) if before and last else None
        return SegmentResult(segment.number, tuple(book.result() for book in books), tuple(faults))

    def close(self) -> None:
        """Free the engines and close the bags."""
        for owner in (*self._engines, *self._readers.values()):
            owner.close()

    def _seen_before(self, segment: Segment, reader: FrameReader) -> tuple[FrameView, ...] | None:
        """Return the frame that the segment follows, looked at again unless it was the last one."""
        if segment.before is None:
            return None
        if self._last is not None and self._last[0] == segment.before:
            return self._last[1]
        (content,) = reader.read([segment.before])
        return self._look(segment, content)

    def _look(self, segment: Segment, content: FrameContent) -> tuple[FrameView, ...] | None:
        if content.image is None:
            return None
        return tuple(engine.look(segment, content) for engine in self._engines)


def usable_truth(segment: Segment, content: FrameContent, plan: LabelPlan) -> UInt8Array | None:
    """Return the ground truth of a frame as indices of a tally, None where it cannot be used."""
    if content.ids is None or segment.source.unnamed_ids(content.ids):
        return None
    return plan.truth_indices(content.ids, segment.source)


def faults_of(segment: Segment, content: FrameContent) -> list[str]:
    """Return a sentence for what cannot be used of a frame: its image, or its ground truth."""
    faults = [content.fault] if content.fault else []
    if content.ids is not None:
        unknown = segment.source.unnamed_ids(content.ids)
        if unknown:
            faults.append(
                f"the ground truth of {content.frame.name} holds id {unknown[0]}, which has no "
                "name; name it in a --label-map under 'ids', or leave it out under 'ignore'"
            )
    return faults
