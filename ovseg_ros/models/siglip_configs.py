"""SigLIP's towers as open_clip and timm describe them.

open_clip gives the image tower by its name in timm only; the dimensions behind the names are those
of the published weights (Zhai et al., ICCV 2023; Tschannen et al., 2025).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ovseg_ros.models.clip_block import Activation
from ovseg_ros.models.siglip_image import SiglipImageConfig
from ovseg_ros.models.siglip_text import SiglipTextConfig
from ovseg_ros.text.siglip_tokenizer import Vocabulary


class _Size(NamedTuple):
    layers: int
    width: int
    heads: int
    mlp_ratio: float = 4.0


_TIMM_NAME = re.compile(r"vit_(base|large|so400m|giantopt)_patch(\d+)_siglip_\d+")
_SIZES = {
    "base": _Size(12, 768, 12),
    "large": _Size(24, 1024, 16),
    "so400m": _Size(27, 1152, 16, 3.7362),
    "giantopt": _Size(40, 1536, 16),
}
# Those that were published with SigLIP 2 first.
_TANH = re.compile(r"vit_(base_patch32|large_patch16_siglip_512|so400m_patch16|giantopt)")
_VOCABULARIES = {32000: Vocabulary.C4_EN, 256000: Vocabulary.GEMMA}
_ACTIVATIONS = {None: Activation.GELU, "tanh": Activation.GELU_TANH}
# What these towers say about themselves: keys of any value, and keys of one value only.
_TOP = {"embed_dim", "custom_text", "init_logit_scale", "init_logit_bias", "vision_cfg", "text_cfg"}
_VISION = {"image_size", "timm_model_name", "timm_model_pretrained"}
_VISION_VALUES = {"timm_pool": "map", "timm_proj": "none"}
_TEXT = {"context_length", "hf_tokenizer_name", "width", "heads", "layers", "mlp_ratio"}
_TEXT_VALUES = {
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
    "tokenizer_kwargs": {"clean": "canonicalize"},
}


def is_siglip(found: Mapping[str, Any]) -> bool:
    """Whether a model configuration of open_clip has an image tower of SigLIP."""
    return _TIMM_NAME.fullmatch(str(found["vision_cfg"].get("timm_model_name"))) is not None


def siglip_unusual(found: Mapping[str, Any]) -> list[str]:
    """Return what sets the towers of `found` apart from published ones, as `part.key`."""
    vision, text = found["vision_cfg"], found["text_cfg"]
    odd = [key for key in found if key not in _TOP]
    odd += _odd("vision_cfg", vision, _VISION, _VISION_VALUES)
    odd += _odd("text_cfg", text, _TEXT | {"vocab_size", "act_kwargs"}, _TEXT_VALUES)
    if text.get("vocab_size") not in _VOCABULARIES:
        odd.append(f"text_cfg.vocab_size {text.get('vocab_size')}")
    return odd


def siglip_image(found: Mapping[str, Any]) -> SiglipImageConfig:
    """Return the image tower of `found`, in which nothing is unusual."""
    vision = found["vision_cfg"]
    name = vision["timm_model_name"]
    match = _TIMM_NAME.fullmatch(name)
    assert match is not None
    size, patch = _SIZES[match[1]], int(match[2])
    return SiglipImageConfig(
        layers=size.layers,
        width=size.width,
        heads=size.heads,
        patch_px=patch,
        grid=vision["image_size"] // patch,
        activation=Activation.GELU_TANH if _TANH.match(name) else Activation.GELU,
        mlp_ratio=size.mlp_ratio,
    )


def siglip_text(found: Mapping[str, Any]) -> SiglipTextConfig:
    """Return the text tower of `found`, in which nothing is unusual."""
    text = found["text_cfg"]
    return SiglipTextConfig(
        layers=text["layers"],
        width=text["width"],
        heads=text["heads"],
        embedding_dim=found["embed_dim"],
        tokens=text["vocab_size"],
        vocabulary=_VOCABULARIES[text["vocab_size"]],
        repository=text["hf_tokenizer_name"],
        context=text["context_length"],
        activation=_ACTIVATIONS[text.get("act_kwargs", {}).get("approximate")],
        mlp_ratio=text.get("mlp_ratio", 4.0),
    )


def _odd(
    part: str, found: Mapping[str, Any], free: set[str], fixed: Mapping[str, object]
) -> list[str]:
    odd = [f"{part}.{key}" for key in found if key not in free and key not in fixed]
    wrong = [key for key, value in fixed.items() if found.get(key) != value]
    return odd + [f"{part}.{key} {found.get(key)}" for key in wrong]
