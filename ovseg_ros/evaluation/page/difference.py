"""What differs between two configurations on the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.summary import Summary


@dataclass(frozen=True)
class LabelDifference:
    """The IoU of one label under both configurations; `change` is the gain over the other."""

    name: str
    iou: float
    against: float

    @property
    def change(self) -> float:
        """How much better this configuration is."""
        return self.iou - self.against


def label_differences(summary: Summary, against: Summary) -> tuple[LabelDifference, ...]:
    """Return the labels that both scored, the largest gain first."""
    others = {label.name: label.iou for label in against.labels}
    found = (
        LabelDifference(label.name, label.iou, other)
        for label in summary.labels
        if label.iou is not None and (other := others.get(label.name)) is not None
    )
    return tuple(sorted(found, key=lambda difference: -difference.change))


def frame_differences(
    frames: Sequence[FrameRow], against: Sequence[FrameRow]
) -> tuple[tuple[FrameRow, float], ...]:
    """Return the frames that both scored with their gain in mean IoU, the largest loss first."""
    others = {row.key: row.mean_iou for row in against}
    found = (
        (row, row.mean_iou - other)
        for row in frames
        if row.mean_iou is not None and (other := others.get(row.key)) is not None
    )
    return tuple(sorted(found, key=lambda pair: pair[1]))


def change_of(value: float | None, against: float | None) -> float | None:
    """Return `value - against`, None where one of them is not known."""
    return None if value is None or against is None else value - against
