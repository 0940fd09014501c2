"""The embedded default: the cost aggregation of CAT-Seg (Cho et al., CVPR 2024), pocket size.

Dense image features in the text-embedding space, their cosine with each label's text vector (the
cost volume), aggregation over space and over classes under image guidance, and an upsampling
decoder; every label is treated alike, so any number of labels N runs through the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.label_rows import (
    ABSENT_COSINE,
    ABSENT_LOGIT,
    LabelRows,
    without_absent,
)
from ovseg_ros.models.lora import LoraConv1x1, LoraSlices
from ovseg_ros.models.mobilenet_v2 import CHANNELS, Features, MobileNetV2
from ovseg_ros.models.rejection import original_number, pick_labels, promising
from ovseg_ros.models.segmenter_graph import SegmenterGraph

_EPS = 1e-6


@dataclass(frozen=True)
class TinyConfig:
    """Widths of the network; `internal_size_px` is (H, W), multiples of 32."""

    embedding_dim: int = 512
    neck_width: int = 160
    feature_width: int = 128
    label_width: int = 20
    fine_width: int = 12
    internal_size_px: tuple[int, int] = (352, 480)


class Encoded(NamedTuple):
    """What the image side hands to the label side; everything here is computed once per frame.

    `stride8` [B, feature_width, H/8, W/8], `stride4` [B, 2*label_width, H/4, W/4], `dense` unit
    vectors [B, D, H/8, W/8] in the text space, `scene` [B, E].
    """

    stride8: Tensor
    stride4: Tensor
    dense: Tensor
    scene: Tensor


def _separable(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False),
        nn.BatchNorm2d(c_in),
        nn.ReLU(),
        nn.Conv2d(c_in, c_out, 1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
    )


def _spatial(width: int) -> nn.Sequential:
    """A block without normalisation: the statistics of cost maps differ with every vocabulary."""
    return nn.Sequential(
        nn.Conv2d(width, width, 5, padding=2, groups=width),
        nn.Conv2d(width, 2 * width, 1),
        nn.ReLU(),
        nn.Conv2d(2 * width, width, 1),
    )


def _upsample(x: Tensor, factor: int = 2) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class Neck(nn.Module):
    """Top-down fusion of the backbone's maps into one map at stride 8 and one at stride 4."""

    def __init__(self, config: TinyConfig) -> None:
        """Build the lateral layers (LoRA sites) and the smoothing blocks."""
        super().__init__()
        wide, slim = config.neck_width, config.feature_width
        self.lateral32 = LoraConv1x1(CHANNELS["stride32"], wide)
        self.lateral16 = LoraConv1x1(CHANNELS["stride16"], wide)
        self.lateral8 = LoraConv1x1(CHANNELS["stride8"], slim)
        self.context = nn.Conv2d(CHANNELS["stride32"], wide, 1)
        self.smooth32 = _separable(wide, wide)
        self.smooth16 = _separable(wide, slim)
        self.smooth8 = _separable(slim, slim)
        self.lateral4 = nn.Conv2d(CHANNELS["stride4"], 2 * config.label_width, 1)
        self.reduce8 = nn.Conv2d(slim, 2 * config.label_width, 1)
        self.smooth4 = _separable(2 * config.label_width, 2 * config.label_width)

    def forward(self, maps: Features, lora: LoraSlices) -> tuple[Tensor, Tensor]:
        """Return (stride 8 [B, feature_width, H/8, W/8], stride 4 [B, 2*label_width, H/4, W/4])."""
        context = self.context(maps.stride32.mean((2, 3), keepdim=True))
        x32 = self.smooth32(self.lateral32(maps.stride32, lora) + context)
        x16 = self.smooth16(self.lateral16(maps.stride16, lora) + _upsample(x32))
        x8 = self.smooth8(self.lateral8(maps.stride8, lora) + _upsample(x16))
        x4 = self.smooth4(self.lateral4(maps.stride4) + _upsample(self.reduce8(x8)))
        return x8, x4


