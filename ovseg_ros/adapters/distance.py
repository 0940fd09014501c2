"""How far a scene is from the centroids of domains."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import Array

# A scene exactly on a centroid; its similarity is still a finite number.
NEAREST = 1e-9
Numbers = npt.NDArray[np.float64]
_CHUNK_ROWS = 2048


class Distance(Enum):
    """How far a scene is from a centroid, for embeddings of E numbers.

    `rms`: the root mean square of the differences, in the units of the embedding, which for `tiny`
    is one standard deviation of its training scenes. `euclidean`: as published, sqrt(E) times that.
    `cosine`: 1 - cosine, 0 to 2.
    """

    RMS = "rms"
    EUCLIDEAN = "euclidean"
    COSINE = "cosine"


def distances(centroids: Array, embedding: Array, distance: Distance) -> Numbers:
    """Return the distance of `embedding` [E] to each of `centroids` [M, E], float64 [M]."""
    found = np.empty(len(centroids))
    for start in range(0, len(centroids), _CHUNK_ROWS):
        rows = centroids[start : start + _CHUNK_ROWS]
        part = found[start : start + len(rows)]
        if distance is Distance.COSINE:
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * np.linalg.norm(embedding)
            part[:] = 1.0 - (rows @ embedding) / np.maximum(norms, NEAREST)
        else:
            difference = rows - embedding
            squared = np.einsum("ij,ij->i", difference, difference)
            part[:] = np.sqrt(squared / (len(embedding) if distance is Distance.RMS else 1))
    return found


def in_units(rms: Numbers, centroids: Array, distance: Distance) -> Numbers:
    """Return distances `rms` from each of `centroids` in the units of `distance`."""
    if distance is Distance.RMS:
        return rms
    euclidean: Numbers = rms * math.sqrt(centroids.shape[1])
    if distance is Distance.EUCLIDEAN:
        return euclidean
    # A frame that far from its centroid, straight across, is at this angle to it.
    norms = np.maximum(np.sqrt(np.einsum("ij,ij->i", centroids, centroids)), NEAREST)
    limits: Numbers = 1.0 - 1.0 / np.hypot(1.0, euclidean / norms)
    return limits
