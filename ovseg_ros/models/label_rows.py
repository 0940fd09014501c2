"""The labels of a query as networks take them, some rows of which may not be there.

Engines have shapes for a few numbers of labels, so a query is filled up to the next one. A row that
is not there wins nowhere and changes nothing of what the labels share.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Far under every logit; sigmoid makes 0 of it, and it stays finite when maps are interpolated.
ABSENT_LOGIT = -100.0
# Under every cosine, and by so much that a softmax with a usual temperature leaves nothing.
ABSENT_COSINE = -2.0


class LabelRows(NamedTuple):
    """`bank` [N, D]; `real` [N] (or [B, N] once each image has rows of its own), 1 or 0."""

    bank: Tensor
    real: Tensor

    @classmethod
    def all_real(cls, bank: Tensor) -> LabelRows:
        """Return rows [N, D] that are all there."""
        return cls(bank, bank.new_ones(len(bank)))


def without_absent(maps: Tensor, real: Tensor, absent: float) -> Tensor:
    """Return `maps` [B, N, h, w] with the value `absent` in rows that are not there."""
    present = real.reshape(-1, maps.shape[1], 1, 1) > 0.5
    return torch.where(present, maps, absent)
