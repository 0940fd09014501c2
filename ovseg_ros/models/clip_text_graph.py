"""The exported program of a text tower: token ids and adapter factors in, unit vectors out."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.lora import LoraSite, lora_sites, slice_factors
from ovseg_ros.models.towers import AnyTextTower


class ClipTextGraph(nn.Module):
    """What `text.onnx` of a package holds."""

    def __init__(self, tower: AnyTextTower) -> None:
        """Wrap `tower` (in eval mode)."""
        super().__init__()
        self.tower = tower

    @property
    def lora_sites(self) -> list[tuple[str, LoraSite]]:
        """(name, site) of every layer of the tower that takes factors."""
        return list(lora_sites(self.tower))

    def forward(self, ids: Tensor, lora_a: Tensor, lora_b: Tensor) -> Tensor:
        """Return unit vectors [N, D] of int64 `ids` [N, L], padded behind the end token.

        `lora_a` [R, sum C_in] and `lora_b` [R, sum C_out] are packed over the sites of the tower.
        """
        lora = slice_factors([site for _, site in self.lora_sites], lora_a, lora_b)
        return F.normalize(self.tower(ids, lora), dim=-1)
