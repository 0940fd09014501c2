"""Images to label probabilities with CAT-Seg, as its published program does: one view or five.

The views of a batch come one after another: the first view of every image, then the second, ...
"""

from __future__ import annotations

from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.models.catseg import CatSegConfig
from ovseg_ros.models.pixels import normalise

_PAD_MULTIPLE_PX = 32
_CANVAS_PX = 640
_WINDOW_PX = 384
_STRIDE_PX = 256


class Views(Enum):
    """How much of the frame the network sees at once."""

    SINGLE = "single"  # the whole frame, squeezed into one square
    SLIDING = "sliding"  # four overlapping windows of a 640 px square, and the whole frame

    @property
    def count(self) -> int:
        """Number of views of one image; the last one shows all of it."""
        return 1 if self is Views.SINGLE else 1 + len(_corners())


def prepare(images: Tensor, config: CatSegConfig, views: Views) -> Tensor:
    """Return the network's input [V*B, 3, S, S] for `images` [B, 3, H, W] RGB in 0..255, float32.

    Frames whose sides are no multiples of 32 are padded behind the normalisation and squeezed with
    their padding, as published.
    """
    side = (config.clip_side_px, config.clip_side_px)
    if views is Views.SLIDING:
        return _resize(normalise(_windows(images), config.mean, config.std), side)
    x = normalise(images, config.mean, config.std)
    down, right = -x.shape[2] % _PAD_MULTIPLE_PX, -x.shape[3] % _PAD_MULTIPLE_PX
    return _resize(F.pad(x, (0, right, 0, down)), side)


def finish(logits: Tensor, views: Views) -> Tensor:
    """Return probabilities [B, N, h, w] of the `logits` [V*B, N, 96, 96] of all views.

    One view: at the resolution of the logits; five: of the canvas that the windows cover, 640 px.
    """
    if views is Views.SINGLE:
        return logits.sigmoid()
    maps = _resize(logits, (_WINDOW_PX, _WINDOW_PX)).sigmoid()
    maps = maps.unflatten(0, (views.count, -1))
    whole = _resize(maps[-1], (_CANVAS_PX, _CANVAS_PX))
    return (_merge(maps[:-1]) + whole) / 2


def probabilities(logits: Tensor, size_px: tuple[int, int], views: Views) -> Tensor:
    """Return probabilities [B, N, height, width] for `size_px` (height, width), as published."""
    return _resize(finish(logits, views), size_px)


def _windows(images: Tensor) -> Tensor:
    canvas = _resize(images, (_CANVAS_PX, _CANVAS_PX))
    parts = [canvas[..., y : y + _WINDOW_PX, x : x + _WINDOW_PX] for y, x in _corners()]
    return torch.cat([*parts, _resize(images, (_WINDOW_PX, _WINDOW_PX))])


def _merge(windows: Tensor) -> Tensor:
    """Average windows [4, B, N, 384, 384] where they overlap, to [B, N, 640, 640]."""
    margin = _CANVAS_PX - _WINDOW_PX
    places = [(x, margin - x, y, margin - y) for y, x in _corners()]
    total = sum(F.pad(window, place) for window, place in zip(windows, places, strict=True))
    ones = windows.new_ones(_WINDOW_PX, _WINDOW_PX)
    count = sum(F.pad(ones, place) for place in places)
    assert isinstance(total, Tensor) and isinstance(count, Tensor)
    return total / count


def _corners() -> list[tuple[int, int]]:
    starts = range(0, _CANVAS_PX - _WINDOW_PX + 1, _STRIDE_PX)
    return [(y, x) for y in starts for x in starts]


def _resize(x: Tensor, size_px: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size_px, mode="bilinear", align_corners=False)
