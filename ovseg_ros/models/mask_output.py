"""The last step of every exported program: each pixel's winner to label mask and confidence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def to_mask(
    confidence: Tensor,
    winner: Tensor,
    label_codes: Tensor,
    thresholds: Tensor,
    size_px: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Return (mask, confidence), both uint8 [B, H, W] for `size_px` (H, W).

    `confidence` [B, h, w] in 0..1 is that of the label `winner` int64 [B, h, w]; `label_codes`
    uint8 [N], 0 for a negative; `thresholds` [N]. Below its threshold a pixel gets no label; where
    there is no label the confidence is 0. Pixels are copied to their size, not blended.
    """
    code = label_codes.to(torch.int32)[winner]
    code = torch.where(confidence >= thresholds[winner], code, torch.zeros_like(code))
    confidence = torch.where(code > 0, confidence * 255 + 0.5, torch.zeros_like(confidence))
    both = torch.stack([code.to(torch.float32), confidence.floor()], 1)
    both = F.interpolate(both, size=size_px, mode="nearest-exact").to(torch.uint8)
    return both[:, 0], both[:, 1]
