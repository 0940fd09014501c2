"""The published layout of a CAT-Seg checkpoint, mapped to ours and back without loss.

Published attention keeps three weights beside one fused bias; ours are three linear layers, so that
each may carry LoRA on the forward path.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ovseg_ros.models.catseg import CatSeg

CLIP = "sem_seg_head.predictor.clip_model."
_PREFIXES = (
    ("image.blocks.", f"{CLIP}visual.transformer.resblocks."),
    ("image.", f"{CLIP}visual."),
    ("text.blocks.", f"{CLIP}transformer.resblocks."),
    ("text.", CLIP),
    ("aggregator.", "sem_seg_head.predictor.transformer."),
    ("upsample1.", "upsample1."),
    ("upsample2.", "upsample2."),
)
_PARTS = ("q", "k", "v")
_FUSED_BIAS = "in_proj_bias"


def published_name(name: str) -> str:
    """Return the published name of our parameter or module `name`, projection biases excepted."""
    for ours, theirs in _PREFIXES:
        if name.startswith(ours):
            name = theirs + name.removeprefix(ours)
            break
    if name.startswith(CLIP):
        for part in _PARTS:
            name = name.replace(f".attn.{part}_proj.weight", f".attn.{part}_proj_weight")
    return name


def to_published(network: CatSeg) -> dict[str, Tensor]:
    """Return the weights of `network` under the published keys, buffers included."""
    published: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        bias_of = _fused_bias_of(name)
        if bias_of is None:
            published[published_name(name)] = value
        elif name.endswith("q_proj.bias"):
            base = name.removesuffix("q_proj.bias")
            parts = [network.state_dict()[f"{base}{part}_proj.bias"] for part in _PARTS]
            published[bias_of] = torch.cat(parts)
    return published | window_masks(network)


def from_published(network: CatSeg, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `weights`, whose keys and shapes are those of `to_published`, under our names.

    The window masks are constants of the network, not weights: they are left out.
    """
    ours: dict[str, Tensor] = {}
    for name in network.state_dict():
        bias_of = _fused_bias_of(name)
        if bias_of is None:
            ours[name] = weights[published_name(name)]
        else:
            part = _PARTS.index(name.rsplit(".", 2)[1][0])
            ours[name] = weights[bias_of].chunk(3)[part]
    return ours


def published_shapes(network: CatSeg) -> dict[str, tuple[int, ...]]:
    """Return key -> shape of the published checkpoint of `network`."""
    return {name: tuple(value.shape) for name, value in to_published(network).items()}


def _fused_bias_of(name: str) -> str | None:
    """Return the key of the fused bias that holds our bias `name`, or None for other parameters."""
    if not name.startswith(("image.", "text.")):
        return None
    for part in _PARTS:
        suffix = f".attn.{part}_proj.bias"
        if name.endswith(suffix):
            return published_name(name.removesuffix(suffix) + ".attn." + _FUSED_BIAS)
    return None


def window_masks(network: CatSeg) -> dict[str, Tensor]:
    """Return the constants that a checkpoint holds beside the weights, under their keys."""
    return {
        published_name(name): value
        for name, value in network.named_buffers()
        if name.endswith("attn_mask")
    }
