"""Early rejection of labels in large vocabularies, in the spirit of SED (Xie et al., CVPR 2024).

Most labels of a long list are nowhere in the frame, and the cost volume shows it before the costly
aggregation. How many are kept does not depend on the frame, so the program stays static.
"""

from __future__ import annotations

import torch
from torch import Tensor


def promising(cost: Tensor, most: int) -> Tensor:
    """Return the numbers [B, K] of the labels of `cost` [B, N, h, w] worth aggregating.

    K is `most`, or N where that is less. Labels go by the number of positions that rank them first,
    then by how close they come to it, anywhere and on average.
    """
    positions = cost.flatten(2)
    behind = positions - positions.amax(1, keepdim=True)
    wins = (behind == 0).sum(-1)
    # Cosines differ by at most 2: this is in -1..0 and decides among equal numbers of wins.
    closeness = (behind.amax(-1) + behind.mean(-1)) / 4
    return (wins + closeness).topk(torch.sym_min(most, cost.shape[1]), dim=-1).indices


def pick_labels(maps: Tensor, kept: Tensor) -> Tensor:
    """Return the maps [B, K, h, w] that `kept` [B, K] names among `maps` [B, N, h, w]."""
    return maps.gather(1, kept[:, :, None, None].expand(-1, -1, *maps.shape[2:]))


def original_number(place: Tensor, kept: Tensor) -> Tensor:
    """Return which of all labels is meant by a `place` [B, h, w] among those `kept` [B, K]."""
    return kept.gather(1, place.flatten(1)).reshape(place.shape)
