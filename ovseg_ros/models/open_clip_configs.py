"""Towers by their open_clip names, dimensions read from the installed open_clip_torch.

Its model configurations are data; open_clip itself, which needs torchvision, is not imported.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.errors import MissingExtraError, PackageError
from ovseg_ros.models.clip_block import Activation
from ovseg_ros.models.clip_image import ImageTowerConfig
from ovseg_ros.models.clip_text import TextTowerConfig
from ovseg_ros.models.siglip_configs import (
    is_siglip,
    siglip_image,
    siglip_text,
    siglip_unusual,
)
from ovseg_ros.models.towers import AnyImageConfig, AnyTextConfig

_HEAD_WIDTH = 64
_CONTEXT = 77
# What a plain tower may say about itself; whatever else is there makes another network of it.
_TOP = {"embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "init_logit_scale"}
_VISION = {"image_size", "layers", "width", "head_width", "mlp_ratio", "patch_size"}
_TEXT = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"}
_TRAINING_ONLY = {"patch_dropout"}


@dataclass(frozen=True)
class Towers:
    """Both towers of a CLIP; `side_px` is the side of the square its images were trained at."""

    image: AnyImageConfig
    text: AnyTextConfig
    side_px: int


def plain_names() -> list[str]:
    """Return the open_clip names whose towers are those of a plain CLIP or a SigLIP.

    Raises `MissingExtraError` where open_clip_torch is not installed.
    """
    return sorted(path.stem for path in _folder().glob("*.json") if not _unusual(_read(path)))


def find_towers(name: str) -> Towers:
    """Return the towers that open_clip calls `name`.

    Raises `PackageError` for an unknown name, listing the valid ones, and for towers of another
    kind, saying what is unusual; `MissingExtraError` where open_clip_torch is not installed.
    """
    path = _folder() / f"{name}.json"
    if not path.is_file():
        raise PackageError(
            f"open_clip has no '{name}'; with plain towers it has {', '.join(plain_names())}"
        )
    found = _read(path)
    unusual = _unusual(found)
    if unusual:
        raise PackageError(
            f"the towers of '{name}' are not those of a plain CLIP or SigLIP: it has "
            f"{', '.join(unusual)}; those that are: {', '.join(plain_names())}"
        )
    if is_siglip(found):
        return Towers(siglip_image(found), siglip_text(found), found["vision_cfg"]["image_size"])
    return _clip_towers(found)


def _clip_towers(found: Mapping[str, Any]) -> Towers:
    vision, text, dim = found["vision_cfg"], found["text_cfg"], found["embed_dim"]
    quick = found.get("quick_gelu", False)
    activation = Activation.QUICK_GELU if quick else Activation.GELU
    image = ImageTowerConfig(
        layers=vision["layers"],
        width=vision["width"],
        heads=vision["width"] // vision.get("head_width", _HEAD_WIDTH),
        patch_px=vision["patch_size"],
        grid=vision["image_size"] // vision["patch_size"],
        embedding_dim=dim,
        activation=activation,
        mlp_ratio=vision.get("mlp_ratio", 4.0),
    )
    words = TextTowerConfig(
        layers=text["layers"],
        width=text["width"],
        heads=text["heads"],
        embedding_dim=dim,
        vocabulary=text["vocab_size"],
        activation=activation,
        mlp_ratio=text.get("mlp_ratio", 4.0),
    )
    return Towers(image, words, vision["image_size"])


def _unusual(found: Mapping[str, Any]) -> list[str]:
    """Return what sets these towers apart from plain ones, as `part.key`."""
    if is_siglip(found):
        return siglip_unusual(found)
    vision, text = found["vision_cfg"], found["text_cfg"]
    odd = [key for key in found if key not in _TOP]
    odd += [f"vision_cfg.{key}" for key in vision if key not in _VISION | _TRAINING_ONLY]
    odd += [f"text_cfg.{key}" for key in text if key not in _TEXT]
    if not isinstance(vision.get("layers"), int) or "patch_size" not in vision:
        odd.append("an image tower that is no transformer")
    if text.get("context_length") != _CONTEXT:
        odd.append(f"text_cfg.context_length {text.get('context_length')}")
    return odd


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _folder() -> Path:
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("open_clip", "torch")
    return Path(spec.submodule_search_locations[0]) / "model_configs"
