"""The frame of every exported program: inputs and outputs are the same, whatever the network."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.adapters.sites import packed_widths
from ovseg_ros.models.label_rows import LabelRows
from ovseg_ros.models.lora import LoraSite, LoraSlices, lora_sites, slice_factors
from ovseg_ros.vocabulary import PAD_CODE

# Under this the layers of the text tower are named within a network.
TEXT_TOWER = "text."


class SegmenterGraph(nn.Module, ABC):
    """Frames, text bank and adapter factors to mask, confidence and scene embedding."""

    def __init__(self, network: nn.Module, embedding_dim: int) -> None:
        """Wrap `network` (in eval mode), whose text vectors have `embedding_dim` numbers."""
        super().__init__()
        self.network = network
        self.embedding_dim = embedding_dim

    @property
    def lora_sites(self) -> list[tuple[str, LoraSite]]:
        """(name, site) of what runs on every frame; a text tower is a program of its own."""
        return [
            (name, site)
            for name, site in lora_sites(self.network)
            if not name.startswith(TEXT_TOWER)
        ]

    @property
    def lora_widths(self) -> tuple[int, int]:
        """(sum of C_in, sum of C_out) over the LoRA sites."""
        return packed_widths([site for _, site in self.lora_sites])

    def forward(
        self,
        image: Tensor,
        text_bank: Tensor,
        label_codes: Tensor,
        thresholds: Tensor,
        lora_a: Tensor,
        lora_b: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (mask uint8 [B, H, W], confidence uint8 [B, H, W], embedding float32 [B, E]).

        `image` uint8 [B, H, W, 3] RGB; `text_bank` [N, D]; `label_codes` uint8 [N], 0 for a
        negative, `PAD_CODE` for a row that is not there; `thresholds` [N] in 0..1; `lora_a`
        [R, sum C_in], `lora_b` [R, sum C_out].
        """
        # Engines on GPUs compute nothing on uint8, so it is left at once and entered at the end.
        pixels = image.to(torch.float32).permute(0, 3, 1, 2)
        real = (label_codes.to(torch.int32) != PAD_CODE).to(torch.float32)
        lora = slice_factors([site for _, site in self.lora_sites], lora_a, lora_b)
        confidence, winner, embedding = self.decide(pixels, LabelRows(text_bank, real), lora)
        size_px = (image.shape[1], image.shape[2])
        mask, confidence = to_mask(confidence, winner, label_codes, thresholds, size_px)
        return mask, confidence, embedding

    @abstractmethod
    def decide(
        self, pixels: Tensor, labels: LabelRows, lora: LoraSlices
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (confidence [B, h, w] in 0..1, winner int64 [B, h, w], embedding [B, E]).

        `pixels` [B, 3, H, W] RGB in 0..255; h and w are where the network decides: a full-size map
        of every label would cost more than it tells.
        """


def to_mask(
    confidence: Tensor,
    winner: Tensor,
    label_codes: Tensor,
    thresholds: Tensor,
    size_px: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Return (mask, confidence), both uint8 [B, H, W] for `size_px` (H, W).

    Below its threshold a pixel gets no label; where there is no label the confidence is 0. Pixels
    are copied to their size, not blended.
    """
    code = label_codes.to(torch.int32)[winner]
    code = torch.where(confidence >= thresholds[winner], code, torch.zeros_like(code))
    confidence = torch.where(code > 0, confidence * 255 + 0.5, torch.zeros_like(confidence))
    both = torch.stack([code.to(torch.float32), confidence.floor()], 1)
    mask, confidence = F.interpolate(both, size=size_px, mode="nearest-exact").unbind(1)
    return mask.to(torch.uint8), confidence.to(torch.uint8)
