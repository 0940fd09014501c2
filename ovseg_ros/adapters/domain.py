"""Where a domain is among all scenes, and which frames have a scene embedding at all.

Distances are the root mean square over the E numbers of an embedding, so they do not grow with E.
For a package whose embedding is standardised (the embedded `tiny`) their unit is one standard
deviation of the scenes that it was trained on; for others it is that of the embedding itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.errors import AdapterError
from ovseg_ros.segmentation import UInt8Array

# A camera with its cap on, or blinded, still has noise of a few levels.
_DARK = 12
_BRIGHT = 243
_SHARE = 0.995
_FLAT_LEVELS = 4
_STEP_PX = 8


@dataclass(frozen=True)
class DomainStatistics:
    """The mean of `count` frames, float32 [E], and how far from it a new frame is expected.

    `spread` is a root mean square. The frames themselves are nearer to their own mean than others
    will be, much so where they are few; that is accounted for: of n frames with the sum of squares
    S it is sqrt(S / (n - 1) * (1 + 1 / n)). `shape` is None where the frames were too few to tell.
    """

    centroid: npt.NDArray[np.float32]
    spread: float
    count: int
    shape: DomainShape | None = None

    @classmethod
    def of(cls, embeddings: npt.NDArray[np.floating]) -> DomainStatistics:
        """Return those of `embeddings` [frames, E], in the order of their time.

        Raises `AdapterError` for fewer than two frames, for values that are not finite, and where
        all frames are the same.
        """
        rows = np.asarray(embeddings, np.float64)
        if rows.ndim != 2 or len(rows) < 2:
            raise AdapterError(
                f"scene embeddings of shape {list(rows.shape)} were given, [frames, E] with at "
                "least two frames was wanted: one picture tells no domain; give more pictures"
            )
        if not np.isfinite(rows).all():
            raise AdapterError(
                "a scene embedding holds NaN or infinity; leave out pictures that are broken"
            )
        # As it is stored, so that the spread belongs to what is compared later.
        centroid = rows.mean(0).astype(np.float32)
        count = len(rows)
        squares = float(np.sum(np.mean((rows - centroid) ** 2, axis=1)))
        spread = float(np.sqrt(squares / (count - 1) * (1 + 1 / count)))
        if spread <= 1e-6 * float(np.abs(rows).max()):
            raise AdapterError(
                f"all {count} frames have the same scene embedding, so the domain has no "
                "spread; give pictures of different places or moments"
            )
        return cls(centroid, spread, count, DomainShape.of(rows))


def frame_fault(image: UInt8Array) -> str:
    """Return why `image`, uint8 [H, W, 3], shows no scene ("black", ...); empty where it does."""
    sample = image[::_STEP_PX, ::_STEP_PX]
    # Of each pixel the largest for black, the smallest for white: coloured light is a scene.
    if np.mean(sample.max(-1) <= _DARK) >= _SHARE:
        return "black"
    if np.mean(sample.min(-1) >= _BRIGHT) >= _SHARE:
        return "saturated"
    if int(np.ptp(sample.reshape(-1, sample.shape[-1]), axis=0).max()) <= _FLAT_LEVELS:
        return "of a single colour"
    return ""


def embedding_fault(embedding: npt.NDArray[np.floating], scene_dim: int) -> str:
    """Return why `embedding` cannot be compared with centroids of E numbers; empty if it can."""
    if embedding.shape != (scene_dim,):
        return f"an embedding of shape {list(embedding.shape)}, [{scene_dim}] was wanted"
    if not np.isfinite(embedding).all():
        return "an embedding that is not finite"
    if scene_dim > 1 and not np.ptp(embedding) > 0:
        return "an embedding without any variation"
    return ""
