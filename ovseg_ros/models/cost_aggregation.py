"""The head of CAT-Seg: cost volume, aggregation over space and labels, upsampling decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.class_aggregation import ClassAggregation
from ovseg_ros.models.label_rows import (
    ABSENT_COSINE,
    ABSENT_LOGIT,
    LabelRows,
    without_absent,
)
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.rejection import pick_labels, promising
from ovseg_ros.models.spatial_aggregation import SwinPair
from ovseg_ros.models.steps import Steps, each_part


@dataclass(frozen=True)
class HeadConfig:
    """Dimensions of the head, as published; `capacity` is how many labels are aggregated at most.

    `pooling` is the side of the average pooling before the class aggregation: 1 in the published
    evaluation, 2 in its training. `steps` is how an exported program goes through the labels.
    """

    embedding_dim: int
    width: int = 128
    guidance_width: int = 128
    side: int = 24
    window: int = 12
    heads: int = 4
    layers: int = 2
    capacity: int = 256
    pooling: int = 1
    steps: Steps = Steps.ONE_BY_ONE
    decoder_widths: tuple[int, int] = (64, 32)
    decoder_inputs: tuple[int, int] = (256, 128)
    decoder_guidance: tuple[int, int] = (32, 16)


class CostVolume(nn.Module):
    """Cosine of every position with every label."""

    def forward(self, dense: Tensor, text: Tensor) -> Tensor:
        """Return [B, N, h, w] in -1..1 for `dense` [B, D, h, w] and `text` [N, D]."""
        b, _, h, w = dense.shape
        dense = F.normalize(dense, dim=1).flatten(2)
        return (F.normalize(text, dim=-1) @ dense).reshape(b, -1, h, w)


class AggregationLayer(nn.Module):
    """One round over space, then over labels."""

    def __init__(self, config: HeadConfig) -> None:
        """Build both halves."""
        super().__init__()
        c, g = config.width, config.guidance_width
        steps = config.steps
        self.swin_block = SwinPair(c, g, config.heads, config.side, config.window, steps)
        self.attention = ClassAggregation(
            c, g, config.heads, config.capacity, config.pooling, steps
        )

    def forward(
        self, x: Tensor, image: Tensor, text: Tensor, real: Tensor, lora: LoraSlices
    ) -> Tensor:
        """Map [B, N, H, W, C] under image [B, H, W, G] and text [B, N, G] to the same shape.

        `real` [B, N] is 1 for the rows that are there, else 0.
        """
        return self.attention(self.swin_block(x, image, lora), text, real, lora)


class GuidedConv(nn.Module):
    """Two 3x3 convolutions with group norm; the first also sees a guidance map."""

    def __init__(self, c_in: int, c_out: int) -> None:
        """Build the layers; `c_in` counts the channels of the guidance too."""
        super().__init__()
        groups = c_out // 16
        self.double_conv = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
            nn.GroupNorm(groups, c_out),
            nn.ReLU(),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.GroupNorm(groups, c_out),
            nn.ReLU(),
        )

    def share(self, guidance: Tensor) -> Tensor:
        """Return what guidance [B, G, H, W] adds to every label, [B, c_out, H, W]."""
        return F.conv2d(guidance, self._first_weight()[:, -guidance.shape[1] :], padding=1)

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        """Map [B*N, C, H, W] to [B*N, c_out, H, W] under the `share` of the guidance."""
        own = F.conv2d(x, self._first_weight()[:, : x.shape[1]], padding=1)
        own = own.unflatten(0, (len(share), -1)) + share[:, None]
        return self.double_conv[1:](own.flatten(0, 1))

    def _first_weight(self) -> Tensor:
        first = self.double_conv[0]
        assert isinstance(first, nn.Conv2d)
        return first.weight


class UpStage(nn.Module):
    """Doubles the resolution of each label's map."""

    def __init__(self, c_in: int, c_out: int, guidance: int) -> None:
        """Build the transposed convolution and the guided ones."""
        super().__init__()
        self.up = nn.ConvTranspose2d(c_in, c_in - guidance, 2, stride=2)
        self.conv = GuidedConv(c_in, c_out)

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        """Map [B*N, C, H, W] to [B*N, c_out, 2H, 2W]; `share` as in `GuidedConv`."""
        return self.conv(self.up(x), share)


