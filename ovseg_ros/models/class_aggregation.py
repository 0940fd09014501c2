"""Aggregation over labels: linear attention (Katharopoulos et al., ICML 2020) at each position.

The published program pads the labels to a fixed number with a learnt token. The padded rows are the
same at every position and what comes out of them is dropped, so their part in the two sums of the
linear attention is one constant: it is added, not computed row by row (exact, and it saves nearly
all of the work at few labels).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.lora import LoraChange, LoraLinear, LoraSlices

_EPS = 1e-6

# Small weights, and as many positions as there are labels times patches.
_CHANGE = LoraChange.WEIGHT


class Padding(NamedTuple):
    """`rows` rows that attend to nothing but are attended to: token and guidance [1, 1, C]."""

    rows: int
    token: Tensor
    guidance: Tensor


class LinearAttention(nn.Module):
    """Multi-head linear attention over labels; the projections are LoRA sites."""

    def __init__(self, width: int, guidance: int, heads: int) -> None:
        """Build projections of `width` channels; `guidance` channels enter queries and keys."""
        super().__init__()
        self.heads = heads
        self.q = LoraLinear(width + guidance, width, _CHANGE)
        self.k = LoraLinear(width + guidance, width, _CHANGE)
        self.v = LoraLinear(width, width, _CHANGE)

    def forward(self, x: Tensor, guidance: Tensor, padding: Padding, lora: LoraSlices) -> Tensor:
        """Map [B, N, P, C] under text guidance [B, N, G] to the same shape.

        With phi = elu + 1, sums S = sum k v^T and z = sum k over labels and padding:
        out = q S / (q z + eps).
        """
        total = x.shape[1] + padding.rows
        query = self._split(_phi(self._guided(self.q, x, guidance, lora)))
        key = self._split(_phi(self._guided(self.k, x, guidance, lora)))
        value = self._split(self.v(x, lora)) / total
        pad_key = _phi(self._guided(self.k, padding.token, padding.guidance, lora))
        pad_key = padding.rows * self._split_one(pad_key)
        pad_value = self._split_one(self.v(padding.token, lora)) / total
        summary = key.transpose(-1, -2) @ value + pad_key.unsqueeze(-1) * pad_value.unsqueeze(-2)
        weight = query @ (key.sum(-2) + pad_key).unsqueeze(-1)
        y = (query @ summary) / (weight + _EPS) * total
        return y.permute(0, 3, 1, 2, 4).flatten(-2)

    @staticmethod
    def _guided(layer: LoraLinear, x: Tensor, guidance: Tensor, lora: LoraSlices) -> Tensor:
        shared = layer.rest(guidance, lora)
        return layer.first(x, lora) + (shared[:, :, None] if x.ndim == 4 else shared)

    def _split(self, x: Tensor) -> Tensor:
        """[B, N, P, C] to [B, P, heads, N, C / heads]."""
        return x.unflatten(-1, (self.heads, -1)).permute(0, 2, 3, 1, 4)

    def _split_one(self, x: Tensor) -> Tensor:
        """[1, 1, C] to [heads, C / heads]."""
        return x.reshape(self.heads, -1)


class ClassAggregation(nn.Module):
    """Linear attention and a feed-forward part over the labels, on maps pooled or not."""

    def __init__(self, width: int, guidance: int, heads: int, capacity: int, pooling: int) -> None:
        """Build the block; `capacity` is the number of rows that the labels are padded to."""
        super().__init__()
        self.capacity, self.pooling = capacity, pooling
        self.attention = LinearAttention(width, guidance, heads)
        self.MLP = nn.ModuleList(
            [
                LoraLinear(width, 4 * width, _CHANGE),
                nn.ReLU(),
                LoraLinear(4 * width, width, _CHANGE),
            ]
        )
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.padding_tokens = nn.Parameter(torch.zeros(1, 1, width))
        self.padding_guidance = nn.Parameter(torch.zeros(1, 1, guidance))

    def forward(self, x: Tensor, guidance: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, N, H, W, C] under [B, N, G] to the same shape, N at most `capacity`."""
        b, n, h, w, c = x.shape
        pooled = self._pool(x)
        rows, columns = pooled.shape[2:4]
        y = pooled.reshape(b, n, rows * columns, c)
        padding = Padding(self.capacity - n, self.norm1(self.padding_tokens), self.padding_guidance)
        y = y + self.attention(self.norm1(y), guidance, padding, lora)
        hidden = F.relu(self.MLP[0](self.norm2(y), lora))
        y = y + self.MLP[2](hidden, lora)
        return x + self._unpool(y.reshape(b, n, rows, columns, c), h, w)

    def _pool(self, x: Tensor) -> Tensor:
        if self.pooling == 1:
            return x
        y = F.avg_pool2d(x.flatten(0, 1).permute(0, 3, 1, 2), self.pooling)
        return y.permute(0, 2, 3, 1).unflatten(0, x.shape[:2])

    def _unpool(self, y: Tensor, h: int, w: int) -> Tensor:
        if self.pooling == 1:
            return y
        z = y.flatten(0, 1).permute(0, 3, 1, 2)
        z = F.interpolate(z, (h, w), mode="bilinear", align_corners=True)
        return z.permute(0, 2, 3, 1).unflatten(0, y.shape[:2])


def _phi(x: Tensor) -> Tensor:
    return F.elu(x) + 1
