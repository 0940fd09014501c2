"""Aggregation over space: a pair of Swin blocks (Liu et al., ICCV 2021) on each label's cost map.

Image guidance enters queries and keys by concatenation (Cho et al., CVPR 2024, section 3.3). Its
share of the projections is the same for every label, so it is computed once per image.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.lora import LoraChange, LoraLinear, LoraSlices
from ovseg_ros.models.steps import Steps, each_part

_OTHER_REGION = -100.0

# Small weights, and as many positions as there are labels times patches.
_CHANGE = LoraChange.WEIGHT


def shifted_window_mask(side: int, window: int, shift: int) -> Tensor:
    """Return [windows, window**2, window**2]: 0 within a region, -100 across the seams of a shift.

    After a cyclic shift a window holds patches that were not neighbours; the mask keeps them apart.
    """
    region = torch.zeros(side, dtype=torch.long)
    region[side - window : side - shift] = 1
    region[side - shift :] = 2
    regions = (3 * region[:, None] + region[None, :])[None, :, :, None]
    flat = to_windows(regions, window)[..., 0]
    return torch.where(flat[:, None] == flat[:, :, None], 0.0, _OTHER_REGION)


def to_windows(x: Tensor, window: int) -> Tensor:
    """Cut [M, H, W, C] into [M * windows, window**2, C]."""
    m, h, w, c = x.shape
    x = x.reshape(m, h // window, window, w // window, window, c)
    return x.transpose(2, 3).reshape(-1, window * window, c)


def from_windows(x: Tensor, window: int, side: int) -> Tensor:
    """Put windows [M * windows, window**2, C] together to [M, side, side, C]."""
    count = side // window
    x = x.reshape(-1, count, count, window, window, x.shape[-1])
    return x.transpose(2, 3).reshape(-1, side, side, x.shape[-1])


class GuidanceShare(NamedTuple):
    """What the guidance adds to the queries and keys of every label, [B, H, W, C] each."""

    query: Tensor
    key: Tensor


class WindowAttention(nn.Module):
    """Attention within windows; all projections are LoRA sites."""

    def __init__(self, width: int, guidance: int, heads: int) -> None:
        """Build projections of `width` channels; `guidance` channels enter queries and keys."""
        super().__init__()
        self.heads = heads
        self.q = LoraLinear(width + guidance, width, _CHANGE)
        self.k = LoraLinear(width + guidance, width, _CHANGE)
        self.v = LoraLinear(width, width, _CHANGE)
        self.proj = LoraLinear(width, width, _CHANGE)

    def share(self, guidance: Tensor, lora: LoraSlices) -> GuidanceShare:
        """Return the share of guidance [B, H, W, G]."""
        return GuidanceShare(self.q.rest(guidance, lora), self.k.rest(guidance, lora))

    def forward(
        self, x: Tensor, share: GuidanceShare, lora: LoraSlices, window: int, mask: Tensor | None
    ) -> Tensor:
        """Map [B, N, H, W, C] to the same shape; `share` and `mask` as above."""
        b, n, h, w, c = x.shape
        q = self.q.first(x, lora) + share.query[:, None]
        k = self.k.first(x, lora) + share.key[:, None]
        v = self.v(x, lora)
        windows = (h // window) * (w // window)
        q, k, v = (self._split(part.reshape(b * n, h, w, c), window) for part in (q, k, v))
        bias = None if mask is None else mask.repeat_interleave(self.heads, 0)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        y = y.unflatten(1, (windows, self.heads)).transpose(2, 3)
        y = from_windows(y.reshape(-1, window * window, c), window, h)
        return self.proj(y.reshape(b, n, h, w, c), lora)

    def _split(self, x: Tensor, window: int) -> Tensor:
        """[M, H, W, C] to [M, windows * heads, window**2, C / heads]."""
        m, h, w, c = x.shape
        rows = to_windows(x, window)
        rows = rows.reshape(m, -1, window * window, self.heads, c // self.heads)
        return rows.transpose(2, 3).flatten(1, 2)


class SwinMlp(nn.Module):
    """The feed-forward part of a Swin block; both layers are LoRA sites."""

    def __init__(self, width: int) -> None:
        """Build layers `width` to 4 `width` and back."""
        super().__init__()
        self.fc1 = LoraLinear(width, 4 * width, _CHANGE)
        self.fc2 = LoraLinear(4 * width, width, _CHANGE)

    def forward(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Map [..., C] to [..., C]."""
        return self.fc2(F.gelu(self.fc1(x, lora)), lora)


class SwinBlock(nn.Module):
    """Window attention, shifted or not, and a feed-forward part, both residual."""

    attn_mask: Tensor | None

    def __init__(
        self, width: int, guidance: int, heads: int, side: int, window: int, shift: int
    ) -> None:
        """Build the block for maps of `side` patches."""
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, guidance, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = SwinMlp(width)
        mask = shifted_window_mask(side, window, shift) if shift else None
        self.register_buffer("attn_mask", mask, persistent=False)

    def share(self, guidance: Tensor, lora: LoraSlices) -> GuidanceShare:
        """Return the share of guidance [B, H, W, G], shifted as this block's maps are."""
        if self.shift:
            guidance = torch.roll(guidance, (-self.shift, -self.shift), (1, 2))
        return self.attn.share(guidance, lora)

    def forward(self, x: Tensor, share: GuidanceShare, lora: LoraSlices) -> Tensor:
        """Map [B, N, H, W, C] to the same shape."""
        y = self.norm1(x)
        back = self.shift
        if back:
            y = torch.roll(y, (-back, -back), (2, 3))
        y = self.attn(y, share, lora, self.window, self.attn_mask)
        if back:
            y = torch.roll(y, (back, back), (2, 3))
        x = x + y
        return x + self.mlp(self.norm2(x), lora)


class SwinPair(nn.Module):
    """A plain and a shifted block, under one normalised guidance."""

    def __init__(
        self,
        width: int,
        guidance: int,
        heads: int,
        side: int,
        window: int,
        steps: Steps = Steps.ONE_BY_ONE,
    ) -> None:
        """Build both blocks."""
        super().__init__()
        self.steps = steps
        self.block_1 = SwinBlock(width, guidance, heads, side, window, 0)
        self.block_2 = SwinBlock(width, guidance, heads, side, window, window // 2)
        self.guidance_norm = nn.LayerNorm(guidance)

    def forward(self, x: Tensor, guidance: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, N, H, W, C] guided by [B, H, W, G] to the same shape."""
        guidance = self.guidance_norm(guidance)
        share_1 = self.block_1.share(guidance, lora)
        share_2 = self.block_2.share(guidance, lora)
        return each_part(
            lambda labels: self.block_2(self.block_1(labels, share_1, lora), share_2, lora),
            x,
            1,
            self.steps,
        )
