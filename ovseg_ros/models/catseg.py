"""CAT-Seg (Cho et al., CVPR 2024): cost aggregation over a CLIP whose attention was fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ovseg_ros.models.clip_block import DenseResidual
from ovseg_ros.models.clip_image import DenseFeatures
from ovseg_ros.models.cost_aggregation import CostAggregator, HeadConfig
from ovseg_ros.models.label_rows import LabelRows
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.towers import (
    AnyImageConfig,
    AnyTextConfig,
    build_image_tower,
    build_text_tower,
)


@dataclass(frozen=True)
class CatSegConfig:
    """The network and what belongs to its weights.

    `clip_side_px` is the side of the square that the image tower sees; `guidance_blocks` are the
    numbers of the blocks that guide the decoder, earlier one first; `mean` and `std` normalise
    RGB in 0..255; `template` makes a prompt of a label.
    """

    image: AnyImageConfig
    text: AnyTextConfig
    head: HeadConfig
    clip_side_px: int
    guidance_blocks: tuple[int, int]
    mean: tuple[float, float, float] = (122.7709383, 116.7460125, 104.09373615)
    std: tuple[float, float, float] = (68.5005327, 66.6321579, 70.3231630)
    template: str = "A photo of a {} in the scene"


class CatSeg(nn.Module):
    """Normalised pixels and text vectors to logits at a quarter of the tower's patch."""

    def __init__(self, config: CatSegConfig) -> None:
        """Build the network with empty weights."""
        super().__init__()
        self.config = config
        self.image = build_image_tower(config.image)
        self.text = build_text_tower(config.text)
        self.aggregator = CostAggregator(config.head)
        early, late = config.head.decoder_inputs
        self.upsample1 = nn.ConvTranspose2d(config.image.width, early, 2, stride=2)
        self.upsample2 = nn.ConvTranspose2d(config.image.width, late, 4, stride=4)

    def forward(self, x: Tensor, text: Tensor, lora: LoraSlices) -> Tensor:
        """Return logits [B, N, 4h, 4w] for pixels `x` [B, 3, S, S] (normalised) and `text` [N, D].

        h = w = S / patch, which must be the side that the head was built for. sigmoid(logits) is
        the confidence of each label on its own.
        """
        return self.score(self.encode_image(x, lora), LabelRows.all_real(text), lora)

    def encode_image(self, x: Tensor, lora: LoraSlices) -> DenseFeatures:
        """Run the image tower on `x` [B, 3, S, S], normalised."""
        return self.image(x, lora, DenseResidual.CLASS_TOKEN, self.config.guidance_blocks)

    def score(self, features: DenseFeatures, labels: LabelRows, lora: LoraSlices) -> Tensor:
        """Return logits [B, N, 4h, 4w] of image features for N labels."""
        return self.aggregator(*self._guides(features, labels), lora)

    def score_promising(
        self, features: DenseFeatures, labels: LabelRows, lora: LoraSlices, most: int
    ) -> tuple[Tensor, Tensor]:
        """Return (logits [B, K, 4h, 4w], label numbers [B, K]) of at most `most` labels."""
        return self.aggregator.forward_promising(*self._guides(features, labels), lora, most)

    def _guides(
        self, features: DenseFeatures, labels: LabelRows
    ) -> tuple[Tensor, LabelRows, tuple[Tensor, Tensor]]:
        side = self.config.head.side
        dense = _to_map(features.dense[:, 1:], side)
        early, late = (_to_map(block, side) for block in features.blocks)
        return dense, labels, (self.upsample1(early), self.upsample2(late))

    def encode_text(self, ids: Tensor, lora: LoraSlices) -> Tensor:
        """Return unit vectors [N, D] of token ids int64 [N, L]."""
        return torch.nn.functional.normalize(self.text(ids, lora), dim=-1)


def _to_map(tokens: Tensor, side: int) -> Tensor:
    return tokens.transpose(1, 2).unflatten(2, (side, side))
