"""The layout of OpenAI and open_clip weight files with a plain ViT tower, mapped to ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_PREFIXES = (
    ("image.blocks.", "visual.transformer.resblocks."),
    ("image.", "visual."),
    ("text.blocks.", "transformer.resblocks."),
    ("text.", ""),
)
_PARTS = ("q", "k", "v")


def open_clip_name(name: str) -> str:
    """Return the open_clip name of our parameter `name`, projections of attention excepted."""
    for ours, theirs in _PREFIXES:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


def to_open_clip(towers: nn.Module) -> dict[str, Tensor]:
    """Return the weights of `towers.image` and `towers.text` under their names."""
    own = {n: v for n, v in towers.state_dict().items() if n.startswith(("image.", "text."))}
    theirs: dict[str, Tensor] = {}
    for name, value in own.items():
        fused = _fused(name)
        if fused is None:
            theirs[open_clip_name(name)] = value
        elif ".q_proj." in name:
            parts = [own[name.replace("q_proj", f"{part}_proj")] for part in _PARTS]
            theirs[fused] = torch.cat(parts)
    return theirs


def from_open_clip(towers: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `weights`, whose keys and shapes are those of `to_open_clip`, under our names."""
    ours: dict[str, Tensor] = {}
    for name in towers.state_dict():
        if not name.startswith(("image.", "text.")):
            continue
        fused = _fused(name)
        if fused is None:
            ours[name] = weights[open_clip_name(name)]
        else:
            part = next(i for i, p in enumerate(_PARTS) if f".{p}_proj." in name)
            ours[name] = weights[fused].chunk(3)[part]
    return ours


def open_clip_shapes(towers: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return key -> shape of an open_clip file that fits `towers`."""
    return {name: tuple(value.shape) for name, value in to_open_clip(towers).items()}


def _fused(name: str) -> str | None:
    """Return the key of the fused projection that holds our `name`, or None for others."""
    for part in _PARTS:
        for kind in ("weight", "bias"):
            suffix = f".attn.{part}_proj.{kind}"
            if name.endswith(suffix):
                return open_clip_name(name.removesuffix(suffix)) + f".attn.in_proj_{kind}"
    return None
