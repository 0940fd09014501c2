"""The exported program of CAT-Seg."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.catseg_inference import Views, finish, prepare
from ovseg_ros.models.clip_image import scene_embedding
from ovseg_ros.models.label_rows import LabelRows
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.rejection import original_number
from ovseg_ros.models.segmenter_graph import SegmenterGraph
from ovseg_ros.models.steps import best_label

_FINE_PX = 384


class CatSegGraph(SegmenterGraph):
    """CAT-Seg from camera frames to masks, in one view or five."""

    network: CatSeg

    def __init__(self, network: CatSeg, views: Views, most_labels: int | None = None) -> None:
        """Wrap `network` (in eval mode), which sees each frame in `views`.

        `most_labels` is how many labels are aggregated for a frame, the promising ones; None: all.
        It takes a single view, as the views of a frame would disagree on which labels these are.
        """
        super().__init__(network, network.config.head.embedding_dim)
        self.views = views
        self.most_labels = most_labels

    def decide(
        self, pixels: Tensor, labels: LabelRows, lora: LoraSlices
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decide on a grid of 384 px (five views: 640 px); N is at most the head's capacity."""
        network = self.network
        features = network.encode_image(prepare(pixels, network.config, self.views), lora)
        scene = scene_embedding(features.stem[-len(pixels) :])
        if self.most_labels is None:
            best, winner = self._best(network.score(features, labels, lora))
            return best, winner, scene
        logits, kept = network.score_promising(features, labels, lora, self.most_labels)
        best, place = self._best(logits)
        return best, original_number(place, kept), scene

    def _best(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the highest confidence [B, h, w] and which row it is of, int64 [B, h, w]."""
        return best_label(self._confidence, logits, self.network.config.head.steps)

    def _confidence(self, logits: Tensor) -> Tensor:
        """Map logits [V*B, M, 96, 96] to confidences [B, M, h, w]."""
        confidence = finish(logits, self.views)
        if self.views is not Views.SINGLE:
            return confidence
        size = (_FINE_PX, _FINE_PX)
        return F.interpolate(confidence, size, mode="bilinear", align_corners=False)
