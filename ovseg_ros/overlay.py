"""Colours of labels laid over an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def lay_over(
    image: npt.NDArray[np.uint8],
    ids: npt.NDArray[np.unsignedinteger],
    palette: npt.NDArray[np.uint8],
    opacity: float = 0.5,
) -> npt.NDArray[np.uint8]:
    """Return `image` uint8 [H, W, 3] RGB with `palette[ids]` laid over it, except where ids are 0.

    `ids` is [H, W], `palette` uint8 [K, 3]; `opacity` in 0..1 is the weight of the colour.
    """
    weight = np.where(ids > 0, round(256 * opacity), 0).astype(np.uint16)[..., None]
    mixed: npt.NDArray[np.uint16] = image * (256 - weight) + palette[ids] * weight
    return (mixed >> 8).astype(np.uint8)
