"""The student: a small text tower from hashed n-grams to the CLIP text space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class StudentConfig:
    """Dimensions of the tower.

    Attributes:
        buckets: rows of the hash table (without padding).
        max_words: longest text in words.
        width: size of a word vector.
        heads: attention heads of each mixing layer.
        layers: number of mixing layers.
        hidden: hidden size of the output MLP.
        dim: D, size of the text-embedding space.
    """

    buckets: int = 16384
    max_words: int = 12
    width: int = 160
    heads: int = 4
    layers: int = 1
    hidden: int = 512
    dim: int = 512


class MixingLayer(nn.Module):
    """Pre-norm transformer layer over the words of one text (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x f32 [N, W, C], bias f32 [N, 1, 1, W] (0 for a word, -1e4 for padding) -> [N, W, C]."""
        n, words, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).reshape(n, words, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + bias).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, words, width))
        return x + self.mlp(self.norm_mlp(x))


class Student(nn.Module):
    """ids int64 [N, W, G] -> unit vectors f32 [N, D].

    The network predicts the direction of the vector from the centre of the space; the vector is
    where that direction meets the unit sphere. So the output stays in the published space while
    all capacity goes into what tells names apart (the common part, `centre`, is 86 % of the
    length of every CLIP text vector).
    """

    def __init__(self, config: StudentConfig, centre: Tensor) -> None:
        super().__init__()
        self.config = config
        self.table = nn.Parameter(torch.randn(config.buckets + 1, config.width) * 0.1)
        self.position = nn.Parameter(torch.randn(config.max_words, config.width) * 0.02)
        self.norm_words = nn.LayerNorm(config.width)
        self.layers = nn.ModuleList(
            MixingLayer(config.width, config.heads) for _ in range(config.layers)
        )
        self.pool = nn.Linear(config.width, 1)
        self.head = nn.Sequential(
            nn.LayerNorm(config.width),
            nn.Linear(config.width, config.hidden),
            nn.GELU(),
            nn.Linear(config.hidden, config.dim),
        )
        self.centre: Tensor
        self.register_buffer("centre", centre.clone())
        with torch.no_grad():
            self.table[0].zero_()

    def word_vectors(self, ids: Tensor) -> Tensor:
        """Sum over a word's ids divided by the root of their number: [N, W, G] -> [N, W, C]."""
        n, words, grams = ids.shape
        flat = ids.reshape(n * words, grams)
        if self.training:
            total = F.embedding_bag(flat, self.table, mode="sum", padding_idx=0)
        else:
            total = F.embedding(flat, self.table).sum(1)
        count = (flat > 0).sum(1, keepdim=True).clamp(min=1).to(total.dtype)
        return (total / count.sqrt()).reshape(n, words, -1)

    def direction(self, ids: Tensor) -> Tensor:
        """Unit direction from the centre: int64 [N, W, G] -> f32 [N, D]."""
        bias = (ids[:, :, 0] == 0).to(self.table.dtype) * -1e4
        x = self.norm_words(self.word_vectors(ids)) + self.position[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, bias[:, None, None, :])
        weights = (self.pool(x).squeeze(-1) + bias).softmax(-1)
        return F.normalize(self.head((weights.unsqueeze(-1) * x).sum(1)), dim=-1)

    def forward(self, ids: Tensor) -> Tensor:
        """Unit vectors in the published space: int64 [N, W, G] -> f32 [N, D]."""
        return to_sphere(self.direction(ids), self.centre)


def to_sphere(direction: Tensor, centre: Tensor) -> Tensor:
    """Point of the unit sphere reached from `centre` [D] (inside it) along `direction` [N, D].

    The positive root s of |centre + s * direction| = 1.
    """
    along = (direction * centre).sum(-1, keepdim=True)
    reach = (along.square() + 1.0 - centre.square().sum()).sqrt() - along
    return F.normalize(centre + reach * direction, dim=-1)
