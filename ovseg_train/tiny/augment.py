"""Crops and looks of training images, drawn from a seeded generator."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.segmentation import UInt8Array
from ovseg_train.tiny.recipe import Recipe

LABEL_STRIDE = 2


def augment(
    image: UInt8Array,
    label: UInt8Array,
    recipe: Recipe,
    internal_size_px: tuple[int, int],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return a crop float32 [3, H, W] in -1..1 and its label int64 [H/2, W/2], 255 ignored.

    The crop is taken at a random zoom relative to the size at which the exported graph sees a
    frame, and resized as the graph does it, bilinear without antialiasing.
    """
    zoom = _log_uniform(recipe.scale_range[0], recipe.scale_range[1], generator)
    crop_h, crop_w = recipe.crop_px
    region_h = round(crop_h / zoom * image.shape[0] / internal_size_px[0])
    region_w = round(crop_w / zoom * image.shape[1] / internal_size_px[1])
    top = _randint(image.shape[0] - region_h, generator)
    left = _randint(image.shape[1] - region_w, generator)
    window = (slice(top, top + region_h), slice(left, left + region_w))
    pixels = torch.tensor(image[window]).permute(2, 0, 1)[None].float()
    pixels = F.interpolate(pixels, size=(crop_h, crop_w), mode="bilinear", align_corners=False)[0]
    classes = torch.tensor(label[window])[None, None].float()
    size = (crop_h // LABEL_STRIDE, crop_w // LABEL_STRIDE)
    classes = F.interpolate(classes, size=size, mode="nearest-exact")[0, 0].long()
    if _uniform(0, 1, generator) < 0.5:
        pixels, classes = pixels.flip(-1), classes.flip(-1)
    return (_change_look(pixels / 255, generator) * 255 - 127) / 127.5, classes


def _change_look(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast, colour and noise of `pixels` [3, H, W] in 0..1."""
    pixels = pixels ** _log_uniform(0.7, 1.4, generator)
    gains = torch.exp(0.08 * torch.randn(3, 1, 1, generator=generator))
    pixels = pixels * gains * _log_uniform(0.7, 1.3, generator)
    mean = pixels.mean()
    pixels = mean + (pixels - mean) * _log_uniform(0.75, 1.3, generator)
    gray = pixels.mean(0, keepdim=True)
    pixels = gray + (pixels - gray) * _uniform(0.4, 1.4, generator)
    if _uniform(0, 1, generator) < 0.2:
        pixels = F.avg_pool2d(pixels[None], 3, 1, 1)[0]
    if _uniform(0, 1, generator) < 0.3:
        pixels = pixels + 0.03 * torch.randn(pixels.shape, generator=generator)
    return pixels.clamp(0, 1)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _log_uniform(low: float, high: float, generator: torch.Generator) -> float:
    return math.exp(_uniform(math.log(low), math.log(high), generator))


def _randint(last: int, generator: torch.Generator) -> int:
    return int(torch.randint(0, max(last, 0) + 1, (), generator=generator))
