"""MobileNetV2 (Sandler et al., CVPR 2018) as a dense backbone, batch normalisation folded.

Layout and padding are those of the TensorFlow release: 'SAME' padding, which for stride 2 adds a
row at the bottom and a column at the right only.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.lora import LoraConv1x1, LoraSlices

# (expansion t, channels c, blocks n, stride of the first block s), Table 2 of the paper.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
FIRST_LORA_BLOCK = 11
CHANNELS = {"stride4": 24, "stride8": 32, "middle": 64, "stride16": 96, "stride32": 320}


class EarlyFeatures(NamedTuple):
    """The maps before any LoRA site, which no adapter changes."""

    stride4: Tensor
    stride8: Tensor
    middle: Tensor


class Features(NamedTuple):
    """Feature maps [B, C, H/s, W/s]; `middle` is stride 16, the last before any LoRA site."""

    stride4: Tensor
    stride8: Tensor
    middle: Tensor
    stride16: Tensor
    stride32: Tensor


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow 'SAME' padding, for even inputs at stride 2."""

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, C', H/stride, W/stride]."""
        if self.kernel_size[0] == 3 and self.stride[0] == 2:
            x = F.pad(x, (0, 1, 0, 1))
        return super().forward(x)


def _conv(c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> SameConv:
    padding = 1 if kernel == 3 and stride == 1 else 0
    return SameConv(c_in, c_out, kernel, stride, padding, groups=groups)


class InvertedResidual(nn.Module):
    """Expand, filter by depth, project; the last is a LoRA site in the later blocks."""

    def __init__(self, c_in: int, c_out: int, stride: int, expansion: int, lora: bool) -> None:
        """Build a block c_in -> c_out; `lora` makes the projection a LoRA site."""
        super().__init__()
        width = c_in * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [_conv(c_in, width, 1, 1)]
        layers.append(_conv(width, width, 3, stride, groups=width))
        layers.append(LoraConv1x1(width, c_out) if lora else _conv(width, c_out, 1, 1))
        self.layers = nn.ModuleList(layers)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, c_in, H, W] to [B, c_out, H/stride, W/stride]."""
        y = x
        for layer in self.layers[:-1]:
            y = F.relu6(layer(y))
        project = self.layers[-1]
        y = project(y, lora) if isinstance(project, LoraConv1x1) else project(y)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """The convolutional part, returning the maps a dense decoder needs."""

    def __init__(self) -> None:
        """Build all 17 blocks; weights come from `load_imagenet`."""
        super().__init__()
        blocks: list[nn.Module] = [_conv(3, 32, 3, 2)]
        c_in = 32
        for expansion, c_out, count, stride in _STAGES:
            for index in range(count):
                lora = len(blocks) >= FIRST_LORA_BLOCK
                first_stride = stride if index == 0 else 1
                blocks.append(InvertedResidual(c_in, c_out, first_stride, expansion, lora))
                c_in = c_out
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, lora: LoraSlices) -> Features:
        """Return the maps of `x` [B, 3, H, W] in -1..1; H and W are multiples of 32."""
        return self.late(self.early(x), lora)

    def early(self, x: Tensor) -> EarlyFeatures:
        """Run the blocks before the first LoRA site on `x` [B, 3, H, W] in -1..1."""
        outputs = [F.relu6(self.blocks[0](x))]
        for block in self.blocks[1:FIRST_LORA_BLOCK]:
            outputs.append(block(outputs[-1], {}))
        return EarlyFeatures(outputs[3], outputs[6], outputs[10])

    def late(self, early: EarlyFeatures, lora: LoraSlices) -> Features:
        """Run the other blocks."""
        outputs = [early.middle]
        for block in self.blocks[FIRST_LORA_BLOCK:]:
            outputs.append(block(outputs[-1], lora))
        return Features(*early, outputs[3], outputs[7])

    def load_imagenet(self, state: dict[str, Tensor]) -> None:
        """Load folded ImageNet weights, whose entries follow the order of the layers.

        `state` may be float16 and may go on beyond the last block (the classifier is not used).
        Raises `ValueError` where the shapes are not those of MobileNetV2 1.0.
        """
        own = self.state_dict()
        values = list(state.values())[: len(own)]
        if [tuple(v.shape) for v in own.values()] != [tuple(v.shape) for v in values]:
            raise ValueError("the weights are not those of MobileNetV2 1.0 with folded BatchNorm")
        self.load_state_dict({k: v.float() for k, v in zip(own, values, strict=True)})


def load_imagenet_file(path: str) -> dict[str, Tensor]:
    """Open the weight file at `path` without running any code in it."""
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
