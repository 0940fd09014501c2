"""The shape of a domain: the directions in which its own scenes vary, and how far others are off.

A ball around the centroid that holds the scenes of a domain of many places holds those of other
domains as well. Scenes of one domain vary along few of the E directions, those of another one are
off in all of them: what lies along the domain's own directions counts less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import Array

# Fewer frames tell a centroid, but no directions that the next frames keep to.
FEWEST_FRAMES = 8
MOST_AXES = 32
_SHRINKAGE = 0.1
_PARTS = 10
_Rows = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DomainShape:
    """Where the scenes of a domain lie around its centroid.

    `axes` is float32 [K, E], rows at right angles and not longer than 1. A scene that is x off the
    centroid is sqrt((|x|^2 - |axes x|^2) / E) off the domain, which is the Mahalanobis distance, up
    to a factor, under a covariance that is shrunk towards a ball (Ledoit and Wolf, 2004).
    `spread` is the root mean square of that for frames that were left out of axes and centroid.
    """

    axes: Array
    spread: float

    @classmethod
    def of(cls, embeddings: npt.NDArray[np.floating]) -> DomainShape | None:
        """Return that of `embeddings` [frames, E], in the order of their time.

        Each tenth in turn is left out, so that neighbours in time do not vouch for each other. None
        for fewer than `FEWEST_FRAMES` frames, and where what is left out is never off the rest.
        """
        rows = np.asarray(embeddings, np.float64)
        if len(rows) < FEWEST_FRAMES:
            return None
        squares: list[float] = []
        for part in np.array_split(np.arange(len(rows)), min(len(rows), _PARTS)):
            rest = np.delete(rows, part, axis=0)
            axes, center = _axes(rest), rest.mean(0)
            squares += [_off(axes, row - center) ** 2 for row in rows[part]]
        spread = float(np.sqrt(np.mean(squares)))
        if not spread > 1e-6 * float(np.abs(rows).max()):
            return None
        return cls(_axes(rows), spread)

    def spreads_off(self, offset: npt.NDArray[np.floating]) -> float:
        """Return how far a scene is off the domain, in its spreads; `offset` [E] from its centroid.

        A new frame of the domain is at about 1.
        """
        return _off(self.axes, offset) / self.spread

    @property
    def fault(self) -> str:
        """What makes this no shape of a domain; empty where it is one."""
        if not np.isfinite(self.axes).all() or not 0 < self.spread < np.inf:
            return "numbers that are not finite or a spread that is not above 0"
        if len(self.axes) > MOST_AXES:
            return f"{len(self.axes)} axes, where {MOST_AXES} are the most"
        lengths = np.linalg.norm(self.axes.astype(np.float64), axis=1)
        return "an axis that is longer than 1" if (lengths > 1.001).any() else ""


def _axes(rows: _Rows) -> Array:
    """Return the directions in which `rows` [frames, E] vary, longer where they vary more."""
    _, singular, directions = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    squares = singular[: min(MOST_AXES, len(rows) - 1)] ** 2
    # In units of the mean over all E directions.
    variances = squares / max(np.sum(singular**2) / rows.shape[1], np.finfo(float).tiny)
    lengths = np.sqrt(1 - _SHRINKAGE / (_SHRINKAGE + (1 - _SHRINKAGE) * variances))
    axes: Array = (lengths[:, None] * directions[: len(lengths)]).astype(np.float32)
    return axes


def _off(axes: Array, offset: npt.NDArray[np.floating]) -> float:
    exact = offset.astype(np.float64)
    along = axes.astype(np.float64) @ exact
    beside = float(exact @ exact) - float(along @ along)
    return math.sqrt(max(0.0, beside) / len(exact))
