"""The exported program of CAT-Seg: camera frames in, label mask out, everything between inside."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.catseg_inference import Views, finish, prepare
from ovseg_ros.models.clip_image import scene_embedding
from ovseg_ros.models.lora import lora_sites, slice_factors
from ovseg_ros.models.mask_output import to_mask

_FINE_PX = 384


class CatSegGraph(nn.Module):
    """Frames, text bank and adapter factors to mask, confidence and scene embedding."""

    def __init__(self, network: CatSeg, views: Views) -> None:
        """Wrap `network` (in eval mode), which sees each frame in `views`."""
        super().__init__()
        self.network = network
        self.views = views
        # What runs on every frame; the text tower is a graph of its own.
        named = [(n, s) for n, s in lora_sites(network) if not n.startswith("text.")]
        self.lora_sites = tuple(named)

    @property
    def embedding_dim(self) -> int:
        """D, the size of the text-embedding space."""
        return self.network.config.head.embedding_dim

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

        `image` uint8 [B, H, W, 3] RGB; `text_bank` [N, D], N at most the head's capacity;
        `label_codes` uint8 [N], 0 for a negative; `thresholds` [N] in 0..1; `lora_a`
        [R, sum C_in], `lora_b` [R, sum C_out]. The label of a pixel is decided on a grid of 384 px
        (five views: 640 px) and copied to the frame, as a full-size map of every label would cost
        more than it tells.
        """
        lora = slice_factors([site for _, site in self.lora_sites], lora_a, lora_b)
        pixels = image.permute(0, 3, 1, 2).to(torch.float32)
        features = self.network.encode_image(prepare(pixels, self.network.config, self.views), lora)
        confidence = finish(self.network.score(features, text_bank, lora), self.views)
        if self.views is Views.SINGLE:
            size = (_FINE_PX, _FINE_PX)
            confidence = F.interpolate(confidence, size, mode="bilinear", align_corners=False)
        best, winner = confidence.max(1)
        size_px = (image.shape[1], image.shape[2])
        mask, best = to_mask(best, winner, label_codes, thresholds, size_px)
        return mask, best, scene_embedding(features.stem[-len(image) :])
