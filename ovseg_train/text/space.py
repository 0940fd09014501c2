"""Geometry of the text space: unit vectors seen from their common centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def unit(vectors: Vectors) -> Vectors:
    """Rows of `vectors` [N, D] scaled to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def directions(vectors: Vectors, centre: Vectors) -> Vectors:
    """Unit directions f32 [N, D] from `centre` [D] to `vectors` [N, D].

    The cosine between two directions is the "centred cosine" of the reports.
    """
    return unit(vectors - centre)


def on_sphere(direction: Vectors, centre: Vectors) -> Vectors:
    """Unit vectors f32 [N, D] reached from `centre` along `direction`; undoes `directions`."""
    along = direction @ centre
    reach = np.sqrt(along**2 + 1.0 - centre @ centre) - along
    return unit(centre + reach[:, None] * direction)
