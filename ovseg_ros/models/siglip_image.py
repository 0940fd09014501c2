"""The image tower of SigLIP as a dense encoder: a text-space vector for every patch.

SigLIP (Zhai et al., ICCV 2023) and SigLIP 2 (Tschannen et al., 2025) have no class token. A learned
query attends to all patches instead, once, behind the last block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.clip_block import Activation, ClipBlock, ClipMlp, DenseResidual
from ovseg_ros.models.clip_image import DenseFeatures, resize_positions
from ovseg_ros.models.lora import LoraChange, LoraLinear, LoraSlices

EPS = 1e-6


@dataclass(frozen=True)
class SiglipImageConfig:
    """Dimensions of the tower.

    `grid` is the side, in patches, that the position embedding was trained at. There is no
    projection: the width is the dimension of the text space.
    """

    layers: int
    width: int
    heads: int
    patch_px: int
    grid: int
    activation: Activation = Activation.GELU
    mlp_ratio: float = 4.0

    @property
    def embedding_dim(self) -> int:
        """D, the size of the text-embedding space."""
        return self.width


class AttentionPool(nn.Module):
    """One learned query attends to all patches; its answer is the vector of the image."""

    def __init__(self, config: SiglipImageConfig) -> None:
        """Build the query, the attention and the feed-forward part behind it."""
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.latent = nn.Parameter(torch.zeros(1, 1, width))
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = LoraLinear(width, width, LoraChange.SECOND_PATH)
        self.out_proj = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, EPS)
        self.mlp = ClipMlp(width, int(width * config.mlp_ratio), config.activation)

    def forward(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Return [B, 1 + P, C] of patches `x` [B, P, C]: the image first, then every patch.

        A patch's vector is what the image's would be if the query saw that patch alone, the value
        path of MaskCLIP (Zhou et al., ECCV 2022, section 3.2).
        """
        values = self.v_proj(x, lora)
        y = self.out_proj(torch.cat([self._attend(x, values), values], 1))
        return y + self.mlp(self.norm(y), lora)

    def _attend(self, x: Tensor, values: Tensor) -> Tensor:
        """Return the values [B, P, C] as the query weighs them, [B, 1, C]."""
        query = self.q_proj(self.latent).expand(len(x), -1, -1)
        split = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (query, self.k_proj(x), values)
        )
        return F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)


class SiglipImageTower(nn.Module):
    """SigLIP's vision transformer, every patch pooled for itself."""

    def __init__(self, config: SiglipImageConfig) -> None:
        """Build the tower."""
        super().__init__()
        self.config = config
        width, patch = config.width, config.patch_px
        self.patch_embed = nn.Conv2d(3, width, patch, stride=patch)
        self.pos_embed = nn.Parameter(torch.zeros(1, config.grid**2, width))
        self.blocks = nn.ModuleList(
            ClipBlock(width, config.heads, config.activation, config.mlp_ratio, EPS)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width, EPS)
        self.attn_pool = AttentionPool(config)

    def forward(
        self,
        x: Tensor,
        lora: LoraSlices,
        residual: DenseResidual,
        wanted: Sequence[int] = (),
    ) -> DenseFeatures:
        """Encode normalised pixels `x` [B, 3, H, W], H and W multiples of the patch.

        The image's vector stands where CLIP has its class token. `wanted` are the numbers of the
        blocks whose outputs are returned too, ascending. `residual`, for which CLIP's towers are
        told apart, is not asked: the pooling adds nothing of its input to its output.
        """
        tokens = stem = self._embed(x)
        kept = []
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, lora)
            if number in wanted:
                kept.append(tokens)
        return DenseFeatures(stem, self.attn_pool(self.norm(tokens), lora), tuple(kept))

    def _embed(self, x: Tensor) -> Tensor:
        patches = self.patch_embed(x)
        rows, columns = patches.shape[-2:]
        return patches.flatten(2).transpose(1, 2) + self._positions(rows, columns)

    def _positions(self, rows: int, columns: int) -> Tensor:
        side = self.config.grid
        if (rows, columns) == (side, side):
            return self.pos_embed[0]
        return resize_positions(self.pos_embed[0], side, rows, columns)
