"""The networks by name, each with its dimensions and its preprocessing."""

from __future__ import annotations

from dataclasses import replace

from ovseg_ros.errors import PackageError
from ovseg_ros.models.catseg import CatSegConfig
from ovseg_ros.models.clip_block import Activation
from ovseg_ros.models.clip_image import ImageTowerConfig
from ovseg_ros.models.clip_text import TextTowerConfig
from ovseg_ros.models.cost_aggregation import HeadConfig
from ovseg_ros.models.maskclip import MaskClipConfig

CATSEG_BASE = CatSegConfig(
    image=ImageTowerConfig(12, 768, 12, patch_px=16, grid=14, embedding_dim=512),
    text=TextTowerConfig(12, 512, 8, embedding_dim=512),
    head=HeadConfig(embedding_dim=512),
    clip_side_px=384,
    guidance_blocks=(3, 7),
)
CATSEG_LARGE = CatSegConfig(
    image=ImageTowerConfig(24, 1024, 16, patch_px=14, grid=24, embedding_dim=768),
    text=TextTowerConfig(12, 768, 12, embedding_dim=768),
    head=HeadConfig(embedding_dim=768),
    clip_side_px=336,
    guidance_blocks=(7, 15),
)
_MASKCLIP_IMAGE = ImageTowerConfig(12, 768, 12, patch_px=16, grid=14, embedding_dim=512)
_MASKCLIP_TEXT = TextTowerConfig(12, 512, 8, embedding_dim=512)
MASKCLIP_OPENAI = MaskClipConfig(_MASKCLIP_IMAGE, _MASKCLIP_TEXT)
MASKCLIP_LAION = MaskClipConfig(
    replace(_MASKCLIP_IMAGE, activation=Activation.GELU),
    replace(_MASKCLIP_TEXT, activation=Activation.GELU),
)
NETWORKS: dict[str, CatSegConfig | MaskClipConfig] = {
    "catseg-base": CATSEG_BASE,
    "catseg-large": CATSEG_LARGE,
    "maskclip-b16": MASKCLIP_OPENAI,
    "maskclip-b16-laion": MASKCLIP_LAION,
}


def find_network(name: str) -> CatSegConfig | MaskClipConfig:
    """Return the network called `name`; raises `PackageError` listing the valid names."""
    if name not in NETWORKS:
        valid = ", ".join(NETWORKS)
        raise PackageError(f"network '{name}' is unknown; the networks are {valid}")
    return NETWORKS[name]
