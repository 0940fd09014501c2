"""The exported program of MaskCLIP."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.models.clip_image import scene_embedding
from ovseg_ros.models.label_rows import ABSENT_COSINE, LabelRows, without_absent
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.maskclip import MaskClip
from ovseg_ros.models.pixels import normalise
from ovseg_ros.models.segmenter_graph import SegmenterGraph

_FINER = 4


class MaskClipGraph(SegmenterGraph):
    """MaskCLIP from camera frames to masks."""

    network: MaskClip

    def __init__(self, network: MaskClip) -> None:
        """Wrap `network` (in eval mode)."""
        super().__init__(network, network.config.image.embedding_dim)

    def decide(
        self, pixels: Tensor, labels: LabelRows, lora: LoraSlices
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Let the labels compete on cosines that are interpolated to a quarter of the patch."""
        config = self.network.config
        x = F.interpolate(pixels, config.internal_size_px, mode="bilinear", align_corners=False)
        x = normalise(x, config.mean, config.std)
        features = self.network.features(x, lora)
        cosines = self.network.compare(self.network.to_map(features, x), labels.bank)
        cosines = without_absent(cosines, labels.real, ABSENT_COSINE)
        fine = F.interpolate(cosines, scale_factor=_FINER, mode="bilinear", align_corners=False)
        best, winner = (config.temperature * fine).softmax(1).max(1)
        return best, winner, scene_embedding(features.stem)
