"""Boundary IoU: the overlap of two masks near their contours (Cheng et al., CVPR 2021)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID

DILATION_RATIO = 0.02
# Not a label: pixels without ground truth have that index, and are in no mask either.
_OUTSIDE = NOT_EVALUATED_ID

_Extreme = Callable[[UInt8Array, UInt8Array], UInt8Array]


class BoundaryCounts:
    """How many boundary pixels each label has in the ground truth, in the prediction, in both.

    `truth`, `predicted` and `both` are int64 [K]. Pixels that are not evaluated are taken out of
    the masks of both sides first; without such pixels this is the definition as published.
    """

    def __init__(self, labels: int) -> None:
        """Start with nothing counted for `labels` labels."""
        self.truth: npt.NDArray[np.int64] = np.zeros(labels, np.int64)
        self.predicted: npt.NDArray[np.int64] = np.zeros(labels, np.int64)
        self.both: npt.NDArray[np.int64] = np.zeros(labels, np.int64)

    def add(self, truth: UInt8Array, predicted: UInt8Array) -> None:
        """Count one frame, uint8 [H, W] of indices as `Tally.add` takes them."""
        seen = np.where(truth == NOT_EVALUATED_ID, truth, predicted)
        distance_px = boundary_distance_px(*truth.shape)
        truth_band = boundary_band(truth, distance_px)
        seen_band = boundary_band(seen, distance_px)
        self.truth += self._per_label(truth[truth_band])
        self.predicted += self._per_label(seen[seen_band])
        self.both += self._per_label(truth[truth_band & seen_band & (truth == seen)])

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        """Return the sum."""
        total = BoundaryCounts(len(self.truth))
        total.truth = self.truth + other.truth
        total.predicted = self.predicted + other.predicted
        total.both = self.both + other.both
        return total

    def ious(self) -> tuple[float | None, ...]:
        """Return the boundary IoU of each label, None where the ground truth never shows it."""
        return tuple(
            int(both) / int(truth + predicted - both) if truth else None
            for truth, predicted, both in zip(self.truth, self.predicted, self.both, strict=True)
        )

    def _per_label(self, indices: UInt8Array) -> npt.NDArray[np.int64]:
        return np.bincount(indices, minlength=256)[1 : len(self.truth) + 1]


def boundary_distance_px(height: int, width: int) -> int:
    """Return how far a boundary reaches into its mask, px: 2 % of the image's diagonal, from 1."""
    return max(1, round(DILATION_RATIO * math.hypot(height, width)))


def boundary_band(ids: UInt8Array, distance_px: int) -> npt.NDArray[np.bool_]:
    """Return bool [H, W]: the pixels of `ids` uint8 [H, W] that are near the end of their region.

    Near is at most `distance_px` in chessboard distance to a pixel of another id or to the outside
    of the image. That is what a mask of one id loses when it is eroded `distance_px` times with a
    square of 3x3, found for all ids at once: a pixel stays where the smallest and the largest id
    of its window are the same.
    """
    padded = np.pad(ids, distance_px, constant_values=_OUTSIDE)
    length = 2 * distance_px + 1
    lowest = _over_windows(_over_windows(padded, length, np.minimum, 0), length, np.minimum, 1)
    highest = _over_windows(_over_windows(padded, length, np.maximum, 0), length, np.maximum, 1)
    band: npt.NDArray[np.bool_] = lowest != highest
    return band


def _over_windows(values: UInt8Array, length: int, extreme: _Extreme, axis: int) -> UInt8Array:
    """Return the extreme of each `length` neighbours along `axis`; the axis gets shorter by them.

    Windows are doubled while they fit, and the last two overlap: log2(length) passes.
    """

    def joined(window: UInt8Array, shift: int) -> UInt8Array:
        size = window.shape[axis] - shift
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(0, size), slice(shift, shift + size)
        return extreme(window[tuple(first)], window[tuple(second)])

    reach = 1
    while 2 * reach <= length:
        values, reach = joined(values, reach), 2 * reach
    return joined(values, length - reach) if reach < length else values
