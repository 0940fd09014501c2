"""The exported program of CLIP's text tower: token ids in, unit vectors out."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.clip_text import ClipTextTower


class ClipTextGraph(nn.Module):
    """What `text.onnx` of a package holds."""

    def __init__(self, tower: ClipTextTower) -> None:
        """Wrap `tower` (in eval mode)."""
        super().__init__()
        self.tower = tower

    def forward(self, ids: Tensor) -> Tensor:
        """Return unit vectors [N, D] of int64 `ids` [N, L], zeros behind the end token."""
        return F.normalize(self.tower(ids, {}), dim=-1)
