"""Whether confidence means what it says: counts per byte of confidence, and what follows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ovseg_ros.evaluation.metrics.summary import ReliabilityBin
from ovseg_ros.segmentation import UInt8Array

BINS = 15


class ConfidenceCounts:
    """How many labelled pixels had each byte of confidence, and how many of them were right.

    `pixels` and `hits` are int64 [256]. Counting bytes instead of bins keeps sums of confidence
    exact.
    """

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.pixels: npt.NDArray[np.int64] = np.zeros(256, np.int64)
        self.hits: npt.NDArray[np.int64] = np.zeros(256, np.int64)

    def add(self, truth: UInt8Array, predicted: UInt8Array, confidence: UInt8Array) -> None:
        """Count evaluated, labelled pixels, all given as uint8 [N]."""
        self.pixels += np.bincount(confidence, minlength=256)
        self.hits += np.bincount(confidence[truth == predicted], minlength=256)

    def __add__(self, other: ConfidenceCounts) -> ConfidenceCounts:
        """Return the sum."""
        total = ConfidenceCounts()
        total.pixels = self.pixels + other.pixels
        total.hits = self.hits + other.hits
        return total

    def bins(self) -> tuple[ReliabilityBin, ...]:
        """Return 15 bins of equal width over 0..1, where a byte b means b / 255."""
        bin_of = np.minimum(np.arange(256) * BINS // 255, BINS - 1)
        return tuple(self._bin(place, bin_of == place) for place in range(BINS))

    def _bin(self, place: int, members: npt.NDArray[np.bool_]) -> ReliabilityBin:
        pixels = int(self.pixels[members].sum())
        hits = int(self.hits[members].sum())
        total = int((self.pixels * np.arange(256))[members].sum())
        return ReliabilityBin(
            low=place / BINS,
            high=(place + 1) / BINS,
            pixels=pixels,
            confidence=total / (255 * pixels) if pixels else None,
            accuracy=hits / pixels if pixels else None,
        )


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float | None:
    """Return the mean of |accuracy - confidence| over pixels, bin by bin; None without pixels."""
    pixels = sum(part.pixels for part in bins)
    if not pixels:
        return None
    gaps = (
        part.pixels * abs(part.accuracy - part.confidence)
        for part in bins
        if part.accuracy is not None and part.confidence is not None
    )
    return sum(gaps) / pixels
