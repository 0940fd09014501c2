"""`Counts`: what is counted over frames, all of it integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.confusion import ConfusionMatrix
from ovseg_ros.evaluation.metrics.boundary import BoundaryCounts
from ovseg_ros.evaluation.metrics.confidence import ConfidenceCounts
from ovseg_ros.evaluation.metrics.stability import ChangeCounts, Previous, count_changes
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NO_LABEL_ID, NOT_EVALUATED_ID


@dataclass(frozen=True)
class Counts:
    """The counts over some frames. Sums over parts are the counts over the whole, exactly."""

    frames: int
    confusion: ConfusionMatrix
    boundaries: BoundaryCounts
    confidence: ConfidenceCounts
    changes: ChangeCounts

    @classmethod
    def of_nothing(cls, names: Sequence[str]) -> Counts:
        """Return the counts over no frame; raises `OvsegError` for more than 254 names."""
        confusion = ConfusionMatrix(names)
        return cls(0, confusion, BoundaryCounts(len(names)), ConfidenceCounts(), ChangeCounts())

    @classmethod
    def of_frame(
        cls,
        names: Sequence[str],
        truth: UInt8Array | None,
        predicted: UInt8Array,
        confidence: UInt8Array | None,
        previous: Previous | None,
    ) -> Counts:
        """Return the counts of one frame, given as `Tally.add` takes it; raises `OvsegError`."""
        none = cls.of_nothing(names)
        changes = count_changes(truth, predicted, previous)
        if truth is not None:
            none.confusion.add(truth, predicted)
            none.boundaries.add(truth, predicted)
            if confidence is not None:
                _count_confidence(none.confidence, truth, predicted, confidence)
        return cls(1, none.confusion, none.boundaries, none.confidence, changes)

    def __add__(self, other: Counts) -> Counts:
        """Return the sum; raises `OvsegError` where the names differ."""
        return Counts(
            frames=self.frames + other.frames,
            confusion=self.confusion + other.confusion,
            boundaries=self.boundaries + other.boundaries,
            confidence=self.confidence + other.confidence,
            changes=self.changes + other.changes,
        )

    @property
    def unlabelled_px(self) -> int:
        """How many evaluated pixels got no label."""
        return int(self.confusion.counts[:, NO_LABEL_ID].sum())

    @property
    def pixel_accuracy(self) -> float | None:
        """The share of evaluated pixels that are right, None without any."""
        pixels = self.confusion.pixels
        return int(self.confusion.counts.trace()) / pixels if pixels else None


def _count_confidence(
    counts: ConfidenceCounts, truth: UInt8Array, predicted: UInt8Array, confidence: UInt8Array
) -> None:
    if confidence.shape != predicted.shape:
        raise OvsegError(
            f"the confidence is {confidence.shape} and the mask {predicted.shape}; "
            "both must have the size of the image"
        )
    labelled = (truth != NOT_EVALUATED_ID) & (predicted != NO_LABEL_ID)
    counts.add(truth[labelled], predicted[labelled], confidence[labelled])
