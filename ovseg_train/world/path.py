"""The curved line the camera drives along, and the road coordinates (s, t) that go with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP_M = 0.25
BEFORE_M = 12.0
"""The line starts this far behind s = 0, so that the ground reaches behind the camera."""


@dataclass(frozen=True, eq=False)
class DrivePath:
    """A smooth planar curve sampled every STEP_M.

    Attributes:
        points_m: float64 [K, 2]; point 0 is at s = -BEFORE_M.
        heading_rad: float64 [K].
        length_m: the camera drives from s = 0 to here.
    """

    points_m: np.ndarray
    heading_rad: np.ndarray
    length_m: float

    def heading_at(self, s_m: float) -> float:
        """Direction of travel in radians at distance s."""
        return float(np.interp((s_m + BEFORE_M) / STEP_M, self._index(), self.heading_rad))

    def point_at(self, s_m: float, t_m: float = 0.0) -> np.ndarray:
        """World (x, y) in metres at distance s, t metres to the left of the line."""
        at = (s_m + BEFORE_M) / STEP_M
        x, y = (float(np.interp(at, self._index(), self.points_m[:, k])) for k in (0, 1))
        angle = self.heading_at(s_m)
        return np.array([x - t_m * np.sin(angle), y + t_m * np.cos(angle)])

    def edge(self, t_m: float) -> np.ndarray:
        """The whole line shifted t metres to the left, float64 [K, 2]."""
        normal = np.stack([-np.sin(self.heading_rad), np.cos(self.heading_rad)], axis=1)
        return self.points_m + t_m * normal

    def driven(self) -> np.ndarray:
        """The points the camera passes, float64 [K', 2]."""
        first = int((BEFORE_M - 1) / STEP_M)
        last = int((BEFORE_M + self.length_m + 1) / STEP_M)
        return self.points_m[first:last]

    def _index(self) -> np.ndarray:
        return np.arange(len(self.points_m))


def winding_path(rng: np.random.Generator, length_m: float, after_m: float = 32.0) -> DrivePath:
    """Draw a gently winding path; curvature stays under 0.03 / m, so that edges do not fold."""
    s = np.arange(-BEFORE_M, length_m + after_m, STEP_M)
    bend = rng.uniform(0.0, 0.022)
    wave = rng.uniform(28, 55)
    curvature = bend * np.sin(2 * np.pi * s / wave + rng.uniform(0, 2 * np.pi))
    heading = np.cumsum(curvature) * STEP_M
    heading -= heading[int(BEFORE_M / STEP_M)]
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * STEP_M
    points = np.cumsum(steps, axis=0)
    return DrivePath(points - points[int(BEFORE_M / STEP_M)], heading, length_m)
