"""MaskCLIP (Zhou et al., ECCV 2022): masks from CLIP alone, no training, nearly free labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.clip_block import DenseResidual
from ovseg_ros.models.clip_image import DenseFeatures
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.towers import (
    AnyImageConfig,
    AnyTextConfig,
    build_image_tower,
    build_text_tower,
)


@dataclass(frozen=True)
class MaskClipConfig:
    """The towers and what belongs to their weights.

    `mean` and `std` normalise RGB in 0..255; `internal_size_px` (H, W) is what frames are resized
    to in a package, multiples of the patch; `template` makes a prompt of a label.
    """

    image: AnyImageConfig
    text: AnyTextConfig
    internal_size_px: tuple[int, int] = (336, 448)
    template: str = "a photo of a {}"
    mean: tuple[float, float, float] = (122.7709383, 116.7460125, 104.09373615)
    std: tuple[float, float, float] = (68.5005327, 66.6321579, 70.3231630)
    temperature: float = 100.0


class MaskClip(nn.Module):
    """Normalised pixels and text vectors to label probabilities, one per patch."""

    def __init__(self, config: MaskClipConfig) -> None:
        """Build the towers with empty weights."""
        super().__init__()
        self.config = config
        self.image = build_image_tower(config.image)
        self.text = build_text_tower(config.text)

    def forward(self, x: Tensor, text: Tensor, lora: LoraSlices) -> Tensor:
        """Return probabilities [B, N, H/patch, W/patch], their sum over N is 1.

        `x` [B, 3, H, W] normalised, sides multiples of the patch; `text` [N, D] unit rows.
        """
        return (self.config.temperature * self.cosines(x, text, lora)).softmax(1)

    def cosines(self, x: Tensor, text: Tensor, lora: LoraSlices) -> Tensor:
        """Return the cosine [B, N, H/patch, W/patch] of each patch with each label."""
        return self.compare(self.to_map(self.features(x, lora), x), text)

    def features(self, x: Tensor, lora: LoraSlices) -> DenseFeatures:
        """Run the image tower on `x` [B, 3, H, W], normalised."""
        return self.image(x, lora, DenseResidual.OWN_TOKEN)

    def to_map(self, features: DenseFeatures, x: Tensor) -> Tensor:
        """Return the dense features [B, D, H/patch, W/patch] of pixels `x`, not normalised."""
        patch = self.config.image.patch_px
        size = (x.shape[-2] // patch, x.shape[-1] // patch)
        return features.dense[:, 1:].transpose(1, 2).unflatten(2, size)

    @staticmethod
    def compare(dense: Tensor, text: Tensor) -> Tensor:
        """Return cosines [B, N, h, w] of `dense` [B, D, h, w] with unit rows `text` [N, D]."""
        return (text @ F.normalize(dense, dim=1).flatten(2)).unflatten(2, dense.shape[2:])

    def encode_text(self, ids: Tensor, lora: LoraSlices) -> Tensor:
        """Return unit vectors [N, D] of token ids int64 [N, L]."""
        return F.normalize(self.text(ids, lora), dim=-1)
