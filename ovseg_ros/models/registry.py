"""The networks by name, each with its dimensions and its preprocessing.

A few have names of their own; `catseg:TOWER` and `maskclip:TOWER` are the same networks over any
plain CLIP or SigLIP of open_clip, by its name there.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from ovseg_ros.errors import PackageError
from ovseg_ros.models.catseg import CatSegConfig
from ovseg_ros.models.clip_block import Activation
from ovseg_ros.models.clip_image import ImageTowerConfig
from ovseg_ros.models.clip_text import TextTowerConfig
from ovseg_ros.models.cost_aggregation import HeadConfig
from ovseg_ros.models.maskclip import MaskClipConfig
from ovseg_ros.models.open_clip_configs import Towers, find_towers
from ovseg_ros.models.siglip_image import SiglipImageConfig

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
_MASKCLIP_PX = (336, 448)
_MIDDLE = (127.5, 127.5, 127.5)  # SigLIP's pixels run from -1 to 1
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


class Family(Enum):
    """The networks that take any plain CLIP or SigLIP."""

    CATSEG = "catseg"
    MASKCLIP = "maskclip"


def find_network(name: str) -> CatSegConfig | MaskClipConfig:
    """Return the network called `name`.

    Raises `PackageError` listing the valid names, and `MissingExtraError` where a tower is asked
    for by its open_clip name and open_clip_torch is not installed.
    """
    family, colon, tower = name.partition(":")
    if colon and family in (f.value for f in Family):
        towers = find_towers(tower)
        return _catseg_over(towers) if family == Family.CATSEG.value else _maskclip_over(towers)
    if name not in NETWORKS:
        valid = ", ".join([*NETWORKS, *(f"{f.value}:TOWER" for f in Family)])
        raise PackageError(
            f"network '{name}' is unknown; the networks are {valid}, "
            "TOWER a plain CLIP or SigLIP by its open_clip name, such as ViT-B-16-quickgelu"
        )
    return NETWORKS[name]


def _catseg_over(towers: Towers) -> CatSegConfig:
    """The head's grid and the guidance from a third and two thirds of the way up, as published."""
    image, head = towers.image, HeadConfig(embedding_dim=towers.image.embedding_dim)
    config = CatSegConfig(
        image=image,
        text=towers.text,
        head=head,
        clip_side_px=head.side * image.patch_px,
        guidance_blocks=(image.layers // 3 - 1, 2 * image.layers // 3 - 1),
    )
    return replace(config, mean=_MIDDLE, std=_MIDDLE) if _is_siglip(towers) else config


def _maskclip_over(towers: Towers) -> MaskClipConfig:
    patch = towers.image.patch_px
    height, width = (round(side / patch) * patch for side in _MASKCLIP_PX)
    config = MaskClipConfig(towers.image, towers.text, internal_size_px=(height, width))
    return replace(config, mean=_MIDDLE, std=_MIDDLE) if _is_siglip(towers) else config


def _is_siglip(towers: Towers) -> bool:
    return isinstance(towers.image, SiglipImageConfig)
