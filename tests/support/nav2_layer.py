"""A consumer that reads masks, confidences and clouds as Nav2's semantic segmentation layer does.

Written from the layer's rules, not from its code: messages of exactly the same stamp belong
together; pixel i of mask and confidence is byte i of their data and point i of the cloud, whatever
`step` and `row_step` say; a point whose z is not finite, or that is not within the distances, is
left out; each tile keeps its best pixel, by confidence or by the cost of its class, the first of
equals; classes that the layer was not configured for, or that the labels do not list, mark nothing.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Tile = tuple[int, int]

# A robot whose camera looks straight ahead: x forward, y left, z up, camera at the origin.
AHEAD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class LayerSettings:
    """The layer's parameters. `costs` are max_cost by class name; the others are in metres."""

    costs: Mapping[str, int]
    by_cost: bool = False
    resolution_m: float = 0.1
    nearest_m: float = 0.3
    farthest_m: float = 5.0


def same_stamp(*streams: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the messages that came on all streams with exactly the same stamp."""
    keyed = [{(m.header.stamp.sec, m.header.stamp.nanosec): m for m in s} for s in streams]
    common = sorted(set.intersection(*(set(messages) for messages in keyed)))
    return [tuple(messages[stamp] for messages in keyed) for stamp in common]


def observed_tiles(
    mask: Any, confidence: Any, cloud: Any, ids: Mapping[str, int], settings: LayerSettings
) -> dict[Tile, tuple[int, int]]:
    """Return (class id, confidence) of each tile that these three messages mark."""
    cost_of = {ids[name]: cost for name, cost in settings.costs.items() if name in ids}
    best: dict[Tile, int] = {}
    for index, tile in _tiles(mask, cloud, settings):
        known = best.get(tile)
        if known is None or _is_better(index, known, mask, confidence, cost_of, settings.by_cost):
            best[tile] = index
    return {
        tile: (mask.data[index], confidence.data[index])
        for tile, index in best.items()
        if mask.data[index] in cost_of
    }


def _tiles(mask: Any, cloud: Any, settings: LayerSettings) -> list[tuple[int, Tile]]:
    """Return the index and the tile of every pixel whose point counts."""
    offset_of = {field.name: field.offset for field in cloud.fields}
    near, far = settings.nearest_m**2, settings.farthest_m**2
    found = []
    for index in range(mask.width * mask.height):
        start = index * cloud.point_step
        optical = [
            struct.unpack_from("<f", cloud.data, start + offset_of[axis])[0] for axis in "xyz"
        ]
        if not math.isfinite(optical[2]):
            continue
        x, y, z = AHEAD @ optical
        if near < x * x + y * y + z * z < far:
            tile = (
                math.floor(x / settings.resolution_m),
                math.floor(y / settings.resolution_m),
            )
            found.append((index, tile))
    return found


def _is_better(
    new: int, old: int, mask: Any, confidence: Any, cost_of: Mapping[int, int], by_cost: bool
) -> bool:
    if by_cost:
        return cost_of.get(mask.data[new], 0) > cost_of.get(mask.data[old], 0)
    return bool(confidence.data[new] > confidence.data[old])
