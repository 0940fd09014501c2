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
from ovseg_ros.models.steps import Steps, each_part

_EPS = 1e-6

# Small weights, and as many positions as there are labels times patches.
_CHANGE = LoraChange.WEIGHT


class TextShare(NamedTuple):
    """What the text guidance adds to queries and keys at every position, [B, N, C] each."""

    query: Tensor
    key: Tensor


class Padding(NamedTuple):
    """Rows that attend to nothing but are attended to: the sum of their keys [B, C], value [C]."""

    keys: Tensor
    value: Tensor


class LinearAttention(nn.Module):
    """Multi-head linear attention over labels; the projections are LoRA sites."""

    def __init__(self, width: int, guidance: int, heads: int) -> None:
        """Build projections of `width` channels; `guidance` channels enter queries and keys."""
        super().__init__()
        self.heads = heads
        self.q = LoraLinear(width + guidance, width, _CHANGE)
        self.k = LoraLinear(width + guidance, width, _CHANGE)
        self.v = LoraLinear(width, width, _CHANGE)

    def share(self, guidance: Tensor, lora: LoraSlices) -> TextShare:
        """Return the share of text guidance [B, N, G]."""
        return TextShare(self.q.rest(guidance, lora), self.k.rest(guidance, lora))

    def pad(self, rows: Tensor, token: Tensor, guidance: Tensor, lora: LoraSlices) -> Padding:
        """Return `rows` [B] equal rows of `token` [1, 1, C] under `guidance` [1, 1, G]."""
        key = _phi(self.k.first(token, lora) + self.k.rest(guidance, lora))
        return Padding(rows[:, None] * key[0], self.v(token, lora)[0, 0])

    def forward(
        self,
        x: Tensor,
        share: TextShare,
        real: Tensor,
        padding: Padding,
        total: int,
        lora: LoraSlices,
    ) -> Tensor:
        """Map [B, N, P, C] to the same shape; `total` counts the labels and the padded rows.

        With phi = elu + 1, sums S = sum k v^T and z = sum k over labels (those that are `real`
        [B, N]) and padding: out = q S / (q z + eps).
        """
        query = self._split(_phi(self.q.first(x, lora) + share.query[:, :, None]))
        key = _phi(self.k.first(x, lora) + share.key[:, :, None]) * real[:, :, None, None]
        key = self._split(key)
        value = self._split(self.v(x, lora)) / total
        pad_keys = padding.keys.unflatten(-1, (self.heads, -1)).unsqueeze(1)
        pad_value = padding.value.unflatten(-1, (self.heads, -1)) / total
        summary = key.transpose(-1, -2) @ value + pad_keys.unsqueeze(-1) * pad_value.unsqueeze(-2)
        weight = query @ (key.sum(-2) + pad_keys).unsqueeze(-1)
        y = (query @ summary) / (weight + _EPS) * total
        return y.permute(0, 3, 1, 2, 4).flatten(-2)

    def _split(self, x: Tensor) -> Tensor:
        """[B, N, P, C] to [B, P, heads, N, C / heads]."""
        return x.unflatten(-1, (self.heads, -1)).permute(0, 2, 3, 1, 4)


class ClassAggregation(nn.Module):
    """Linear attention and a feed-forward part over the labels, on maps pooled or not."""

    def __init__(
        self,
        width: int,
        guidance: int,
        heads: int,
        capacity: int,
        pooling: int,
        steps: Steps = Steps.ONE_BY_ONE,
    ) -> None:
        """Build the block; `capacity` is the number of rows that the labels are padded to."""
        super().__init__()
        self.capacity, self.pooling, self.steps = capacity, pooling, steps
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

    def forward(self, x: Tensor, guidance: Tensor, real: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, N, H, W, C] under [B, N, G] to the same shape, N at most `capacity`.

        `real` [B, N] is 1 for the rows that are there; the others count as padding.
        """
        h, w = x.shape[2:4]
        attention = self.attention
        share = attention.share(guidance, lora)
        token = self.norm1(self.padding_tokens)
        padding = attention.pad(self.capacity - real.sum(1), token, self.padding_guidance, lora)

        def change(rows: Tensor) -> Tensor:
            y = rows.flatten(2, 3)
            y = y + attention(self.norm1(y), share, real, padding, self.capacity, lora)
            hidden = F.relu(self.MLP[0](self.norm2(y), lora))
            return (y + self.MLP[2](hidden, lora)).reshape(rows.shape)

        return x + self._unpool(each_part(change, self._pool(x), 2, self.steps), h, w)

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
