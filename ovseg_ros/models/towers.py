"""The kinds of towers that a network may stand on: those of CLIP, and those of SigLIP."""

from __future__ import annotations

from ovseg_ros.models.clip_image import ImageTower, ImageTowerConfig
from ovseg_ros.models.clip_text import ClipTextTower, TextTowerConfig
from ovseg_ros.models.siglip_image import SiglipImageConfig, SiglipImageTower
from ovseg_ros.models.siglip_text import SiglipTextConfig, SiglipTextTower

AnyImageConfig = ImageTowerConfig | SiglipImageConfig
AnyTextConfig = TextTowerConfig | SiglipTextConfig
AnyImageTower = ImageTower | SiglipImageTower
AnyTextTower = ClipTextTower | SiglipTextTower


def build_image_tower(config: AnyImageConfig) -> AnyImageTower:
    """Return the tower of `config` with empty weights."""
    if isinstance(config, SiglipImageConfig):
        return SiglipImageTower(config)
    return ImageTower(config)


def build_text_tower(config: AnyTextConfig) -> AnyTextTower:
    """Return the tower of `config` with empty weights."""
    if isinstance(config, SiglipTextConfig):
        return SiglipTextTower(config)
    return ClipTextTower(config)
