"""The image tower of CLIP as a dense encoder: a text-space vector for every patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.clip_block import Activation, ClipBlock, DenseResidual
from ovseg_ros.models.lora import LoraSlices

_EPS = 1e-6


@dataclass(frozen=True)
class ImageTowerConfig:
    """Dimensions of a plain ViT tower.

    `grid` is the side, in patches, that the position embedding was trained at, `embedding_dim` D.
    """

    layers: int
    width: int
    heads: int
    patch_px: int
    grid: int
    embedding_dim: int
    activation: Activation = Activation.QUICK_GELU
    mlp_ratio: float = 4.0


@dataclass(frozen=True)
class DenseFeatures:
    """What the tower sees: `dense` [B, 1 + P, D], class token first, P patches row by row.

    SigLIP's towers, which have no class token, put the vector of the whole image in its place.

    `stem` [B, P, C] are the patches before the first block, and so before any LoRA site; `blocks`
    the outputs [B, P, C] of the blocks that were asked for, without class token.
    """

    stem: Tensor
    dense: Tensor
    blocks: tuple[Tensor, ...]


class ImageTower(nn.Module):
    """CLIP's vision transformer, its last block run without attention."""

    def __init__(self, config: ImageTowerConfig) -> None:
        """Build the tower."""
        super().__init__()
        self.config = config
        width = config.width
        self.conv1 = nn.Conv2d(3, width, config.patch_px, stride=config.patch_px, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(config.grid**2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            ClipBlock(width, config.heads, config.activation, config.mlp_ratio)
            for _ in range(config.layers)
        )
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.zeros(width, config.embedding_dim))

    def forward(
        self,
        x: Tensor,
        lora: LoraSlices,
        residual: DenseResidual,
        wanted: Sequence[int] = (),
    ) -> DenseFeatures:
        """Encode normalised pixels `x` [B, 3, H, W], H and W multiples of the patch.

        `wanted` are the numbers of the blocks whose outputs are returned too, ascending, not the
        last.
        """
        tokens = self._embed(x)
        stem = tokens[:, 1:]
        kept = []
        *others, last = self.blocks
        for number, block in enumerate(others):
            tokens = block(tokens, lora)
            if number in wanted:
                kept.append(tokens[:, 1:])
        assert isinstance(last, ClipBlock)
        tokens = last.dense(tokens, lora, residual)
        return DenseFeatures(stem, self.ln_post(tokens) @ self.proj, tuple(kept))

    def positions(self, rows: int, columns: int) -> Tensor:
        """Return the position embedding [1 + rows * columns, C] for a grid of patches.

        The trained square is resized bicubically; the class token keeps its own.
        """
        side = self.config.grid
        if (rows, columns) == (side, side):
            return self.positional_embedding
        own, square = self.positional_embedding[:1], self.positional_embedding[1:]
        return torch.cat([own, resize_positions(square, side, rows, columns)])

    def _embed(self, x: Tensor) -> Tensor:
        patches = self.conv1(x)
        rows, columns = patches.shape[-2:]
        patches = patches.flatten(2).transpose(1, 2)
        own = self.class_embedding.expand(len(x), 1, -1)
        tokens = torch.cat([own, patches], 1) + self.positions(rows, columns)
        return self.ln_pre(tokens)


def resize_positions(square: Tensor, side: int, rows: int, columns: int) -> Tensor:
    """Return the embedding [rows * columns, C] of a grid, of `square` [side * side, C].

    Bicubic, as CLIP is used for segmentation.
    """
    x = square.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    resized = F.interpolate(x, (rows, columns), mode="bicubic", align_corners=False)
    return resized[0].flatten(1).T


def scene_embedding(stem: Tensor) -> Tensor:
    """Return [B, 2C]: channel means and deviations of `stem` [B, P, C], adapter or not."""
    mean = stem.mean(1)
    variance = (stem * stem).mean(1) - mean * mean
    return torch.cat([mean, variance.clamp_min(_EPS).sqrt()], 1)
