"""Weights without a download: each a pure function of its published key and shape.

The reference outputs of the published programs were recorded with these, so that an implementation
can be checked number by number, and a package can be exported and run where no checkpoint is.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

_EMBEDDINGS = (
    "positional_embedding",
    "class_embedding",
    "padding_tokens",
    "padding_guidance",
    "pos_embed",
    "latent",
)
_TRANSPOSED = ("upsample1.weight", "upsample2.weight", ".up.weight")
_GAINS = (
    ("predictor.transformer.conv1.weight", 40.0),
    ("text_guidance_projection.0.weight", 16.0),
    ("predictor.transformer.head.weight", 4.0),
    ("q_proj_weight", 2.0),
    ("k_proj_weight", 2.0),
)


def deterministic_tensor(key: str, shape: Sequence[int], gains: bool = True) -> Tensor:
    """Return float32 `shape` drawn from a normal distribution seeded by `key`.

    The scale follows what the key names, so that signals keep their size through the network;
    `gains` adds the factors that spread the outputs of CAT-Seg.
    """
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    draw = np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape))
    value = _scaled(key, draw)
    if gains and len(shape) > 1:
        value = value * next((gain for end, gain in _GAINS if key.endswith(end)), 1.0)
    return torch.from_numpy(np.asarray(value, np.float32))


def _scaled(key: str, draw: np.ndarray) -> np.ndarray:
    last = key.rsplit(".", 1)[-1]
    if key.endswith("token_embedding.weight"):
        return draw
    if last in _EMBEDDINGS:
        return 0.3 * draw
    if draw.ndim == 0 or (draw.ndim == 1 and last == "weight"):
        return np.asarray(1.0 + 0.1 * draw)
    if draw.ndim == 1:
        return 0.02 * draw
    if last in ("proj", "text_projection") or key.endswith(_TRANSPOSED):
        return np.asarray(draw / math.sqrt(draw.shape[0]))
    return np.asarray(draw / math.sqrt(math.prod(draw.shape[1:])))


def deterministic_weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """Return a tensor for every key of `shapes`; window masks, which are constants, excepted."""
    return {
        key: deterministic_tensor(key, shape)
        for key, shape in shapes.items()
        if not key.endswith("attn_mask")
    }
