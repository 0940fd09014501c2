"""`Book`: what one job found on a segment, frame by frame, whoever made the masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.footage.reader import FrameContent
from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.metrics.tally import Previous, Tally
from ovseg_ros.evaluation.run.label_plan import LabelPlan
from ovseg_ros.evaluation.run.segment import EncodedMask, JobResult, Segment, selections_of
from ovseg_ros.image_files import encode_jpeg, encode_png
from ovseg_ros.overlay import lay_over
from ovseg_ros.segmentation import UInt8Array


@dataclass(frozen=True)
class FrameView:
    """A frame as one job saw it.

    `indices` and `truth` are uint8 [H, W] as a tally takes them, `confidence` uint8 [H, W];
    `adapters` are (name, weight) of the mix in force.
    """

    indices: UInt8Array
    truth: UInt8Array | None
    confidence: UInt8Array | None
    adapters: tuple[tuple[str, float], ...] = ()


class Book:
    """Takes the frames of a segment in order."""

    def __init__(self, segment: Segment, plan: LabelPlan, keep_masks: bool, overlays: bool) -> None:
        """Keep masks where wanted, and `overlays` with them."""
        self._segment, self._plan = segment, plan
        self._keep_masks, self._overlays = keep_masks, overlays
        self._palette = np.zeros((256, 3), np.uint8)
        colors = list(plan.colors.values())
        self._palette[1 : len(colors) + 1] = np.array(colors, np.uint8).reshape(-1, 3)
        self._tallies: dict[str, Tally] = {}
        self._rows: list[FrameRow] = []
        self._masks: list[EncodedMask] = []

    def note_missing(self, frame: FootageFrame, fate: FrameFate) -> None:
        """Take a frame without a mask."""
        self._rows.append(self._row(frame, fate=fate))

    def enter(
        self,
        content: FrameContent,
        view: FrameView,
        before: FrameView | None,
        age_ms: float | None = None,
    ) -> None:
        """Count a frame; `before` is the one that it follows."""
        frame = content.frame
        previous = None if before is None else Previous(before.indices, before.truth)
        tally = Tally(self._plan.names)
        scores = tally.add(view.truth, view.indices, view.confidence, previous)
        for name in selections_of(self._segment, frame):
            known = self._tallies.get(name)
            self._tallies[name] = tally if known is None else known + tally
        row = self._row(frame, adapters=view.adapters, scores=scores, age_ms=age_ms)
        self._rows.append(row)
        if self._keep_masks:
            self._masks.append(self._encoded(content, view))

    def result(self) -> JobResult:
        """Return what was found."""
        return JobResult(self._tallies, tuple(self._rows), tuple(self._masks))

    def _row(self, frame: FootageFrame, **found: object) -> FrameRow:
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

    def _encoded(self, content: FrameContent, view: FrameView) -> EncodedMask:
        overlay = b""
        if self._overlays and content.image is not None:
            overlay = encode_jpeg(lay_over(content.image, view.indices, self._palette))
        return EncodedMask(
            self._segment.camera,
            content.frame.index,
            content.frame.stamp_ns,
            content.frame_id,
            encode_png(np.ascontiguousarray(view.indices)),
            overlay,
        )
