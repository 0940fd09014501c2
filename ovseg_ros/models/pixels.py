"""Normalisation of pixels, with constants that are made where the pixels are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def normalise(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return pixels `x` [B, 3, H, W] less `mean`, by `std`, one number each for R, G and B."""
    return (x - _channels(mean, x)) / _channels(std, x)


def _channels(values: Sequence[float], like: Tensor) -> Tensor:
    """Return [3, 1, 1], filled on the device: a copy from the host cannot be in a CUDA graph."""
    return torch.stack([like.new_full((1, 1), value) for value in values])
