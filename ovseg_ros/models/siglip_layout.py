"""The layout of open_clip weight files with SigLIP towers, mapped to ours and back without loss.

The image side is timm's vision transformer inside open_clip, the text side open_clip's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_TOP = ("logit_scale", "logit_bias")
_PATCHES = "patch_embed"
_IMAGE = {
    _PATCHES: f"{_PATCHES}.proj",
    "ln_1": "norm1",
    "ln_2": "norm2",
    "out_proj": "proj",
    "c_fc": "fc1",
    "c_proj": "fc2",
}
_TEXT = {"blocks": "transformer.resblocks"}
_PARTS = ("q_proj", "k_proj", "v_proj")


@dataclass(frozen=True)
class _Place:
    """Where a parameter of ours is kept: share `part` of `parts` of the tensor at `key`."""

    key: str
    part: int = 0
    parts: int = 1


def siglip_name(name: str) -> str:
    """Return the published name of our parameter or module `name`.

    Projections of attention, which are published in one tensor, keep their own names behind that
    of their module.
    """
    tower, _, rest = name.partition(".")
    if rest in _TOP:
        return rest
    table = _IMAGE if tower == "image" else _TEXT
    own = ".".join(table.get(step, step) for step in rest.split("."))
    return f"visual.trunk.{own}" if tower == "image" else f"text.{own}"


def to_siglip(towers: nn.Module) -> dict[str, Tensor]:
    """Return the weights of `towers.image` and `towers.text` under their published names."""
    found: dict[str, dict[int, Tensor]] = {}
    for name, value in towers.state_dict().items():
        if name.startswith(("image.", "text.")):
            place = _place(name)
            found.setdefault(place.key, {})[place.part] = value
    return {
        key: shares[0] if len(shares) == 1 else torch.cat([shares[i] for i in sorted(shares)])
        for key, shares in found.items()
    }


def from_siglip(towers: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `weights`, whose keys and shapes are those of `to_siglip`, under our names."""
    ours: dict[str, Tensor] = {}
    for name in towers.state_dict():
        if name.startswith(("image.", "text.")):
            place = _place(name)
            whole = weights[place.key]
            ours[name] = whole.chunk(place.parts)[place.part] if place.parts > 1 else whole
    return ours


def siglip_shapes(towers: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return key -> shape of a published file that fits `towers`."""
    return {name: tuple(value.shape) for name, value in to_siglip(towers).items()}


def _place(name: str) -> _Place:
    published = siglip_name(name)
    module, _, last = published.rpartition(".")
    owner, _, projection = module.rpartition(".")
    if projection not in _PARTS:
        return _Place(published)
    part = _PARTS.index(projection)
    if name.startswith("text."):
        return _Place(f"{owner}.in_proj_{last}", part, 3)
    if not owner.endswith("attn_pool"):
        return _Place(f"{owner}.qkv.{last}", part, 3)
    return _Place(f"{owner}.kv.{last}", part - 1, 2) if part else _Place(f"{owner}.q.{last}")
