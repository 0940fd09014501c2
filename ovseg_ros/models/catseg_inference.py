"""Images to label probabilities with CAT-Seg, as its published program does: one view or five."""

from __future__ import annotations

from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.models.catseg import CatSeg, CatSegConfig
from ovseg_ros.models.lora import LoraSlices

_PAD_MULTIPLE_PX = 32
_CANVAS_PX = 640
_WINDOW_PX = 384
_STRIDE_PX = 256


class Views(Enum):
    """How much of the frame the network sees at once."""

    SINGLE = "single"  # the whole frame, squeezed into one square
    SLIDING = "sliding"  # four overlapping windows of a 640 px square, and the whole frame


def prepare(image: Tensor, config: CatSegConfig, views: Views) -> Tensor:
    """Return the network's input [B, 3, S, S] for one `image` [3, H, W] RGB in 0..255, float32."""
    return _prepare_single(image, config) if views is Views.SINGLE else _windows(image, config)


def probabilities(
    network: CatSeg,
    image: Tensor,
    text: Tensor,
    size_px: tuple[int, int],
    views: Views,
    lora: LoraSlices,
) -> Tensor:
    """Return [N, height, width] in 0..1 for `image` [3, H, W] in 0..255 and `text` [N, D].

    `size_px` is (height, width) of the result.
    """
    logits = network(prepare(image, network.config, views), text, lora)
    return finish(logits, size_px, views)


def finish(logits: Tensor, size_px: tuple[int, int], views: Views) -> Tensor:
    """Return probabilities [N, height, width] of the `logits` [B, N, h, w] of all views."""
    if views is Views.SINGLE:
        return _resize(logits.sigmoid(), size_px)[0]
    maps = _resize(logits, (_WINDOW_PX, _WINDOW_PX)).sigmoid()
    whole = _resize(maps[-1:], (_CANVAS_PX, _CANVAS_PX))
    return _resize((_merge(maps[:-1]) + whole) / 2, size_px)[0]


def _prepare_single(image: Tensor, config: CatSegConfig) -> Tensor:
    """Zero padding comes after the normalisation, and is squeezed with the rest, as published."""
    x = _normalise(image[None], config)
    height, width = x.shape[-2:]
    down, right = -height % _PAD_MULTIPLE_PX, -width % _PAD_MULTIPLE_PX
    x = F.pad(x, (0, right, 0, down))
    return _resize(x, (config.clip_side_px, config.clip_side_px))


def _windows(image: Tensor, config: CatSegConfig) -> Tensor:
    canvas = _resize(image[None], (_CANVAS_PX, _CANVAS_PX))
    parts = [canvas[..., y : y + _WINDOW_PX, x : x + _WINDOW_PX] for y, x in _corners()]
    parts.append(_resize(image[None], (_WINDOW_PX, _WINDOW_PX)))
    x = _normalise(torch.cat(parts), config)
    return _resize(x, (config.clip_side_px, config.clip_side_px))


def _merge(windows: Tensor) -> Tensor:
    """Average windows [4, N, 384, 384] where they overlap, to [1, N, 640, 640]."""
    total = windows.new_zeros(1, windows.shape[1], _CANVAS_PX, _CANVAS_PX)
    count = windows.new_zeros(_CANVAS_PX, _CANVAS_PX)
    margin = _CANVAS_PX - _WINDOW_PX
    for window, (y, x) in zip(windows, _corners(), strict=True):
        place = (x, margin - x, y, margin - y)
        total = total + F.pad(window, place)
        count = count + F.pad(torch.ones_like(window[0]), place)
    return total / count


def _corners() -> list[tuple[int, int]]:
    starts = range(0, _CANVAS_PX - _WINDOW_PX + 1, _STRIDE_PX)
    return [(y, x) for y in starts for x in starts]


def _normalise(x: Tensor, config: CatSegConfig) -> Tensor:
    mean, std = (x.new_tensor(v).reshape(3, 1, 1) for v in (config.mean, config.std))
    return (x - mean) / std


def _resize(x: Tensor, size_px: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size_px, mode="bilinear", align_corners=False)
