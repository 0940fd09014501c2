"""One scene of several cameras: they are on one robot, and drive through the same weather."""

from __future__ import annotations

import numpy as np

from ovseg_ros.adapters.adapter import Array

# A camera that showed no scene for so long is out of the mean.
FRESH_S = 2.0


class CameraScenes:
    """The mean of the latest scene of each camera, each counting once however fast it is."""

    def __init__(self) -> None:
        """Start without any."""
        self._latest: dict[str, tuple[int, Array]] = {}
        self._now_ns = 0

    @property
    def now_ns(self) -> int:
        """The time of the newest frame; it never goes back, though frames may come out of order."""
        return self._now_ns

    def note_time(self, at_ns: int) -> None:
        """Take note that a frame of time `at_ns` came, on a clock that all cameras share."""
        self._now_ns = max(self._now_ns, at_ns)

    def add(self, camera: str, embedding: Array, at_ns: int) -> None:
        """Take in the embedding [E] of a frame of `camera`."""
        self.note_time(at_ns)
        self._latest[camera] = (at_ns, embedding)

    @property
    def mean(self) -> Array | None:
        """The scene [E]; None where no camera has shown one lately."""
        oldest_ns = self._now_ns - FRESH_S * 1e9
        fresh = [embedding for at_ns, embedding in self._latest.values() if at_ns >= oldest_ns]
        if len(fresh) < 2:
            return fresh[0] if fresh else None
        mean: Array = np.mean(fresh, axis=0, dtype=np.float32)
        return mean
