"""The ground truth of the text space: CLIP ViT-B/32 text vectors of many object names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.errors import OvsegError


@dataclass(frozen=True)
class ClipNames:
    """Names with their text vectors.

    Attributes:
        names: the names as published.
        vectors: f32 [M, D], unit norm.
    """

    names: tuple[str, ...]
    vectors: NDArray[np.float32]


def load_clip_names(path: Path) -> ClipNames:
    """Reads an .npz with `names` [M] and `emb` [M, D].

    Raises OvsegError when the file is missing, of another layout or not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names, vectors = archive["names"], archive["emb"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise OvsegError(
            f"cannot read CLIP names from {path}: {error}; wanted an .npz with names [M] and "
            "emb [M, D]"
        ) from error
    if vectors.ndim != 2 or names.shape != vectors.shape[:1] or not np.isfinite(vectors).all():
        raise OvsegError(f"{path}: names {names.shape} and emb {vectors.shape} do not fit together")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return ClipNames(tuple(str(name) for name in names), vectors)