class ClassAttention(nn.Module):
    """Linear attention over the labels at each position (Katharopoulos et al., ICML 2020)."""

    def __init__(self, width: int, text_dim: int) -> None:
        """Build projections of `width` channels; text guidance enters queries and keys."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.text = nn.Linear(text_dim, width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, labels: LabelRows) -> Tensor:
        """Map [B, P, N, C] (P positions) to the same shape.

        `labels` are of all images, [N, D] and [N], or of each, [B, 1, N, D] and [B, 1, N].
        """
        y = self.norm(x)
        guided = y + self.text(labels.bank)
        query = F.elu(self.query(guided)) + 1
        key = (F.elu(self.key(guided)) + 1) * labels.real.unsqueeze(-1)
        summary = key.transpose(-1, -2) @ self.value(y)
        weight = query @ key.sum(-2).unsqueeze(-1)
        return x + self.out((query @ summary) / (weight + _EPS))


class LabelAggregator(nn.Module):
    """Refines each label's cost map in space, then compares the labels, at stride 16."""

    def __init__(self, config: TinyConfig) -> None:
        """Build the embedding of costs, a spatial and a class block, and the decoder."""
        super().__init__()
        width, fine, feature = config.label_width, config.fine_width, config.feature_width
        self.width = width
        self.embed = nn.Conv2d(1, width, 5, padding=2)
        self.guide8 = nn.Conv2d(feature, width, 1)
        self.down = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.spatial = nn.ModuleList([_spatial(width), _spatial(width)])
        self.attention = ClassAttention(width, config.embedding_dim)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
        )
        self.decode8 = nn.Conv2d(2 * width, width, 3, padding=1)
        self.decode8_guide = nn.Conv2d(feature, width, 3, padding=1)
        self.decode4 = nn.Conv2d(width, fine, 3, padding=1)
        self.decode4_guide = nn.Conv2d(2 * width, fine, 3, padding=1)
        self.refine = nn.Conv2d(fine, fine, 3, padding=1)
        self.head = nn.Conv2d(fine, 1, 3, padding=1)

    def forward(self, cost: Tensor, labels: LabelRows, x8: Tensor, x4: Tensor) -> Tensor:
        """Map cost [B, N, h, w] at stride 8 to a correction of the logits [B, N, 2h, 2w].

        The guidance halves of the decoder are convolved once per image, not once per label.
        """
        b, n, h, w = cost.shape
        fine8 = F.relu(self._add(self.embed(cost.reshape(b * n, 1, h, w)), self.guide8(x8), n))
        coarse = F.relu(self.down(fine8))
        for block in self.spatial:
            coarse = coarse + block(coarse)
        coarse = self._compare(coarse, labels, b, n)
        y = self.decode8(torch.cat([fine8, _upsample(coarse)], 1))
        y = F.relu(self._add(y, self.decode8_guide(x8), n))
        y = F.relu(self._add(self.decode4(_upsample(y)), self.decode4_guide(x4), n))
        y = F.relu(self.refine(y)) + y
        return self.head(y).reshape(b, n, 2 * h, 2 * w)

    @staticmethod
    def _add(per_label: Tensor, guide: Tensor, n: int) -> Tensor:
        b, c, h, w = guide.shape
        return (per_label.reshape(b, n, c, h, w) + guide[:, None]).reshape(b * n, c, h, w)

    def _compare(self, x: Tensor, labels: LabelRows, b: int, n: int) -> Tensor:
        h, w = x.shape[-2:]
        tokens = x.reshape(b, n, self.width, h * w).permute(0, 3, 1, 2)
        tokens = self.attention(tokens, labels)
        tokens = tokens + self.mlp(tokens)
        return tokens.permute(0, 2, 3, 1).reshape(b * n, self.width, h, w)


