"""Flicker: how many pixels change their label from one frame to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID


@dataclass(frozen=True)
class Previous:
    """The frame before of the same camera and sequence; `truth` is None where it has none.

    Both are uint8 [H, W] of indices as `Tally.add` takes them.
    """

    predicted: UInt8Array
    truth: UInt8Array | None = None


@dataclass(frozen=True)
class ChangeCounts:
    """Pixels that were there in the frame before, and those of them that changed their label.

    `compared_px` and `changed_px` are of all pixels; `steady_px` and `flickered_px` only of those
    that are evaluated in both frames with the same ground truth, which a label should not leave.
    """

    compared_px: int = 0
    changed_px: int = 0
    steady_px: int = 0
    flickered_px: int = 0

    def __add__(self, other: ChangeCounts) -> ChangeCounts:
        """Return the sum."""
        return ChangeCounts(
            self.compared_px + other.compared_px,
            self.changed_px + other.changed_px,
            self.steady_px + other.steady_px,
            self.flickered_px + other.flickered_px,
        )

    @property
    def flicker(self) -> float | None:
        """The share of the steady pixels that changed, None without any."""
        return self.flickered_px / self.steady_px if self.steady_px else None

    @property
    def label_change(self) -> float | None:
        """The share of all pixels that changed, None without any."""
        return self.changed_px / self.compared_px if self.compared_px else None


def count_changes(
    truth: UInt8Array | None, predicted: UInt8Array, previous: Previous | None
) -> ChangeCounts:
    """Return the changes since `previous`, none where it is None or of another size."""
    if previous is None or previous.predicted.shape != predicted.shape:
        return ChangeCounts()
    changed = predicted != previous.predicted
    counts = ChangeCounts(compared_px=changed.size, changed_px=int(np.count_nonzero(changed)))
    if truth is None or previous.truth is None:
        return counts
    steady = (truth == previous.truth) & (truth != NOT_EVALUATED_ID)
    return counts + ChangeCounts(
        steady_px=int(np.count_nonzero(steady)),
        flickered_px=int(np.count_nonzero(steady & changed)),
    )