class CostAggregator(nn.Module):
    """From dense image features and text vectors to logits (Cho et al., CVPR 2024, section 3)."""

    def __init__(self, config: HeadConfig) -> None:
        """Build the head."""
        super().__init__()
        self.config = config
        c, g = config.width, config.guidance_width
        self.cost_volume = CostVolume()
        self.conv1 = nn.Conv2d(1, c, 7, padding=3)
        self.layers = nn.ModuleList([AggregationLayer(config) for _ in range(config.layers)])
        self.guidance_projection = _projection(config.embedding_dim, g)
        self.text_guidance_projection = nn.Sequential(nn.Linear(config.embedding_dim, g), nn.ReLU())
        pairs = zip(config.decoder_inputs, config.decoder_guidance, strict=True)
        self.decoder_guidance_projection = nn.ModuleList([_projection(i, o) for i, o in pairs])
        wide, slim = config.decoder_widths
        self.decoder1 = UpStage(c, wide, config.decoder_guidance[0])
        self.decoder2 = UpStage(wide, slim, config.decoder_guidance[1])
        self.head = nn.Conv2d(slim, 1, 3, padding=1)

    def forward(
        self, dense: Tensor, labels: LabelRows, maps: tuple[Tensor, Tensor], lora: LoraSlices
    ) -> Tensor:
        """Return logits [B, N, 4h, 4w].

        `dense` [B, D, h, w], `maps` the guidance of the decoder, [B, 256, 2h, 2w] and
        [B, 128, 4h, 4w]. Of more labels than the capacity those with the highest cosine anywhere
        in the image are aggregated; the others, and rows that are not there, get a logit of -100.
        """
        cost = self._cost(dense, labels)
        if cost.shape[1] <= self.config.capacity:
            everywhere = LabelRows(*(part.expand(len(dense), *part.shape) for part in labels))
            return self._aggregate(cost, everywhere, dense, maps, lora)
        kept = cost.flatten(2).amax(-1).topk(self.config.capacity, dim=-1).indices
        logits = self._aggregate(pick_labels(cost, kept), _of(labels, kept), dense, maps, lora)
        every = logits.new_full((len(dense), cost.shape[1], *logits.shape[2:]), ABSENT_LOGIT)
        places = kept[:, :, None, None]
        return every.scatter(1, places.expand(-1, -1, *logits.shape[2:]), logits)

    def forward_promising(
        self,
        dense: Tensor,
        labels: LabelRows,
        maps: tuple[Tensor, Tensor],
        lora: LoraSlices,
        most: int,
    ) -> tuple[Tensor, Tensor]:
        """Return (logits [B, K, 4h, 4w], label numbers int64 [B, K]) of the promising labels only.

        K is `most`, or N where that is less. See `promising` for which labels these are.
        """
        cost = self._cost(dense, labels)
        kept = promising(cost, most)
        picked = pick_labels(cost, kept)
        return self._aggregate(picked, _of(labels, kept), dense, maps, lora), kept

    def _cost(self, dense: Tensor, labels: LabelRows) -> Tensor:
        return without_absent(self.cost_volume(dense, labels.bank), labels.real, ABSENT_COSINE)

    def _aggregate(
        self,
        cost: Tensor,
        labels: LabelRows,
        dense: Tensor,
        maps: tuple[Tensor, Tensor],
        lora: LoraSlices,
    ) -> Tensor:
        b, n, h, w = cost.shape
        image_guidance = self.guidance_projection(dense).permute(0, 2, 3, 1)
        text_guidance = self.text_guidance_projection(F.normalize(labels.bank, dim=-1))
        x = self.conv1(cost.reshape(b * n, 1, h, w))
        x = x.permute(0, 2, 3, 1).unflatten(0, (b, n))
        for layer in self.layers:
            x = layer(x, image_guidance, text_guidance, labels.real, lora)
        stages = (self.decoder1, self.decoder2)
        projections = zip(stages, self.decoder_guidance_projection, maps, strict=True)
        shares = [stage.conv.share(project(guide)) for stage, project, guide in projections]
        logits = each_part(lambda rows: self._decode(rows, shares), x, 1, self.config.steps)
        return without_absent(logits, labels.real, ABSENT_LOGIT)

    def _decode(self, x: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Map [B, N, h, w, C] to logits [B, N, 4h, 4w]."""
        y = x.flatten(0, 1).permute(0, 3, 1, 2)
        for stage, share in zip((self.decoder1, self.decoder2), shares, strict=True):
            y = stage(y, share)
        return self.head(y).reshape(*x.shape[:2], *y.shape[2:])


def _of(labels: LabelRows, kept: Tensor) -> LabelRows:
    """Return for each image the rows that `kept` [B, K] names, bank [B, K, D] and real [B, K]."""
    return LabelRows(labels.bank[kept], labels.real[kept])


def _projection(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())
