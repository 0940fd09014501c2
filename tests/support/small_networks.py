"""CAT-Seg at a size that tests can afford to export."""

from __future__ import annotations

from dataclasses import replace

import torch

from ovseg_ros.models.catseg import CatSeg, CatSegConfig
from ovseg_ros.models.catseg_layout import from_published, published_shapes
from ovseg_ros.models.clip_image import ImageTowerConfig
from ovseg_ros.models.clip_text import TextTowerConfig
from ovseg_ros.models.cost_aggregation import HeadConfig
from ovseg_ros.models.deterministic import deterministic_weights
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig
from ovseg_ros.models.steps import Steps

SMALL = CatSegConfig(
    image=ImageTowerConfig(3, 32, 2, patch_px=4, grid=5, embedding_dim=16),
    text=TextTowerConfig(2, 16, 2, embedding_dim=16),
    head=HeadConfig(embedding_dim=16, side=8, window=4),
    clip_side_px=32,
    guidance_blocks=(0, 1),
)


def build(steps: Steps = Steps.ONE_BY_ONE) -> CatSeg:
    """Return the small network with weights that need no download."""
    network = CatSeg(replace(SMALL, head=replace(SMALL.head, steps=steps))).eval()
    weights = deterministic_weights(published_shapes(network))
    network.load_state_dict(from_published(network, weights))
    return network


def build_maskclip() -> MaskClip:
    """Return MaskCLIP over the same towers, with random weights that are always the same."""
    torch.manual_seed(7)
    return MaskClip(MaskClipConfig(SMALL.image, SMALL.text, internal_size_px=(32, 48))).eval()
