"""The networks in training: what is frozen and computed once, and the scores behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.errors import OvsegError
from ovseg_ros.models.catseg_graph import CatSegGraph
from ovseg_ros.models.catseg_inference import Views, prepare
from ovseg_ros.models.clip_image import DenseFeatures
from ovseg_ros.models.label_rows import LabelRows
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.maskclip_graph import MaskClipGraph
from ovseg_ros.models.mobilenet_v2 import EarlyFeatures, Features
from ovseg_ros.models.segmenter_graph import SegmenterGraph
from ovseg_ros.models.tiny import TinyGraph

Frozen = tuple[Tensor, ...]


class Confidence(Enum):
    """What makes a confidence of a logit."""

    SIGMOID = "sigmoid"  # each label on its own
    SOFTMAX = "softmax"  # the labels together


class Scores(NamedTuple):
    """`logits` [B, N, h, w]; `cost` [B, N, h/2, w/2] those of the cost volume alone, if there are.

    The target of the logits is twice as fine, [B, 2h, 2w].
    """

    logits: Tensor
    cost: Tensor | None


class Trainee(ABC):
    """A network with frozen weights, cut where the first changed site is."""

    confidence = Confidence.SIGMOID

    @property
    @abstractmethod
    def target_px(self) -> tuple[int, int]:
        """(H, W) of the labels that scores are compared with."""

    @abstractmethod
    def freeze(self, pixels: Tensor) -> Frozen:
        """Return what no factor changes, for `pixels` [B, 3, H, W] RGB in 0..255."""

    @abstractmethod
    def scores(self, frozen: Frozen, labels: LabelRows, lora: LoraSlices) -> Scores:
        """Return the scores of each label; gradients flow to the factors in `lora`."""


class TinyTrainee(Trainee):
    """The embedded default."""

    def __init__(self, graph: TinyGraph, whole_backbone: bool) -> None:
        """`whole_backbone` freezes all of it; else what is before its first site."""
        self._network = graph.network
        self._whole = whole_backbone

    @property
    def target_px(self) -> tuple[int, int]:
        """Half the internal size, where the program decides."""
        height, width = self._network.config.internal_size_px
        return height // 2, width // 2

    def freeze(self, pixels: Tensor) -> Frozen:
        """Return the maps of the backbone that no factor changes."""
        size = self._network.config.internal_size_px
        x = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        early = self._network.backbone.early((x - 127.0) / 127.5)
        return self._network.backbone.late(early, {}) if self._whole else early

    def scores(self, frozen: Frozen, labels: LabelRows, lora: LoraSlices) -> Scores:
        """Return logits at stride 4 and those of the cost volume at stride 8."""
        network = self._network
        if self._whole:
            maps = Features(*frozen)
        else:
            maps = network.backbone.late(EarlyFeatures(*frozen), lora)
        return Scores(*network.score(network.encode_maps(maps, lora), labels))


class CatSegTrainee(Trainee):
    """CAT-Seg, in a single view of the frame even where the package takes five."""

    def __init__(self, graph: CatSegGraph, whole_image: bool) -> None:
        """`whole_image` freezes the image tower."""
        self._network = graph.network
        self._whole = whole_image

    @property
    def target_px(self) -> tuple[int, int]:
        """Twice as fine as the logits."""
        side = 8 * self._network.config.head.side
        return side, side

    def freeze(self, pixels: Tensor) -> Frozen:
        """Return the input of the image tower, or its features."""
        x = prepare(pixels, self._network.config, Views.SINGLE)
        if not self._whole:
            return (x,)
        features = self._network.encode_image(x, {})
        return features.stem, features.dense, *features.blocks

    def scores(self, frozen: Frozen, labels: LabelRows, lora: LoraSlices) -> Scores:
        """Return logits at a quarter of the patch."""
        if self._whole:
            features = DenseFeatures(frozen[0], frozen[1], tuple(frozen[2:]))
        else:
            features = self._network.encode_image(frozen[0], lora)
        return Scores(self._network.score(features, labels, lora), None)


class MaskClipTrainee(Trainee):
    """MaskCLIP, whose confidences are those of a softmax over the labels."""

    confidence = Confidence.SOFTMAX

    def __init__(self, graph: MaskClipGraph) -> None:
        """Take the network of `graph`."""
        self._network = graph.network

    @property
    def target_px(self) -> tuple[int, int]:
        """A quarter of the patch, where the program decides."""
        config = self._network.config
        height, width = (4 * side // config.image.patch_px for side in config.internal_size_px)
        return height, width

    def freeze(self, pixels: Tensor) -> Frozen:
        """Return the input of the image tower."""
        config = self._network.config
        mean, std = (pixels.new_tensor(v).reshape(3, 1, 1) for v in (config.mean, config.std))
        size = config.internal_size_px
        x = F.interpolate(pixels, size, mode="bilinear", align_corners=False)
        return ((x - mean) / std,)

    def scores(self, frozen: Frozen, labels: LabelRows, lora: LoraSlices) -> Scores:
        """Return cosines times the temperature, at half a patch."""
        (x,) = frozen
        cosines = self._network.cosines(x, labels.bank, lora)
        fine = F.interpolate(cosines, scale_factor=2, mode="bilinear", align_corners=False)
        return Scores(self._network.config.temperature * fine, None)


def make_trainee(graph: SegmenterGraph, sites: Sequence[str]) -> Trainee:
    """Freeze `graph` and return it ready to train factors of the sites of these names.

    Raises `OvsegError` for a network that cannot be trained.
    """
    graph.eval().requires_grad_(False)
    first_words = {name.partition(".")[0] for name in sites}
    if isinstance(graph, TinyGraph):
        return TinyTrainee(graph, "backbone" not in first_words)
    if isinstance(graph, CatSegGraph):
        return CatSegTrainee(graph, "image" not in first_words)
    if isinstance(graph, MaskClipGraph):
        return MaskClipTrainee(graph)
    raise OvsegError(f"no training is known for a {type(graph).__name__}")
