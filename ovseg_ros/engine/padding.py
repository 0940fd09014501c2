"""Filling a query or an adapter up to the size that an engine has shapes for.

A row of labels that fills up carries `PAD_CODE`: graphs leave it out of everything that labels
share. Ranks of zeros add nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ovseg_ros.engine.base import TextRows
from ovseg_ros.vocabulary import PAD_CODE


def pad_rows(rows: TextRows, count: int) -> TextRows:
    """Return `rows` filled up to `count` rows, at least as many as there are."""
    more = count - len(rows.codes)
    # Copies of a real row, since numbers that no text has could overflow in float16.
    return TextRows(
        np.concatenate([rows.bank, np.repeat(rows.bank[:1], more, axis=0)]),
        np.concatenate([rows.codes, np.full(more, PAD_CODE, np.uint8)]),
        np.concatenate([rows.thresholds, np.ones(more, np.float32)]),
    )


def pad_rank(factor: npt.NDArray[np.float32], rank: int) -> npt.NDArray[np.float32]:
    """Return packed LoRA `factor` [R, C] with rows of zeros up to `rank`, at least R."""
    return np.concatenate([factor, np.zeros((rank - len(factor), factor.shape[1]), np.float32)])
