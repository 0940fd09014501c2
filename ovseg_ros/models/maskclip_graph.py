"""The exported program of MaskCLIP: camera frames in, label mask out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.clip_image import scene_embedding
from ovseg_ros.models.lora import lora_sites, slice_factors
from ovseg_ros.models.mask_output import to_mask
from ovseg_ros.models.maskclip import MaskClip

_FINER = 4


class MaskClipGraph(nn.Module):
    """Frames, text bank and adapter factors to mask, confidence and scene embedding."""

    def __init__(self, network: MaskClip) -> None:
        """Wrap `network` (in eval mode)."""
        super().__init__()
        self.network = network
        named = [(n, s) for n, s in lora_sites(network) if not n.startswith("text.")]
        self.lora_sites = tuple(named)

    @property
    def embedding_dim(self) -> int:
        """D, the size of the text-embedding space."""
        return self.network.config.image.embedding_dim

    @property
    def lora_widths(self) -> tuple[int, int]:
        """(sum of C_in, sum of C_out) over the LoRA sites of the graph."""
        return sum(s.c_in for _, s in self.lora_sites), sum(s.c_out for _, s in self.lora_sites)

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
        negative; `thresholds` [N] in 0..1; `lora_a` [R, sum C_in], `lora_b` [R, sum C_out].
        Labels compete on cosines that are interpolated to a quarter of the patch.
        """
        config = self.network.config
        lora = slice_factors([site for _, site in self.lora_sites], lora_a, lora_b)
        mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (config.mean, config.std))
        x = image.permute(0, 3, 1, 2).to(torch.float32)
        x = F.interpolate(x, config.internal_size_px, mode="bilinear", align_corners=False)
        x = (x - mean) / std
        features = self.network.features(x, lora)
        cosines = self.network.compare(self.network.to_map(features, x), text_bank)
        fine = F.interpolate(cosines, scale_factor=_FINER, mode="bilinear", align_corners=False)
        confidence, winner = (config.temperature * fine).softmax(1).max(1)
        size = (image.shape[1], image.shape[2])
        mask, confidence = to_mask(confidence, winner, label_codes, thresholds, size)
        return mask, confidence, scene_embedding(features.stem)
