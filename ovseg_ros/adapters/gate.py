"""The gate: which adapters may take part for a scene, and why none does."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import Array
from ovseg_ros.adapters.distance import Numbers, in_units
from ovseg_ros.adapters.index import LibraryIndex
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.shape import DomainShape

ShapeOf = Callable[[str], DomainShape | None]
Rows = npt.NDArray[np.int64]
# Shapes are read from files: of the nearest k times so many, no more.
_LOOKED_AT = 8


@dataclass(frozen=True)
class Gate:
    """How far the scenes of each adapter reach, in spreads of its domain, float64 [M].

    So that a scene on a border need not switch with every frame, adapters that are not in use have
    a gate that is `slack` narrower (0.1: by a tenth), and those in use stay among the nearest until
    they are that much further away.
    """

    index: LibraryIndex
    settings: RetrievalSettings
    spreads: Numbers
    advantage: Numbers

    @classmethod
    def of(
        cls,
        index: LibraryIndex,
        settings: RetrievalSettings,
        in_use: Collection[str] = (),
        slack: float = 0.0,
    ) -> Gate:
        """Return the gate while the adapters `in_use` are in the mix."""
        # Narrower outside, not wider inside: no scene beyond the gate keeps an adapter.
        spreads, advantage = np.full(len(index), settings.gate / (1 + slack)), np.ones(len(index))
        used = [index.row_of[name] for name in in_use if name in index]
        spreads[used] = settings.gate
        advantage[used] /= 1.0 + slack
        return cls(index, settings, spreads, advantage)

    def inside(self, found: Numbers, embedding: Array, shape_of: ShapeOf) -> tuple[Rows, str]:
        """Return the rows of the nearest adapters that take part, or why there is none.

        `found` are the distances of the scene with `embedding` [E], infinity for adapters that know
        no scenes. A domain is a ball, and within it what `shape_of` knows by the adapter's name.
        """
        reaches = self.spreads * self.index.spreads
        limits = in_units(reaches, self.index.centroids, self.settings.distance)
        near = np.flatnonzero((found <= limits) & np.isfinite(found))
        if not len(near):
            return near, _nothing_near(self.index, found, limits)
        top_k = self.settings.top_k
        rows = near[_smallest(found[near] * self.advantage[near], _LOOKED_AT * top_k)]
        if math.isinf(self.settings.gate):
            return rows[:top_k], ""
        off = np.array([self._spreads_off(row, embedding, shape_of) for row in rows])
        fitting = rows[off <= self.spreads[rows]][:top_k]
        return fitting, "" if len(fitting) else self._none_fits(rows[0], off[0])

    def _spreads_off(self, row: int, embedding: Array, shape_of: ShapeOf) -> float:
        shape = shape_of(self.index.names[row])
        return shape.spreads_off(embedding - self.index.centroids[row]) if shape else 0.0

    def _none_fits(self, row: int, off: float) -> str:
        return (
            f"no near adapter: the scene is {off:.3g} times as far off '{self.index.names[row]}' "
            f"as those of its domain are; it takes part up to {self.spreads[row]:.3g}: base model"
        )


def _smallest(found: Numbers, count: int) -> npt.NDArray[np.int64]:
    """Return the places of the `count` smallest, ascending; of equal ones the first by name."""
    if len(found) > count:
        limit = np.partition(found, count - 1)[count - 1]
        places = np.flatnonzero(found <= limit)
    else:
        places = np.arange(len(found))
    ascending: npt.NDArray[np.int64] = np.argsort(found[places], kind="stable")
    chosen: npt.NDArray[np.int64] = places[ascending][:count]
    return chosen


def _nothing_near(index: LibraryIndex, found: Numbers, limits: Numbers) -> str:
    row = int(np.argmin(found))
    if not np.isfinite(found[row]):
        return "no adapter knows scenes of this package: base model"
    return (
        f"no near adapter: the nearest, '{index.names[row]}', is at {found[row]:.3g} and takes "
        f"part up to {limits[row]:.3g}: base model"
    )
