"""`Tally`: everything counted over a selection of frames, in integers only.

Integers add up to the same numbers in any order, so an evaluation may be split over workers and
stopped and resumed without changing its result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ovseg_ros.evaluation.metrics.counts import Counts
from ovseg_ros.evaluation.metrics.counts_json import counts_as_json, read_counts
from ovseg_ros.evaluation.metrics.frame_scores import FrameScores
from ovseg_ros.evaluation.metrics.measures import scores_of, summary_of
from ovseg_ros.evaluation.metrics.stability import Previous
from ovseg_ros.evaluation.metrics.summary import Summary
from ovseg_ros.segmentation import UInt8Array

__all__ = ["Previous", "Tally"]


class Tally:
    """What was counted over some frames: all of them, those of a domain or those of a camera."""

    def __init__(self, names: Sequence[str]) -> None:
        """Start with nothing counted. At most 254 names; raises `OvsegError` for more."""
        self._counts = Counts.of_nothing(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, index 1 first."""
        return self._counts.confusion.names

    def add(
        self,
        truth: UInt8Array | None,
        predicted: UInt8Array,
        confidence: UInt8Array | None,
        previous: Previous | None = None,
    ) -> FrameScores:
        """Count one frame and return what it scored by itself.

        Args:
            truth: uint8 [H, W] of indices: 0 = no label, i = `names[i-1]`, 255 = not evaluated;
                None for a frame without ground truth.
            predicted: uint8 [H, W] of indices.
            confidence: uint8 [H, W], 0..255 for 0..1; None where it is not known.
            previous: the frame before, None at the start of a sequence. One of another size is
                taken as none.

        Raises `OvsegError` where sizes differ or an index names nothing; then nothing is counted.
        """
        frame = Counts.of_frame(self.names, truth, predicted, confidence, previous)
        self._counts += frame
        return scores_of(frame)

    def __add__(self, other: Tally) -> Tally:
        """Return the sum of two tallies over the same names; raises `OvsegError` for others."""
        return Tally._over(self._counts + other._counts)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON types, without loss."""
        return counts_as_json(self._counts)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        """Return the tally that `as_json` gave; raises `OvsegError` for anything else."""
        return cls._over(read_counts(data))

    def summary(self) -> Summary:
        """Return the numbers that follow from the counts."""
        return summary_of(self._counts)

    @classmethod
    def _over(cls, counts: Counts) -> Tally:
        tally = cls(counts.confusion.names)
        tally._counts = counts
        return tally
