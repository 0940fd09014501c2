"""The scene of the last moments: smooth while it stays the same, at once when it is another."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import Array

# So many deviations from the mean are no noise, and so many frames in a row no single flash.
_CUT_DEVIATIONS = 4.0
_CUT_FRAMES = 3


class SceneSmoothing:
    """Exponential mean of scene embeddings over time, which starts again after a cut.

    After an abrupt change the mean would crawl through scenes that are not there. So frames that
    are far from it, measured by how much frames usually scatter, are held back; a few of them in a
    row are the new scene, and one alone was a flash and is forgotten.
    """

    def __init__(self, time_constant_s: float) -> None:
        """`time_constant_s` is how far back the mean reaches; 0 follows every frame."""
        self._time_constant_s = time_constant_s
        self.restart()

    def restart(self) -> None:
        """Forget all frames."""
        self._mean: npt.NDArray[np.float64] | None = None
        self._scatter: float | None = None
        self._held: list[npt.NDArray[np.float64]] = []
        self._last_ns = 0

    @property
    def mean(self) -> Array | None:
        """The scene, float32 [E]; None before the first frame."""
        return None if self._mean is None else self._mean.astype(np.float32)

    def add(self, embedding: Array, at_ns: int) -> None:
        """Take in the frame of time `at_ns`; a clock that ran backwards starts again."""
        row = embedding.astype(np.float64)
        if self._mean is None or at_ns < self._last_ns:
            self.restart()
            self._mean, self._last_ns = row, at_ns
            return
        distance = _distance(row, self._mean)
        # The second frame tells the first scatter: before it nothing can be far.
        if self._scatter is not None and distance > _CUT_DEVIATIONS * self._scatter:
            self._hold(row, at_ns)
            return
        share = self._share(at_ns - self._last_ns)
        self._held, self._last_ns = [], at_ns
        before = distance if self._scatter is None else self._scatter
        self._scatter = before + share * (distance - before)
        self._mean = self._mean + share * (row - self._mean)

    def _hold(self, row: npt.NDArray[np.float64], at_ns: int) -> None:
        """Keep a far frame aside; with enough of them they are the scene."""
        self._held.append(row)
        if len(self._held) < _CUT_FRAMES:
            return
        mean = np.mean(self._held, axis=0)
        own = float(np.mean([_distance(held, mean) for held in self._held]))
        self._scatter = max(own, self._scatter or 0.0)
        self._mean, self._held, self._last_ns = mean, [], at_ns

    def _share(self, passed_ns: int) -> float:
        if self._time_constant_s <= 0:
            return 1.0
        return -math.expm1(-passed_ns / 1e9 / self._time_constant_s)


def _distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))
