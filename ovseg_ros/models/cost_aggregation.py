"""The head of CAT-Seg: cost volume, aggregation over space and labels, upsampling decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.class_aggregation import ClassAggregation
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.spatial_aggregation import SwinPair

REJECTED_LOGIT = -100.0


@dataclass(frozen=True)
class HeadConfig:
    """Dimensions of the head, as published; `capacity` is how many labels are aggregated at most.

    `pooling` is the side of the average pooling before the class aggregation: 1 in the published
    evaluation, 2 in its training.
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
        self.swin_block = SwinPair(c, g, config.heads, config.side, config.window)
        self.attention = ClassAggregation(c, g, config.heads, config.capacity, config.pooling)

    def forward(self, x: Tensor, image: Tensor, text: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, N, H, W, C] under image [B, H, W, G] and text [B, N, G] to the same shape."""
        return self.attention(self.swin_block(x, image, lora), text, lora)


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

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        """Map [B*N, C, H, W] beside [B, G, H, W] to [B*N, c_out, H, W].

        The guidance is convolved once per image, not once per label.
        """
        first, *others = self.double_conv
        assert isinstance(first, nn.Conv2d)
        own = F.conv2d(x, first.weight[:, : x.shape[1]], padding=1)
        shared = F.conv2d(guidance, first.weight[:, x.shape[1] :], padding=1)
        own = own.unflatten(0, (len(guidance), -1)) + shared[:, None]
        y = own.flatten(0, 1)
        for layer in others:
            y = layer(y)
        return y


class UpStage(nn.Module):
    """Doubles the resolution of each label's map."""

    def __init__(self, c_in: int, c_out: int, guidance: int) -> None:
        """Build the transposed convolution and the guided ones."""
        super().__init__()
        self.up = nn.ConvTranspose2d(c_in, c_in - guidance, 2, stride=2)
        self.conv = GuidedConv(c_in, c_out)

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        """Map [B*N, C, H, W] beside [B, G, 2H, 2W] to [B*N, c_out, 2H, 2W]."""
        return self.conv(self.up(x), guidance)


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
        self, dense: Tensor, text: Tensor, maps: tuple[Tensor, Tensor], lora: LoraSlices
    ) -> Tensor:
        """Return logits [B, N, 4h, 4w].

        `dense` [B, D, h, w], `text` [N, D], `maps` the guidance of the decoder, [B, 256, 2h, 2w]
        and [B, 128, 4h, 4w]. Of more labels than the capacity those with the highest cosine
        anywhere in the image are aggregated; the others get a logit of -100.
        """
        cost = self.cost_volume(dense, text)
        if cost.shape[1] <= self.config.capacity:
            return self._aggregate(cost, text.expand(len(dense), *text.shape), dense, maps, lora)
        kept = cost.flatten(2).amax(-1).topk(self.config.capacity, dim=-1).indices
        places = kept[:, :, None, None]
        cost_kept = cost.gather(1, places.expand(-1, -1, *cost.shape[2:]))
        logits = self._aggregate(cost_kept, text[kept], dense, maps, lora)
        every = logits.new_full((len(dense), cost.shape[1], *logits.shape[2:]), REJECTED_LOGIT)
        return every.scatter(1, places.expand(-1, -1, *logits.shape[2:]), logits)

    def _aggregate(
        self,
        cost: Tensor,
        text: Tensor,
        dense: Tensor,
        maps: tuple[Tensor, Tensor],
        lora: LoraSlices,
    ) -> Tensor:
        b, n, h, w = cost.shape
        image_guidance = self.guidance_projection(dense).permute(0, 2, 3, 1)
        text_guidance = self.text_guidance_projection(F.normalize(text, dim=-1))
        x = self.conv1(cost.reshape(b * n, 1, h, w))
        x = x.permute(0, 2, 3, 1).unflatten(0, (b, n))
        for layer in self.layers:
            x = layer(x, image_guidance, text_guidance, lora)
        y = x.flatten(0, 1).permute(0, 3, 1, 2)
        stages = (self.decoder1, self.decoder2)
        for stage, project, guidance in zip(
            stages, self.decoder_guidance_projection, maps, strict=True
        ):
            y = stage(y, project(guidance))
        return self.head(y).reshape(b, n, 4 * h, 4 * w)


def _projection(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())
