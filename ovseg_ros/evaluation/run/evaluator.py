"""`SegmentEvaluator`: the one way in which a segment becomes a result, wherever that happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ovseg_ros.adapted_images import AdaptedImages
from ovseg_ros.closing import Closing
from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.footage.reader import FrameContent, FrameReader
from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.metrics.tally import Previous, Tally
from ovseg_ros.evaluation.run.configuration import Configuration
from ovseg_ros.evaluation.run.label_plan import LabelPlan
from ovseg_ros.evaluation.run.segment import (
    EncodedMask,
    JobResult,
    Segment,
    SegmentResult,
    selections_of,
)
from ovseg_ros.image_files import encode_jpeg, encode_png
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter


@dataclass(frozen=True)
class Job:
    """A configuration with the labels it is asked for."""

    configuration: Configuration
    plan: LabelPlan


@dataclass(frozen=True)
class _Seen:
    """A frame as one job saw it, with indices for the frame that follows it."""

    segmentation: Segmentation
    indices: UInt8Array
    truth: UInt8Array | None


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

    def look(self, segment: Segment, content: FrameContent) -> _Seen:
        """Segment a frame that has an image; its ground truth counts where it can be read."""
        assert content.image is not None, "a frame without an image is never looked at"
        truth = None
        if content.ids is not None and not segment.source.unnamed_ids(content.ids):
            truth = self.plan.truth_indices(content.ids, segment.source)
        segmentation = self._adapted.infer(content.image)
        indices = self.plan.mask_indices(segmentation.label_mask, segmentation.vocabulary)
        return _Seen(segmentation, indices, truth)

    def close(self) -> None:
        self._segmenter.close()


class SegmentEvaluator(Closing):
    """Evaluates segments under one or several jobs, each frame being decoded once."""

    def __init__(self, jobs: Sequence[Job], keep_masks: bool) -> None:
        """Open the engines; raises what `Segmenter.open` and `AdaptedImages` raise."""
        self._keep_masks = keep_masks
        self._engines: list[_Engine] = []
        self._readers: dict[Path, FrameReader] = {}
        self._last: tuple[FootageFrame, tuple[_Seen, ...]] | None = None
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
        books = [_Book(segment, engine.plan, self._keep_masks) for engine in self._engines]
        faults: list[str] = []
        before = self._seen_before(segment, reader)
        last = segment.before
        for content in reader.read(segment.frames):
            faults += faults_of(segment, content)
            seen = self._look(segment, content)
            follows = content.frame.follows(last)
            for number, book in enumerate(books):
                if seen is None:
                    book.note_unreadable(content)
                else:
                    previous = before[number] if before and follows else None
                    book.enter(content, seen[number], previous, number == 0)
            before, last = seen, content.frame
            on_frame()
        self._last = (last, before) if before and last else None
        return SegmentResult(segment.number, tuple(book.result() for book in books), tuple(faults))

    def close(self) -> None:
        """Free the engines and close the bags."""
        for owner in (*self._engines, *self._readers.values()):
            owner.close()

    def _seen_before(self, segment: Segment, reader: FrameReader) -> tuple[_Seen, ...] | None:
        """Return the frame that the segment follows, looked at again unless it was the last one."""
        if segment.before is None:
            return None
        if self._last is not None and self._last[0] == segment.before:
            return self._last[1]
        (content,) = reader.read([segment.before])
        return self._look(segment, content)

    def _look(self, segment: Segment, content: FrameContent) -> tuple[_Seen, ...] | None:
        if content.image is None:
            return None
        return tuple(engine.look(segment, content) for engine in self._engines)


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


class _Book:
    """What one job found on a segment so far."""

    def __init__(self, segment: Segment, plan: LabelPlan, keep_masks: bool) -> None:
        self._segment, self._plan, self._keep_masks = segment, plan, keep_masks
        self._tallies: dict[str, Tally] = {}
        self._rows: list[FrameRow] = []
        self._masks: list[EncodedMask] = []

    def note_unreadable(self, content: FrameContent) -> None:
        self._rows.append(self._row(content, fate=FrameFate.UNREADABLE))

    def enter(
        self, content: FrameContent, seen: _Seen, before: _Seen | None, with_overlay: bool
    ) -> None:
        frame, segmentation = content.frame, seen.segmentation
        previous = None if before is None else Previous(before.indices, before.truth)
        tally = Tally(self._plan.names)
        scores = tally.add(seen.truth, seen.indices, segmentation.confidence, previous)
        for name in selections_of(self._segment, frame):
            known = self._tallies.get(name)
            self._tallies[name] = tally if known is None else known + tally
        mix = segmentation.adapter_mix
        adapters = tuple(zip(mix.names, mix.weights, strict=True))
        self._rows.append(self._row(content, adapters=adapters, scores=scores))
        if self._keep_masks:
            self._masks.append(self._encoded(content, seen, with_overlay))

    def result(self) -> JobResult:
        return JobResult(self._tallies, tuple(self._rows), tuple(self._masks))

    def _row(self, content: FrameContent, **found: object) -> FrameRow:
        frame = content.frame
        return FrameRow(
            source=self._segment.source_name,
            camera=self._segment.camera,
            index=frame.index,
            name=frame.name,
            stamp_ns=frame.stamp_ns,
            domain=frame.domain,
            sequence=frame.sequence,
            **found,  # type: ignore[arg-type]
        )

    def _encoded(self, content: FrameContent, seen: _Seen, with_overlay: bool) -> EncodedMask:
        assert content.image is not None
        overlay = seen.segmentation.overlay(content.image) if with_overlay else None
        return EncodedMask(
            self._segment.camera,
            content.frame.index,
            content.frame.stamp_ns,
            content.frame_id,
            encode_png(np.ascontiguousarray(seen.indices)),
            encode_jpeg(overlay) if overlay is not None else b"",
        )
