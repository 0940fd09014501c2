"""The exported program of CAT-Seg."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.catseg_inference import Views, finish, prepare
from ovseg_ros.models.clip_image import scene_embedding
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.segmenter_graph import SegmenterGraph

_FINE_PX = 384


class CatSegGraph(SegmenterGraph):
    """CAT-Seg from camera frames to masks, in one view or five."""

    network: CatSeg

    def __init__(self, network: CatSeg, views: Views) -> None:
        """Wrap `network` (in eval mode), which sees each frame in `views`."""
        super().__init__(network, network.config.head.embedding_dim)
        self.views = views

    def decide(
        self, pixels: Tensor, text_bank: Tensor, lora: LoraSlices
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decide on a grid of 384 px (five views: 640 px); N is at most the head's capacity."""
        network = self.network
        features = network.encode_image(prepare(pixels, network.config, self.views), lora)
        confidence = finish(network.score(features, text_bank, lora), self.views)
        if self.views is Views.SINGLE:
            size = (_FINE_PX, _FINE_PX)
            confidence = F.interpolate(confidence, size, mode="bilinear", align_corners=False)
        best, winner = confidence.max(1)
        return best, winner, scene_embedding(features.stem[-len(pixels) :])