class TinySegmenter(nn.Module):
    """Images and text vectors to per-label logits at stride 4, and a scene embedding."""

    text_center: Tensor
    scene_mean: Tensor
    scene_std: Tensor

    def __init__(self, config: TinyConfig | None = None) -> None:
        """Build the network; buffers hold the centre of the text space and the scene statistics."""
        super().__init__()
        self.config = config or TinyConfig()
        self.backbone = MobileNetV2()
        self.neck = Neck(self.config)
        self.embed = LoraConv1x1(self.config.feature_width, self.config.embedding_dim)
        self.aggregator = LabelAggregator(self.config)
        self.cost_scale = nn.Parameter(torch.tensor(10.0))
        self.cost_bias = nn.Parameter(torch.tensor(-4.0))
        scene_dim = 2 * (CHANNELS["stride4"] + CHANNELS["stride8"] + CHANNELS["middle"])
        self.register_buffer("text_center", torch.zeros(self.config.embedding_dim))
        self.register_buffer("scene_mean", torch.zeros(scene_dim))
        self.register_buffer("scene_std", torch.ones(scene_dim))

    def forward(
        self, x: Tensor, text_bank: Tensor, lora: LoraSlices
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (logits [B, N, H/4, W/4], cost logits [B, N, H/8, W/8], embedding [B, E]).

        `x` [B, 3, H, W] in -1..1, `text_bank` [N, D] unit rows, `lora` the factors of each site
        (none: base model). sigmoid(logits) is the confidence of each label on its own.
        """
        encoded = self.encode(x, lora)
        return *self.score(encoded, LabelRows.all_real(text_bank)), encoded.scene

    def encode(self, x: Tensor, lora: LoraSlices) -> Encoded:
        """Run the image side on `x` [B, 3, H, W] in -1..1, H and W multiples of 32."""
        return self.encode_maps(self.backbone(x, lora), lora)

    def encode_maps(self, maps: Features, lora: LoraSlices) -> Encoded:
        """Run the image side from the maps of the backbone on."""
        x8, x4 = self.neck(maps, lora)
        dense = F.normalize(self.embed(x8, lora), dim=1)
        return Encoded(x8, x4, dense, self.scene_embedding(maps))

    def score(self, encoded: Encoded, labels: LabelRows) -> tuple[Tensor, Tensor]:
        """Return (logits [B, N, H/4, W/4], cost logits [B, N, H/8, W/8]) for N labels."""
        text = F.normalize(labels.bank - self.text_center, dim=-1)
        return self._refine(self._cost(encoded, text), LabelRows(text, labels.real), encoded)

    def score_promising(
        self, encoded: Encoded, labels: LabelRows, most: int
    ) -> tuple[Tensor, Tensor]:
        """Return (logits [B, K, H/4, W/4], label numbers [B, K]) of at most `most` labels."""
        text = F.normalize(labels.bank - self.text_center, dim=-1)
        cost = without_absent(self._cost(encoded, text), labels.real, ABSENT_COSINE)
        kept = promising(cost, most)
        rows = LabelRows(text[kept][:, None], labels.real[kept][:, None])
        logits, _ = self._refine(pick_labels(cost, kept), rows, encoded)
        return logits, kept

    @staticmethod
    def _cost(encoded: Encoded, text: Tensor) -> Tensor:
        b, d, h, w = encoded.dense.shape
        return (text @ encoded.dense.reshape(b, d, h * w)).reshape(b, -1, h, w)

    def _refine(self, cost: Tensor, labels: LabelRows, encoded: Encoded) -> tuple[Tensor, Tensor]:
        cost_logits = self.cost_scale * cost + self.cost_bias
        correction = self.aggregator(cost, labels, encoded.stride8, encoded.stride4)
        logits = _upsample(cost_logits) + correction
        return without_absent(logits, labels.real, ABSENT_LOGIT), cost_logits

    def scene_embedding(self, maps: Features) -> Tensor:
        """Return [B, E]: standardised channel means and deviations of maps before any LoRA site."""
        parts = []
        for features in (maps.stride4, maps.stride8, maps.middle):
            mean = features.mean((2, 3))
            variance = (features * features).mean((2, 3)) - mean * mean
            parts += [mean, variance.clamp_min(_EPS).sqrt()]
        return (torch.cat(parts, 1) - self.scene_mean) / self.scene_std


class TinyGraph(SegmenterGraph):
    """The embedded default from camera frames to masks."""

    network: TinySegmenter

    def __init__(self, network: TinySegmenter, most_labels: int | None = None) -> None:
        """Wrap a trained `network` (in eval mode).

        `most_labels` is how many labels are aggregated for a frame, the promising ones; None: all.
        """
        super().__init__(network, network.config.embedding_dim)
        self.most_labels = most_labels

    def decide(
        self, pixels: Tensor, labels: LabelRows, lora: LoraSlices
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decide at half the internal resolution."""
        size = self.network.config.internal_size_px
        x = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        encoded = self.network.encode((x - 127.0) / 127.5, lora)
        if self.most_labels is None:
            logits, _ = self.network.score(encoded, labels)
            best, winner = _upsample(logits).max(1)
        else:
            logits, kept = self.network.score_promising(encoded, labels, self.most_labels)
            best, place = _upsample(logits).max(1)
            winner = original_number(place, kept)
        return torch.sigmoid(best), winner, encoded.scene
